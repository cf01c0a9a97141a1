// A contract that runs the script in its input, whichever method is called: operations of 28 bytes, which are a number
// and six words. It outputs of each its result (4 bytes) and the 64 bytes of a buffer, which are 0xee before it.
//
// A script names places in memory as a program in wasm has them, the input from 65,536 and the buffer from 1,024, so
// that one script runs on both. Here, they are moved to where the arrays are.

#include "guest.h"

i64 input_read(u64, u64);
void output_write(u64, u64);
void revert(u64, u64);
i64 storage_read(u64, u64, u64, u64);
void storage_write(u64, u64, u64, u64);
i64 storage_try_write(u64, u64, u64, u64);
i64 storage_remove(u64, u64);
i64 storage_next(u64, u64, u64, u64, u64, u64);
i64 storage_previous(u64, u64, u64, u64, u64, u64);
i64 storage_remove_range(u64, u64, u64, u64, u64);
i64 transient_read(u64, u64, u64, u64);
void transient_write(u64, u64, u64, u64);
i64 transient_remove(u64, u64);
void event_emit_topics(u64, u64, u64, u64);
void caller(u64);
void value(u64);
void balance(u64, u64);
void deposit(u64);
i64 call(u64, u64, u64, u64, u64, u64);
i64 call_read_only(u64, u64, u64, u64, u64, u64);
i64 deploy(u64, u64, u64, u64, u64, u64);
i64 upgrade(u64, u64, u64, u64, u64);
i64 set_admin(u64, u64, u64);
i64 admin(u64, u64);
i64 code_hash(u64, u64);
void set_reentrancy(u64);
i64 return_data_read(u64, u64);

IMPORT(input_read, 2, 1)
IMPORT(output_write, 2, 0)
IMPORT(revert, 2, 0)
IMPORT(storage_read, 4, 1)
IMPORT(storage_write, 4, 0)
IMPORT(storage_try_write, 4, 1)
IMPORT(storage_remove, 2, 1)
IMPORT(storage_next, 6, 1)
IMPORT(storage_previous, 6, 1)
IMPORT(storage_remove_range, 5, 1)
IMPORT(transient_read, 4, 1)
IMPORT(transient_write, 4, 0)
IMPORT(transient_remove, 2, 1)
IMPORT(event_emit_topics, 4, 0)
IMPORT(caller, 1, 0)
IMPORT(value, 1, 0)
IMPORT(balance, 2, 0)
IMPORT(deposit, 1, 0)
IMPORT(call, 6, 1)
IMPORT(call_read_only, 6, 1)
IMPORT(deploy, 6, 1)
IMPORT(upgrade, 5, 1)
IMPORT(set_admin, 3, 1)
IMPORT(admin, 2, 1)
IMPORT(code_hash, 2, 1)
IMPORT(set_reentrancy, 1, 0)
IMPORT(return_data_read, 2, 1)

enum { INPUT_BYTES = 0x40000, OUTPUT_BYTES = 0x50000, INPUT_BASE = 0x10000, BUFFER_BASE = 0x400, BUFFER_BYTES = 64 };

static u8 input[INPUT_BYTES];
static u8 output[OUTPUT_BYTES];
static u8 buffer[BUFFER_BYTES];

// Which of the six words of an operation are addresses: a bit each, that of the first word the lowest.
static const u8 addresses[] = {5, 5, 5, 1, 21, 21, 5, 5, 5, 1, 5, 1, 1, 3, 1, 43, 43, 55, 23, 5, 3, 3, 0, 0, 1, 0, 0};

static u32 word(const u8 *at) { return at[0] | at[1] << 8 | at[2] << 16 | (u32)at[3] << 24; }

static u64 moved(u32 address) {
    if (address >= INPUT_BASE)
        return (u64)input + (address - INPUT_BASE);
    return address >= BUFFER_BASE ? (u64)buffer + (address - BUFFER_BASE) : address;
}

static u64 number_at(u64 address) {
    const u8 *at = (const u8 *)address;
    return word(at) | (u64)word(at + 4) << 32;
}

static u64 execute(u32 operation, const u64 w[6], u8 *out) {
    switch (operation) {
    case 0: return storage_read(w[0], w[1], w[2], w[3]);
    case 1: storage_write(w[0], w[1], w[2], w[3]); return 0;
    case 2: return storage_try_write(w[0], w[1], w[2], w[3]);
    case 3: return storage_remove(w[0], w[1]);
    case 4: return storage_next(w[0], w[1], w[2], w[3], w[4], w[5]);
    case 5: return storage_previous(w[0], w[1], w[2], w[3], w[4], w[5]);
    case 6: return storage_remove_range(w[0], w[1], w[2], w[3], w[4]);
    case 7: return transient_read(w[0], w[1], w[2], w[3]);
    case 8: transient_write(w[0], w[1], w[2], w[3]); return 0;
    case 9: return transient_remove(w[0], w[1]);
    case 10: event_emit_topics(w[0], w[1], w[2], w[3]); return 0;
    case 11: caller(w[0]); return 0;
    case 12: value(w[0]); return 0;
    case 13: balance(w[0], w[1]); return 0;
    case 14: deposit(w[0]); return 0;
    case 15: return call(w[0], w[1], w[2], w[3], w[4], w[5]);
    case 16: return call_read_only(w[0], w[1], w[2], w[3], w[4], number_at(w[5]));
    case 17: return deploy(w[0], w[1], w[2], w[3], w[4], w[5]);
    case 18: return upgrade(w[0], w[1], w[2], w[3], number_at(w[4]));
    case 19: return set_admin(w[0], w[1], w[2]);
    case 20: return admin(w[0], w[1]);
    case 21: return code_hash(w[0], w[1]);
    case 22: set_reentrancy(w[0]); return 0;
    case 23: return return_data_read((u64)out, 0x30000);
    case 24: revert(w[0], w[1]); return 0;
    case 25: __asm__ volatile("unimp"); return 0;
    default:
        for (;;)
            __asm__ volatile("");
    }
}

static void script(void) __asm__("script");

__attribute__((used)) static void script(void) {
    input_read((u64)input, INPUT_BYTES);
    const u8 *next = input + 4;
    u8 *out = output;
    for (u32 left = word(input); left > 0; left--) {
        for (int i = 0; i < BUFFER_BYTES; i++)
            buffer[i] = 0xee;
        u32 operation = word(next);
        u64 words[6];
        for (int i = 0; i < 6; i++) {
            u32 given = word(next + 4 + 4 * i);
            words[i] = operation < sizeof(addresses) && addresses[operation] >> i & 1 ? moved(given) : given;
        }
        u64 result = execute(operation, words, out + 4 + BUFFER_BYTES);
        for (int i = 0; i < 4; i++)
            out[i] = (u8)(result >> 8 * i);
        for (int i = 0; i < BUFFER_BYTES; i++)
            out[4 + i] = buffer[i];
        out += 4 + BUFFER_BYTES + (operation == 23 ? (u32)result : 0);
        next += 28;
    }
    output_write((u64)output, out - output);
}

// METHOD(name): an export of that name, which is the script. Some of the names are those of syscalls.
#define METHOD(name)                                                                                                   \
    DESCRIBE(export, name, 0, 0)                                                                                       \
    __asm__(".pushsection .polkavm_exports, \"Ra\", @note\n"                                                           \
            ".byte 1\n"                                                                                                \
            ".quad export_" #name "\n"                                                                                 \
            ".quad script\n"                                                                                           \
            ".popsection\n");

METHOD(run)
METHOD(deploy)
METHOD(migrate)
METHOD(receive)
