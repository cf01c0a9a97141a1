// A contract that makes the syscalls that its input lists, one after the other, and outputs what each came to.
// It is built for both formats, and has room to be told anything that a test wants.
//
// ask(): the input is the number of calls and the bytes of the area to output (u32 each), 32 calls of 56 bytes (u64 each:
// the number of the syscall, and six arguments), and what the area begins with. An argument with the highest bit set is
// an address: its low half is a place in the area. The output is 32 results (u64 each), and the beginning of the area.

#include "guest.h"

i32 input_read(void *to, u32 capacity);
void output_write(const void *from, u32 length);
void revert(const void *from, u32 length);
i32 storage_read(const void *key, u32 key_length, void *to, u32 capacity);
void storage_write(const void *key, u32 key_length, const void *value, u32 length);
i32 storage_remove(const void *key, u32 key_length);
void value(void *amount);
void balance(const void *address, void *amount);
void event_emit(const void *topic, u32 topic_length, const void *data, u32 length);
u64 gas_left(void);
i32 call(const void *address, const void *method, u32 method_length, const void *input, u32 length, const void *options);
i32 return_data_read(void *to, u32 capacity);
void sha256(const void *message, u32 length, void *digest);
void keccak256(const void *message, u32 length, void *digest);
void blake3(const void *message, u32 length, void *digest);
i32 ed25519_verify(const void *key, const void *signature, const void *message, u32 length);
i32 secp256k1_verify(const void *key, u32 key_length, const void *signature, const void *digest);
i32 secp256k1_recover(const void *signature, const void *digest, void *key);
i32 secp256r1_verify(const void *key, u32 key_length, const void *signature, const void *digest);
i32 bls12_381_verify(const void *keys, u32 keys_length, const void *message, u32 length, const void *signature);
i32 bls12_381_aggregate_verify(const void *keys, u32 keys_length, const void *messages, u32 length, const void *signature);
u64 block_height(void);
u64 block_time(void);
void block_proposer(void *address);
i32 chain_id(void *to, u32 capacity);
void event_emit_topics(const void *topics, u32 topics_length, const void *data, u32 length);
i32 transient_read(const void *key, u32 key_length, void *to, u32 capacity);
void transient_write(const void *key, u32 key_length, const void *value, u32 length);
i32 transient_remove(const void *key, u32 key_length);
i32 storage_next(const void *start, u32 start_length, const void *end, u32 end_length, void *to, u32 capacity);
i32 storage_previous(const void *start, u32 start_length, const void *end, u32 end_length, void *to, u32 capacity);
i32 storage_remove_range(const void *start, u32 start_length, const void *end, u32 end_length, u32 most);
i32 storage_try_write(const void *key, u32 key_length, const void *value, u32 length);
void deposit(void *amount);

IMPORT(input_read, 2, 1)
IMPORT(output_write, 2, 0)
IMPORT(revert, 2, 0)
IMPORT(storage_read, 4, 1)
IMPORT(storage_write, 4, 0)
IMPORT(storage_remove, 2, 1)
IMPORT(value, 1, 0)
IMPORT(balance, 2, 0)
IMPORT(event_emit, 4, 0)
IMPORT(gas_left, 0, 1)
IMPORT(call, 6, 1)
IMPORT(return_data_read, 2, 1)
IMPORT(sha256, 3, 0)
IMPORT(keccak256, 3, 0)
IMPORT(blake3, 3, 0)
IMPORT(ed25519_verify, 4, 1)
IMPORT(secp256k1_verify, 4, 1)
IMPORT(secp256k1_recover, 3, 1)
IMPORT(secp256r1_verify, 4, 1)
IMPORT(bls12_381_verify, 5, 1)
IMPORT(bls12_381_aggregate_verify, 5, 1)
IMPORT(block_height, 0, 1)
IMPORT(block_time, 0, 1)
IMPORT(block_proposer, 1, 0)
IMPORT(chain_id, 2, 1)
IMPORT(event_emit_topics, 4, 0)
IMPORT(transient_read, 4, 1)
IMPORT(transient_write, 4, 0)
IMPORT(transient_remove, 2, 1)
IMPORT(storage_next, 6, 1)
IMPORT(storage_previous, 6, 1)
IMPORT(storage_remove_range, 5, 1)
IMPORT(storage_try_write, 4, 1)
IMPORT(deposit, 1, 0)

#define CALLS 32
#define AREA 140000

static struct {
    u32 calls;
    u32 shown;
    u64 call[CALLS][7];
    u8 area[AREA];
} script;

static struct {
    u64 results[CALLS];
    u8 area[AREA];
} shown;

static void *address(u64 argument) {
    return argument >> 63 ? script.area + (u32)argument : (void *)(unsigned long)(u32)argument;
}

#define P(at) address(arguments[at])
#define N(at) ((u32)arguments[at])
#define NOTHING(call) return (call, 0)
#define STATUS(call) return (u64)(i64)(call)

static u64 make(u64 number, const u64 *arguments) {
    switch (number) {
    case 2: NOTHING(revert(P(0), N(1)));
    case 3: STATUS(storage_read(P(0), N(1), P(2), N(3)));
    case 4: NOTHING(storage_write(P(0), N(1), P(2), N(3)));
    case 5: STATUS(storage_remove(P(0), N(1)));
    case 8: NOTHING(value(P(0)));
    case 9: NOTHING(balance(P(0), P(1)));
    case 10: NOTHING(event_emit(P(0), N(1), P(2), N(3)));
    case 11: return gas_left();
    case 12: STATUS(call(P(0), P(1), N(2), P(3), N(4), P(5)));
    case 13: STATUS(return_data_read(P(0), N(1)));
    case 16: NOTHING(sha256(P(0), N(1), P(2)));
    case 17: NOTHING(keccak256(P(0), N(1), P(2)));
    case 18: NOTHING(blake3(P(0), N(1), P(2)));
    case 19: STATUS(ed25519_verify(P(0), P(1), P(2), N(3)));
    case 20: STATUS(secp256k1_verify(P(0), N(1), P(2), P(3)));
    case 21: STATUS(secp256k1_recover(P(0), P(1), P(2)));
    case 22: STATUS(secp256r1_verify(P(0), N(1), P(2), P(3)));
    case 23: STATUS(bls12_381_verify(P(0), N(1), P(2), N(3), P(4)));
    case 24: STATUS(bls12_381_aggregate_verify(P(0), N(1), P(2), N(3), P(4)));
    case 25: return block_height();
    case 26: return block_time();
    case 27: NOTHING(block_proposer(P(0)));
    case 28: STATUS(chain_id(P(0), N(1)));
    case 29: NOTHING(event_emit_topics(P(0), N(1), P(2), N(3)));
    case 30: STATUS(transient_read(P(0), N(1), P(2), N(3)));
    case 31: NOTHING(transient_write(P(0), N(1), P(2), N(3)));
    case 32: STATUS(transient_remove(P(0), N(1)));
    case 33: STATUS(storage_next(P(0), N(1), P(2), N(3), P(4), N(5)));
    case 34: STATUS(storage_previous(P(0), N(1), P(2), N(3), P(4), N(5)));
    case 35: STATUS(storage_remove_range(P(0), N(1), P(2), N(3), N(4)));
    case 36: STATUS(storage_try_write(P(0), N(1), P(2), N(3)));
    case 37: NOTHING(deposit(P(0)));
    }
    __builtin_trap();
}

void ask(void) {
    input_read(&script, sizeof script);
    for (u32 at = 0; at < script.calls && at < CALLS; at++) {
        shown.results[at] = make(script.call[at][0], &script.call[at][1]);
    }
    u32 length = script.shown < AREA ? script.shown : AREA;
    for (u32 at = 0; at < length; at++) {
        shown.area[at] = script.area[at];
    }
    output_write(&shown, sizeof shown.results + length);
}
EXPORT(ask, 0, 0)
