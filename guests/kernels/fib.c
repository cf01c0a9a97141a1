// The n-th Fibonacci number by plain recursion: almost nothing but calls. The checksum is the number.

#include "kernel.h"

// Both calls have to stay calls: the compiler would make a loop of the second.
__attribute__((noinline, disable_tail_calls)) static u64 fib(int n) {
    return n < 2 ? (u64)n : fib(n - 1) + fib(n - 2);
}

KERNEL {
    return fib(n < 0 ? 0 : n);
}
