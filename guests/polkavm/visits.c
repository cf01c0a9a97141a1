// A script for the playground, as the guest of that name in wat/: counts its runs, and adds up their arguments.

#include "guest.h"

u64 get(u64 key);
void set(u64 key, u64 number);

IMPORT(get, 1, 1)
IMPORT(set, 2, 0)

void script_main(u64 argument) __asm__("main");

void script_main(u64 argument) {
    set(0, get(0) + 1);
    set(1, get(1) + argument);
}

DESCRIBE(export, main, 1, 0)
__asm__(".pushsection .polkavm_exports, \"Ra\", @note\n"
        ".byte 1\n"
        ".quad export_main\n"
        ".quad main\n"
        ".popsection\n");
