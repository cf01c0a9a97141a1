// Keccak-256, as Ethereum uses it, of n KiB: pseudo-random words, the same KiB n times over. The
// checksum is the first eight bytes of the digest, little-endian.

#include "kernel.h"

#define MESSAGE_WORDS 128
#define LANES 25
#define RATE_LANES 17
#define ROUNDS 24

static const u64 ROUND_CONSTANTS[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

// Along the one cycle through all lanes but the first: where each lane moves, and how far it turns.
static const u8 PI[LANES - 1] = {
    10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
};
static const u8 RHO[LANES - 1] = {
    1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
};

static u64 message[MESSAGE_WORDS];

static u64 rotate(u64 x, int by) {
    return x << by | x >> (64 - by);
}

static void permute(u64 lanes[LANES]) {
    for (int round = 0; round < ROUNDS; round++) {
        u64 parity[5];
        for (int x = 0; x < 5; x++)
            parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
        for (int x = 0; x < 5; x++) {
            u64 theta = parity[(x + 4) % 5] ^ rotate(parity[(x + 1) % 5], 1);
            for (int y = 0; y < LANES; y += 5)
                lanes[x + y] ^= theta;
        }

        u64 moved = lanes[1];
        for (int i = 0; i < LANES - 1; i++) {
            u64 next = lanes[PI[i]];
            lanes[PI[i]] = rotate(moved, RHO[i]);
            moved = next;
        }

        for (int y = 0; y < LANES; y += 5) {
            u64 row[5];
            for (int x = 0; x < 5; x++)
                row[x] = lanes[x + y];
            for (int x = 0; x < 5; x++)
                lanes[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
        }
        lanes[0] ^= ROUND_CONSTANTS[round];
    }
}

KERNEL {
    u64 seed = 2;
    for (int i = 0; i < MESSAGE_WORDS; i++) {
        u64 high = (u64)next_random(&seed) << 32;
        message[i] = high | next_random(&seed);
    }

    // An initialiser would call memset, which nobody defines.
    u64 lanes[LANES];
    for (int i = 0; i < LANES; i++)
        lanes[i] = 0;
    int lane = 0;
    for (int i = 0; i < n; i++)
        for (int at = 0; at < MESSAGE_WORDS; at++) {
            lanes[lane++] ^= message[at];
            if (lane == RATE_LANES) {
                permute(lanes);
                lane = 0;
            }
        }
    lanes[lane] ^= 0x01;
    lanes[RATE_LANES - 1] ^= 1ull << 63;
    permute(lanes);
    return lanes[0];
}
