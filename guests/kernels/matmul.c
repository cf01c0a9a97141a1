// The product of two n x n matrices of 64-bit integers, wrapping. The checksum folds the product row
// by row: h = 31 h + c. There is room for n = 256.

#include "kernel.h"

#define MAX 256

static u64 a[MAX * MAX], b[MAX * MAX];

KERNEL {
    if (n < 0)
        n = 0;
    if (n > MAX)
        __builtin_trap();

    u64 seed = 3;
    for (int i = 0; i < n * n; i++) {
        a[i] = next_random(&seed);
        b[i] = next_random(&seed);
    }

    u64 checksum = 0;
    for (int row = 0; row < n; row++)
        for (int column = 0; column < n; column++) {
            u64 sum = 0;
            for (int i = 0; i < n; i++)
                sum += a[row * n + i] * b[i * n + column];
            checksum = 31 * checksum + sum;
        }
    return checksum;
}
