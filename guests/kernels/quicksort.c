// Sorts n pseudo-random 32-bit numbers. The checksum folds them in order: h = 31 h + x. There is room
// for n = 1,048,576.

#include "kernel.h"

#define MAX (1 << 20)

static u32 numbers[MAX];

// Hoare's partition around the middle; recursion into the smaller part, so that the stack stays low.
static void sort(u32 *from, u32 *to) {
    while (to - from > 1) {
        u32 pivot = from[(to - from) / 2];
        u32 *left = from, *right = to - 1;
        while (left <= right) {
            while (*left < pivot)
                left++;
            while (*right > pivot)
                right--;
            if (left <= right) {
                u32 swapped = *left;
                *left++ = *right;
                *right-- = swapped;
            }
        }
        // Now [from, right] and [left, to) are what is left to sort.
        if (right + 1 - from < to - left) {
            sort(from, right + 1);
            from = left;
        } else {
            sort(left, to);
            to = right + 1;
        }
    }
}

KERNEL {
    if (n < 0)
        n = 0;
    if (n > MAX)
        __builtin_trap();

    u64 seed = 4;
    for (int i = 0; i < n; i++)
        numbers[i] = next_random(&seed);
    sort(numbers, numbers + n);

    u64 checksum = 0;
    for (int i = 0; i < n; i++)
        checksum = 31 * checksum + numbers[i];
    return checksum;
}
