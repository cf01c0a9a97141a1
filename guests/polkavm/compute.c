// A program without imports: it computes, keeps a number, loops, recurses and fails, an export for each.

#include "guest.h"

static volatile u64 kept = 5;
static const volatile u64 constant = 7;

u64 add(u64 a, u64 b) { return a + b; }
EXPORT(add, 2, 1)

u64 six(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) { return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f; }
EXPORT(six, 6, 1)

// Mixes a number n times.
u64 mix(u64 n) {
    u64 mixed = 0x9e3779b97f4a7c15;
    for (u64 i = 0; i < n; i++) {
        mixed ^= mixed >> 29;
        mixed = mixed * 0xbf58476d1ce4e5b9 + i;
    }
    return mixed;
}
EXPORT(mix, 1, 1)

// The Fibonacci number, by calling itself.
__attribute__((noinline)) u64 fib(u64 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
EXPORT(fib, 1, 1)

// Adds to the number that the instance keeps.
u64 keep(u64 more) { return kept += more; }
EXPORT(keep, 1, 1)

u64 fixed(void) { return constant; }
EXPORT(fixed, 0, 1)

// The first prime numbers below n, which is at most 4096, counted by means of a table on the stack.
u64 primes(u64 n) {
    volatile u8 composite[4096];
    u64 found = 0;
    n = n < 4096 ? n : 4096;
    for (u64 i = 0; i < n; i++) composite[i] = 0;
    for (u64 i = 2; i < n; i++) {
        if (composite[i]) continue;
        found++;
        for (u64 k = i * i; k < n; k += i) composite[k] = 1;
    }
    return found;
}
EXPORT(primes, 1, 1)

void nothing(void) {}
EXPORT(nothing, 0, 0)

void forever(void) {
    for (;;) __asm__ volatile("");
}
EXPORT(forever, 0, 0)

// Fails when it has kept 99.
void fail(void) {
    kept = 99;
    __asm__ volatile("unimp");
}
EXPORT(fail, 0, 0)

u64 load(u64 address) { return *(volatile u64 *)address; }
EXPORT(load, 1, 1)

void store(u64 address, u64 value) { *(volatile u64 *)address = value; }
EXPORT(store, 2, 0)

u64 jump(u64 address) { return ((u64(*)(void))address)(); }
EXPORT(jump, 1, 1)

// Outgrows the stack, unless n is 0.
__attribute__((noinline)) u64 deeper(u64 n) {
    volatile u64 here[16];
    here[n & 15] = n;
    return n == 0 ? 0 : deeper(n + 1) + here[n & 15];
}
EXPORT(deeper, 1, 1)
