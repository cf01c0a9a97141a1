// The counter contract: one stored number, as the guest of that name in wat/.
//
// Every change emits an event "count" with the new number. Numbers are u64, little-endian; the sum
// wraps. A counter that was never written counts from 0.

#include "guest.h"

i32 input_read(void *to, u32 capacity);
void output_write(const void *from, u32 length);
void revert(const void *from, u32 length);
i32 storage_read(const void *key, u32 key_length, void *to, u32 capacity);
void storage_write(const void *key, u32 key_length, const void *value, u32 length);
void event_emit(const void *topic, u32 topic_length, const void *data, u32 length);

IMPORT(input_read, 2, 1)
IMPORT(output_write, 2, 0)
IMPORT(revert, 2, 0)
IMPORT(storage_read, 4, 1)
IMPORT(storage_write, 4, 0)
IMPORT(event_emit, 4, 0)

// The key, which is the topic too.
static const char KEY[] = "count";
static const char MESSAGE[] = "add takes eight bytes";

static u64 number;

static void read_number(void) {
    number = 0;
    storage_read(KEY, sizeof KEY - 1, &number, sizeof number);
}

static void write_number(void) { storage_write(KEY, sizeof KEY - 1, &number, sizeof number); }

static void add_number(u64 more) {
    read_number();
    number += more;
    write_number();
    event_emit(KEY, sizeof KEY - 1, &number, sizeof number);
    output_write(&number, sizeof number);
}

// deploy(): stores 0.
void deploy(void) { write_number(); }
EXPORT(deploy, 0, 0)

// increment() -> u64: adds one.
void increment(void) { add_number(1); }
EXPORT(increment, 0, 0)

// add(n: u64) -> u64: adds n.
void add(void) {
    u64 more;
    if (input_read(&more, sizeof more) != sizeof more) {
        revert(MESSAGE, sizeof MESSAGE - 1);
    }
    add_number(more);
}
EXPORT(add, 0, 0)

// value() -> u64
void value(void) {
    read_number();
    output_write(&number, sizeof number);
}
EXPORT(value, 0, 0)
