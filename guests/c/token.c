// The token contract in C: balances, allowances and a fixed supply, as the guest in token/.
//
// It has the same methods, storage, events and messages. Invariant: the balances add up to the
// total supply, which only `deploy` sets; so no balance overflows.

#include "fusee.h"

typedef struct {
    uint8_t bytes[FUSEE_ADDRESS_BYTES];
} address;

// The data of both events, in borsh: numbers and addresses lie one behind the other.
struct __attribute__((packed)) moved {
    address from;
    address to;
    uint64_t amount;
};

struct __attribute__((packed)) balance_key {
    uint8_t tag;
    address account;
};

struct __attribute__((packed)) allowance_key {
    uint8_t tag;
    address owner;
    address spender;
};

static const uint8_t SUPPLY[] = {0};
enum { BALANCE = 1, ALLOWANCE = 2 };

// A text without the zero at its end, as a region: an address and a length.
#define TEXT(text) (text), sizeof(text) - 1

static _Noreturn void revert(const char *text, uint32_t length) {
    fusee_revert(text, length);
    // The call has ended, which the compiler does not know.
    __builtin_trap();
}

// Reads the arguments: exactly as many bytes as they have.
static void arguments(void *to, uint32_t length) {
    int32_t has = fusee_input_read(to, length);
    if (has < (int32_t)length) {
        revert(TEXT("arguments end too early"));
    }
    if (has > (int32_t)length) {
        revert(TEXT("bytes after the arguments"));
    }
}

// The number under a key, or 0.
static uint64_t load(const void *key, uint32_t length) {
    uint64_t number = 0;
    fusee_storage_read(key, length, &number, sizeof number);
    return number;
}

static void store(const void *key, uint32_t length, uint64_t number) {
    fusee_storage_write(key, length, &number, sizeof number);
}

static char *append_text(char *to, const char *text) {
    while (*text) {
        *to++ = *text++;
    }
    return to;
}

static char *append_number(char *to, uint64_t number) {
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (count) {
        *to++ = digits[--count];
    }
    return to;
}

// What is left of the number, or a revert that names both.
static uint64_t subtract(const char *complaint, uint64_t has, uint64_t needs) {
    if (has < needs) {
        static char message[100];
        char *end = append_text(message, complaint);
        end = append_number(append_text(end, ": has "), has);
        end = append_number(append_text(end, ", needs "), needs);
        revert(message, (uint32_t)(end - message));
    }
    return has - needs;
}

// Moves tokens with two writes and one event.
static void move_tokens(const struct moved *moved) {
    struct balance_key key = {BALANCE, moved->from};
    uint64_t rest = subtract("insufficient balance", load(&key, sizeof key), moved->amount);
    store(&key, sizeof key, rest);

    // Read after the write above, so that a transfer to oneself leaves the balance as it was.
    key.account = moved->to;
    store(&key, sizeof key, load(&key, sizeof key) + moved->amount);
    fusee_event_emit(TEXT("transfer"), moved, sizeof *moved);
}

// deploy(supply: u64): credits the whole supply to the caller.
FUSEE_METHOD(deploy) {
    uint64_t supply;
    arguments(&supply, sizeof supply);
    store(SUPPLY, sizeof SUPPLY, supply);
    struct balance_key key;
    key.tag = BALANCE;
    fusee_caller(&key.account);
    store(&key, sizeof key, supply);
}

// transfer(to: address, amount: u64): moves the caller's tokens.
FUSEE_METHOD(transfer) {
    struct moved moved;
    arguments(&moved.to, sizeof moved - sizeof moved.from);
    fusee_caller(&moved.from);
    move_tokens(&moved);
}

// approve(spender: address, amount: u64): sets how many of the caller's tokens another account may
// move, in place of any earlier number.
FUSEE_METHOD(approve) {
    struct moved approved;
    arguments(&approved.to, sizeof approved - sizeof approved.from);
    fusee_caller(&approved.from);
    struct allowance_key key = {ALLOWANCE, approved.from, approved.to};
    store(&key, sizeof key, approved.amount);
    fusee_event_emit(TEXT("approve"), &approved, sizeof approved);
}

// transfer_from(from: address, to: address, amount: u64): moves another account's tokens, out of
// the allowance that it gave to the caller.
FUSEE_METHOD(transfer_from) {
    struct moved moved;
    arguments(&moved, sizeof moved);
    struct allowance_key key;
    key.tag = ALLOWANCE;
    key.owner = moved.from;
    fusee_caller(&key.spender);
    uint64_t rest = subtract("insufficient allowance", load(&key, sizeof key), moved.amount);
    store(&key, sizeof key, rest);
    move_tokens(&moved);
}

// balance_of(account: address) -> u64
FUSEE_METHOD(balance_of) {
    struct balance_key key;
    key.tag = BALANCE;
    arguments(&key.account, sizeof key.account);
    uint64_t balance = load(&key, sizeof key);
    fusee_output_write(&balance, sizeof balance);
}

// allowance(owner: address, spender: address) -> u64
FUSEE_METHOD(allowance) {
    struct allowance_key key;
    key.tag = ALLOWANCE;
    arguments(&key.owner, sizeof key.owner + sizeof key.spender);
    uint64_t allowed = load(&key, sizeof key);
    fusee_output_write(&allowed, sizeof allowed);
}

// total_supply() -> u64
FUSEE_METHOD(total_supply) {
    arguments(0, 0);
    uint64_t supply = load(SUPPLY, sizeof SUPPLY);
    fusee_output_write(&supply, sizeof supply);
}
