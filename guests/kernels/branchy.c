// The steps that all Collatz sequences from 1 to n take to reach 1, added up: a loop in a loop, of
// blocks of two or three instructions.

#include "kernel.h"

KERNEL {
    u64 steps = 0;
    for (int start = 1; start <= n; start++)
        for (u64 x = (u32)start; x != 1; steps++) {
            if (x & 1) {
                x = 3 * x + 1;
                KEEP_BRANCH(x);
            } else {
                x >>= 1;
                KEEP_BRANCH(x);
            }
        }
    return steps;
}
