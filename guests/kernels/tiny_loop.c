// A loop of n iterations with a tiny body and two branches that no one can predict. The checksum is
// what the branches add up to.

#include "kernel.h"

KERNEL {
    u64 seed = 5;
    u64 checksum = 0;
    for (int i = 0; i < n; i++) {
        u32 random = next_random(&seed);
        if (random & 1) {
            checksum += random;
            KEEP_BRANCH(checksum);
        }
        if (random & 2) {
            checksum ^= seed;
            KEEP_BRANCH(checksum);
        } else {
            checksum -= 7;
            KEEP_BRANCH(checksum);
        }
    }
    return checksum;
}
