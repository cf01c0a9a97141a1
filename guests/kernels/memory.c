// Reads and writes all over 4 MiB, n rounds of 262,144 times each: strides of a word, a cache line, a
// page, and one that meets every word in no order a prefetcher knows. The checksum folds what was read.

#include "kernel.h"

#define WORDS (1 << 19)
#define ACCESSES (1 << 16)

static const u32 STRIDES[4] = {1, 8, 512, 200003};

static u64 memory[WORDS];

KERNEL {
    for (int i = 0; i < WORDS; i++)
        memory[i] = 0;

    u64 checksum = 6;
    u32 at = 0;
    for (int round = 0; round < n; round++)
        for (int stride = 0; stride < 4; stride++)
            for (int i = 0; i < ACCESSES; i++) {
                at = (at + STRIDES[stride]) % WORDS;
                checksum = (checksum << 5 | checksum >> 59) ^ memory[at];
                memory[at] += checksum + i;
            }
    return checksum;
}
