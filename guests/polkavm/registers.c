// What syscalls find in registers and leave there: an i32 is the low half of its register on the way in, and fills it with its
// sign on the way out.

#include "guest.h"

i64 storage_read(u64 key, u64 key_length, u64 to, u64 capacity);
u64 output_write(u64 from, u64 length);

IMPORT(storage_read, 4, 1)
IMPORT(output_write, 2, 0)

static char bytes[] = "registers";

static const u64 ABOVE = 0xdeadbeef00000000;

// absent() -> i64: the register that a syscall answers in, where there is no value.
i64 absent(void) { return storage_read((u64)bytes, 1, 0, 0); }
EXPORT(absent, 0, 1)

// nothing() -> u64: the register that a syscall without a result leaves.
u64 nothing(void) { return output_write((u64)bytes, 0); }
EXPORT(nothing, 0, 1)

// above() -> i64: the same as absent, and outputs the bytes, with something above the low half of each argument.
i64 above(void) {
    output_write((u64)bytes | ABOVE, (sizeof bytes - 1) | ABOVE);
    return storage_read((u64)bytes | ABOVE, 1 | ABOVE, ABOVE, ABOVE);
}
EXPORT(above, 0, 1)
