// Writes a word and its input to the debug log.

#include "guest.h"

i32 input_read(void *to, u32 capacity);
void debug_log(const void *text, u32 length);

IMPORT(input_read, 2, 1)
IMPORT(debug_log, 2, 0)

static const char WORD[] = "went";

static u8 input[100];

void go(void) {
    debug_log(WORD, sizeof WORD - 1);
    debug_log(input, input_read(input, sizeof input));
}
EXPORT(go, 0, 0)
