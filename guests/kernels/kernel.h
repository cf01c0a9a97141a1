// What the kernels share: integer types, the export, pseudo-random input.
//
// A kernel exports `run(i32 n) -> i64`: work that grows with n, and a checksum of it. It imports
// nothing, computes with integers only, and gives the same answer each time it is called. An n for
// which a kernel has no room traps.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define KERNEL __attribute__((export_name("run"))) u64 run(int n)

// Keeps the compiler from turning the branch it stands in into arithmetic: the value may have been
// changed here, for all that the compiler knows. No instruction comes of it.
#define KEEP_BRANCH(value) __asm__ volatile("" : "+r"(value))

// Knuth's 64-bit linear congruential generator; the upper half, which is the better one.
static inline u32 next_random(u64 *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (u32)(*state >> 32);
}
