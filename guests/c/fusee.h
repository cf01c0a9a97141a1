// Written by `cargo xtask syscalls` from the tables in crates/abi. Change those, not this file.
//
// The syscalls of contracts, for C: every function that a contract may import, the statuses that
// they return, and FUSEE_METHOD, which defines a method. docs/book/src/syscalls.md has the prices.
//
// The header serves both formats: WebAssembly (clang --target=wasm32) and PolkaVM (clang
// --target=riscv64-unknown-none-elf with the options of guests/build.sh, then polkavm-linker).
// A program imports the functions that it calls, and no others.
//
// A region of memory is a pointer and a length in bytes. A function that fills a buffer returns the
// full length, of which it has written what the capacity admits. An address has 32 bytes. An amount
// has 16 bytes, little-endian. Arguments, results and data of events are borsh: numbers are
// little-endian, as they are in the memory of a contract.
//
// The functions of nested VMs begin with fusee_vm_. A range is one number: the address in the low
// 32 bits, the length in the high 32 bits.
#ifndef FUSEE_H
#define FUSEE_H

#include <stdint.h>

#ifdef __wasm__

// FUSEE_METHOD(name) { .. }: a method of the contract, which takes its arguments from the input of
// the call (fusee_input_read) and returns by its output (fusee_output_write).
#define FUSEE_METHOD(method) __attribute__((export_name(#method))) void method(void)

#define FUSEE_IMPORT(module, import, function, arguments, results)                                 \
    extern __typeof__(function) function                                                           \
        __attribute__((import_module(module), import_name(import)));

#else

// For PolkaVM, imports and exports are described in sections that its linker reads and leaves out.
// An import is a function of one instruction that no processor has, followed by the place of its
// description.
struct __attribute__((packed)) fusee_described {
    uint8_t version;
    uint32_t flags;
    uint32_t name_bytes;
    const char *name;
    uint8_t arguments;
    uint8_t results;
};

#define FUSEE_DESCRIBE(symbol, named, arguments, results)                                          \
    __attribute__((used, section(".polkavm_metadata"))) static struct fusee_described symbol = {   \
        1, 0, sizeof(named) - 1, named, arguments, results};

#define FUSEE_METHOD(method)                                                                       \
    void method(void);                                                                             \
    FUSEE_DESCRIBE(fusee_export_##method, #method, 0, 0)                                           \
    __asm__(".pushsection .polkavm_exports, \"Ra\", @note\n"                                       \
            ".byte 1\n"                                                                            \
            ".quad fusee_export_" #method "\n"                                                     \
            ".quad " #method "\n"                                                                  \
            ".popsection\n");                                                                      \
    void method(void)

#define FUSEE_IMPORT(module, import, function, arguments, results)                                 \
    FUSEE_DESCRIBE(import_##function, import, arguments, results)                                  \
    __asm__(".pushsection .text.import_" #function ", \"ax\", @progbits\n"                         \
            ".weak " #function "\n"                                                                \
            ".type " #function ", @function\n" #function ":\n"                                     \
            ".word 0x0000000b\n"                                                                   \
            ".quad import_" #function "\n"                                                         \
            "ret\n"                                                                                \
            ".popsection\n");

#endif

// What compilers call by themselves to copy and clear structures, since there is no C library. A
// library that is linked takes their place.
#define FUSEE_MEMORY __attribute__((weak, no_builtin)) void *

FUSEE_MEMORY memcpy(void *to, const void *from, __SIZE_TYPE__ bytes) {
    for (__SIZE_TYPE__ at = 0; at < bytes; at++) {
        ((uint8_t *)to)[at] = ((const uint8_t *)from)[at];
    }
    return to;
}

FUSEE_MEMORY memmove(void *to, const void *from, __SIZE_TYPE__ bytes) {
    for (__SIZE_TYPE__ at = 0; at < bytes; at++) {
        __SIZE_TYPE__ place = (uintptr_t)to < (uintptr_t)from ? at : bytes - 1 - at;
        ((uint8_t *)to)[place] = ((const uint8_t *)from)[place];
    }
    return to;
}

FUSEE_MEMORY memset(void *to, int byte, __SIZE_TYPE__ bytes) {
    for (__SIZE_TYPE__ at = 0; at < bytes; at++) {
        ((uint8_t *)to)[at] = (uint8_t)byte;
    }
    return to;
}

__attribute__((weak, no_builtin)) int memcmp(
    const void *left, const void *right, __SIZE_TYPE__ bytes) {
    for (__SIZE_TYPE__ at = 0; at < bytes; at++) {
        uint8_t one = ((const uint8_t *)left)[at], other = ((const uint8_t *)right)[at];
        if (one != other) {
            return one < other ? -1 : 1;
        }
    }
    return 0;
}

// Bytes in an address.
#define FUSEE_ADDRESS_BYTES 32

// Bytes in an amount, little-endian.
#define FUSEE_AMOUNT_BYTES 16

// Bytes in the options of `call`: the gas limit (8 bytes), and the value to send (16 bytes).
#define FUSEE_CALL_OPTIONS_BYTES 24

// For `set_reentrancy`: calls that the contract makes to itself.
#define FUSEE_REENTRANCY_SELF 1

// For `set_reentrancy`: read-only calls.
#define FUSEE_REENTRANCY_READ_ONLY 2

// For `set_reentrancy`: all calls.
#define FUSEE_REENTRANCY_ANY 4

// The key has no value.
#define FUSEE_ABSENT (-1)

// The callee reverted. Its message is the return data.
#define FUSEE_REVERTED (-2)

// The callee trapped.
#define FUSEE_TRAPPED (-3)

// The callee ran out of gas.
#define FUSEE_OUT_OF_GAS (-4)

// The callee has no such method, or the address has no contract.
#define FUSEE_UNKNOWN_CALLEE (-5)

// The caller's balance is too small for the value of the call.
#define FUSEE_INSUFFICIENT_BALANCE (-6)

// The callee is already on the call stack. The return data names both frames.
#define FUSEE_REENTRANT (-7)

// The call stack reached its limit of depth or memory.
#define FUSEE_CALL_LIMIT (-8)

// The rules refuse the callee's code.
#define FUSEE_REFUSED (-9)

// The oracle request has no reply.
#define FUSEE_UNANSWERED (-10)

// The contract's balance does not cover the deposit for its storage.
#define FUSEE_INSUFFICIENT_DEPOSIT (-11)

// There is no uploaded code with this hash.
#define FUSEE_UNKNOWN_CODE (-12)

// The address has a contract already.
#define FUSEE_ADDRESS_TAKEN (-13)

// Somebody else is the admin of the contract, or nobody.
#define FUSEE_NOT_ADMIN (-14)

// The new code lacks methods of the old one.
#define FUSEE_MISSING_METHODS (-15)

// The callee was sent a value that it did not look at.
#define FUSEE_NOT_PAYABLE (-16)

// The gas limit that asks for all gas that may be forwarded.
#define FUSEE_ALL_GAS UINT64_MAX

// Copies the input of the call into the buffer. Returns the length of the input.
int32_t fusee_input_read(void *buffer, uint32_t capacity);
FUSEE_IMPORT("fusee", "input_read", fusee_input_read, 2, 1)

// Sets the output of the call, and replaces any earlier output.
void fusee_output_write(const void *source, uint32_t length);
FUSEE_IMPORT("fusee", "output_write", fusee_output_write, 2, 0)

// Ends the call and reverts its changes. The range is a message in UTF-8, which becomes the
// caller's return data.
void fusee_revert(const void *source, uint32_t length);
FUSEE_IMPORT("fusee", "revert", fusee_revert, 2, 0)

// Copies the value under the key into the buffer. Returns the length of the value, or
// `ABSENT`. The whole value counts for the price, whatever the capacity of the buffer is.
int32_t fusee_storage_read(const void *key, uint32_t key_length, void *buffer, uint32_t capacity);
FUSEE_IMPORT("fusee", "storage_read", fusee_storage_read, 4, 1)

// Stores the value under the key, in the contract's own key-value space.
void fusee_storage_write(
    const void *key, uint32_t key_length, const void *value, uint32_t value_length);
FUSEE_IMPORT("fusee", "storage_write", fusee_storage_write, 4, 0)

// Removes the value under the key. Returns 1 if there was a value, otherwise 0. The removed
// value counts for the price.
int32_t fusee_storage_remove(const void *key, uint32_t key_length);
FUSEE_IMPORT("fusee", "storage_remove", fusee_storage_remove, 2, 1)

// Writes the address of the account or contract that made this call (32 bytes).
void fusee_caller(void *address);
FUSEE_IMPORT("fusee", "caller", fusee_caller, 1, 0)

// Writes the address of this contract (32 bytes).
void fusee_self_address(void *address);
FUSEE_IMPORT("fusee", "self_address", fusee_self_address, 1, 0)

// Writes the amount that was sent with this call (16 bytes).
void fusee_value(void *amount);
FUSEE_IMPORT("fusee", "value", fusee_value, 1, 0)

// Writes the balance of the account at the address (16 bytes).
void fusee_balance(const void *address, void *amount);
FUSEE_IMPORT("fusee", "balance", fusee_balance, 2, 0)

// Emits an event: a topic to search by, and data.
void fusee_event_emit(
    const void *topic, uint32_t topic_length, const void *data, uint32_t data_length);
FUSEE_IMPORT("fusee", "event_emit", fusee_event_emit, 4, 0)

// Returns the remaining gas of this call.
uint64_t fusee_gas_left(void);
FUSEE_IMPORT("fusee", "gas_left", fusee_gas_left, 0, 1)

// Calls a method of another contract. `options` points to 24 bytes: the gas limit (`u64`,
// `ALL_GAS` forwards as much as possible), then the value to send (`u128`). Returns the length
// of the return data, or a status if the call failed. The changes of a failed call are
// reverted, but its gas is not refunded. At most 63/64 of the caller's gas is forwarded. A
// call with an empty method only transfers the value. In addition to the price of the syscall,
// the caller pays for each page of its own memory, which stays allocated during the call.
int32_t fusee_call(
    const void *address, const void *method, uint32_t method_length, const void *input,
    uint32_t input_length, const void *options);
FUSEE_IMPORT("fusee", "call", fusee_call, 6, 1)

// Copies the return data of the last call (its output, or its revert message) into the buffer.
// Returns the length of the data.
int32_t fusee_return_data_read(void *buffer, uint32_t capacity);
FUSEE_IMPORT("fusee", "return_data_read", fusee_return_data_read, 2, 1)

// Sends a request to the oracle of the embedder, and suspends the transaction until the oracle
// replies. The format of requests is up to the contract and the embedder. Returns the length
// of the reply, which becomes the return data, or `UNANSWERED` without an oracle. The caller
// pays for its memory as with `call`.
int32_t fusee_oracle_request(const void *request, uint32_t length);
FUSEE_IMPORT("fusee", "oracle_request", fusee_oracle_request, 2, 1)

// Restricts the symbols that nested VMs may import. Applies to programs that this call
// compiles from now on. `names` has one name per line. Default: any symbol.
void fusee_restrict_imports(const void *names, uint32_t length);
FUSEE_IMPORT("fusee", "restrict_imports", fusee_restrict_imports, 2, 0)

// Writes the SHA-256 digest of the message (32 bytes).
void fusee_sha256(const void *message, uint32_t length, void *digest);
FUSEE_IMPORT("fusee", "sha256", fusee_sha256, 3, 0)

// Writes the Keccak-256 digest of the message (32 bytes), with the padding of Ethereum. This
// is not SHA3-256.
void fusee_keccak256(const void *message, uint32_t length, void *digest);
FUSEE_IMPORT("fusee", "keccak256", fusee_keccak256, 3, 0)

// Writes the BLAKE3 digest of the message (32 bytes).
void fusee_blake3(const void *message, uint32_t length, void *digest);
FUSEE_IMPORT("fusee", "blake3", fusee_blake3, 3, 0)

// Returns 1 if the Ed25519 signature (64 bytes) is one of the message by the key (32 bytes),
// by the rules of ZIP-215, otherwise 0.
int32_t fusee_ed25519_verify(
    const void *key, const void *signature, const void *message, uint32_t length);
FUSEE_IMPORT("fusee", "ed25519_verify", fusee_ed25519_verify, 4, 1)

// Returns 1 if the ECDSA signature over secp256k1 (`r` and `s`, 64 bytes, big-endian) is one
// of the digest (32 bytes) by the key (33 or 65 bytes, SEC 1), otherwise 0. The signature with
// the higher of the two possible `s` is not valid.
int32_t fusee_secp256k1_verify(
    const void *key, uint32_t key_length, const void *signature, const void *digest);
FUSEE_IMPORT("fusee", "secp256k1_verify", fusee_secp256k1_verify, 4, 1)

// Writes the public key (`x` and `y`, 64 bytes, big-endian) that made an ECDSA signature over
// secp256k1 of the digest (32 bytes), and returns 1. The signature has 65 bytes: `r`, `s` and
// the recovery id, from 0 to 3. Returns 0, and writes nothing, if no key made it, or if it has
// the higher of the two possible `s`.
int32_t fusee_secp256k1_recover(const void *signature, const void *digest, void *key);
FUSEE_IMPORT("fusee", "secp256k1_recover", fusee_secp256k1_recover, 3, 1)

// Returns 1 if the ECDSA signature over secp256r1 (P-256), as passkeys make it (`r` and `s`,
// 64 bytes, big-endian), is one of the digest (32 bytes) by the key (33 or 65 bytes, SEC 1),
// otherwise 0. Either of the two possible `s` is valid.
int32_t fusee_secp256r1_verify(
    const void *key, uint32_t key_length, const void *signature, const void *digest);
FUSEE_IMPORT("fusee", "secp256r1_verify", fusee_secp256r1_verify, 4, 1)

// Returns 1 if the BLS signature over BLS12-381 (96 bytes) is the sum of the signatures of the
// message by all keys (48 bytes each, one after another), otherwise 0. The ciphersuite is
// `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_`: the contract makes sure that each
// owner of a key has proved to know its secret. The bytes of the keys count for the price.
int32_t fusee_bls12_381_verify(
    const void *keys, uint32_t keys_length, const void *message, uint32_t length,
    const void *signature);
FUSEE_IMPORT("fusee", "bls12_381_verify", fusee_bls12_381_verify, 5, 1)

// Returns 1 if the BLS signature over BLS12-381 (96 bytes) is the sum of signatures of the
// first message by the first key, of the second message by the second key, and so on,
// otherwise 0. Keys and ciphersuite are those of `bls12_381_verify`. The messages are one
// after another, as many as keys, and equally long. The bytes of the keys count for the price.
int32_t fusee_bls12_381_aggregate_verify(
    const void *keys, uint32_t keys_length, const void *messages, uint32_t length,
    const void *signature);
FUSEE_IMPORT("fusee", "bls12_381_aggregate_verify", fusee_bls12_381_aggregate_verify, 5, 1)

// Returns the number of the block that includes the transaction. In a query, it is the block
// whose state is read.
uint64_t fusee_block_height(void);
FUSEE_IMPORT("fusee", "block_height", fusee_block_height, 0, 1)

// Returns the time in the header of that block, in milliseconds since the Unix epoch. The
// chain decides how precise it is.
uint64_t fusee_block_time(void);
FUSEE_IMPORT("fusee", "block_time", fusee_block_time, 0, 1)

// Writes the address of the proposer of that block (32 bytes).
void fusee_block_proposer(void *address);
FUSEE_IMPORT("fusee", "block_proposer", fusee_block_proposer, 1, 0)

// Copies the id of the chain, a text in UTF-8, into the buffer. Returns its length.
int32_t fusee_chain_id(void *buffer, uint32_t capacity);
FUSEE_IMPORT("fusee", "chain_id", fusee_chain_id, 2, 1)

// Emits an event with several topics, or with none. Each topic is its length (`u32`,
// little-endian), then its bytes. The list is at most four topics, which indexers can search
// by.
void fusee_event_emit_topics(
    const void *topics, uint32_t topics_length, const void *data, uint32_t data_length);
FUSEE_IMPORT("fusee", "event_emit_topics", fusee_event_emit_topics, 4, 0)

// Copies the value under the key in transient storage into the buffer. Returns the length of
// the value, or `ABSENT`. The whole value counts for the price. Transient storage belongs to
// the contract, is shared by its calls in a transaction, is reverted with a call, and is gone
// at the end of the transaction.
int32_t fusee_transient_read(const void *key, uint32_t key_length, void *buffer, uint32_t capacity);
FUSEE_IMPORT("fusee", "transient_read", fusee_transient_read, 4, 1)

// Stores the value under the key in transient storage. The transaction has a limit of bytes
// there, for all contracts together: beyond it, the call traps.
void fusee_transient_write(
    const void *key, uint32_t key_length, const void *value, uint32_t value_length);
FUSEE_IMPORT("fusee", "transient_write", fusee_transient_write, 4, 0)

// Removes the value under the key in transient storage. Returns 1 if there was a value,
// otherwise 0. The removed value counts for the price.
int32_t fusee_transient_remove(const void *key, uint32_t key_length);
FUSEE_IMPORT("fusee", "transient_remove", fusee_transient_remove, 2, 1)

// Copies the first entry of a range of keys into the buffer: the length of its key (`u32`,
// little-endian), its key, its value. Returns the length of all that, or `ABSENT`. The range
// is from `start` to `end`, without `end`; an empty `end` is the end of the contract's
// storage. To go on, pass the key and a byte 0 as the next `start`. Nothing is kept between
// calls, so entries can be changed in between. The base price is paid for each key that the
// search comes to: the entry, and keys before it that the transaction removed.
int32_t fusee_storage_next(
    const void *start, uint32_t start_length, const void *end, uint32_t end_length, void *buffer,
    uint32_t capacity);
FUSEE_IMPORT("fusee", "storage_next", fusee_storage_next, 6, 1)

// The same of the last entry of the range. To go on, pass the key as the next `end`.
int32_t fusee_storage_previous(
    const void *start, uint32_t start_length, const void *end, uint32_t end_length, void *buffer,
    uint32_t capacity);
FUSEE_IMPORT("fusee", "storage_previous", fusee_storage_previous, 6, 1)

// Removes the first entries of a range of keys, at most `most` of them. Returns how many it
// removed: fewer than `most` if the range has no more. The range is that of `storage_next`.
// The base price is paid for each key that the search comes to, and removed keys and values
// count for the price.
int32_t fusee_storage_remove_range(
    const void *start, uint32_t start_length, const void *end, uint32_t end_length, uint32_t most);
FUSEE_IMPORT("fusee", "storage_remove_range", fusee_storage_remove_range, 5, 1)

// Stores the value under the key, like `storage_write`, and returns 0. Returns
// `INSUFFICIENT_DEPOSIT`, and stores nothing, if the contract's balance does not cover the
// deposit for its storage, where `storage_write` traps.
int32_t fusee_storage_try_write(
    const void *key, uint32_t key_length, const void *value, uint32_t value_length);
FUSEE_IMPORT("fusee", "storage_try_write", fusee_storage_try_write, 4, 1)

// Writes the deposit for this contract's storage (16 bytes): the part of its balance that it
// cannot send.
void fusee_deposit(void *amount);
FUSEE_IMPORT("fusee", "deposit", fusee_deposit, 1, 0)

// Makes a contract of code that was uploaded, and runs its method `deploy` if it has one.
// `code` is the hash of the code (32 bytes), and `salt` has 32 bytes. Writes the address of
// the contract, which follows from this contract's address and the salt, before anything runs.
// `options` points to 57 bytes: the gas limit (`u64`), the value to send (`u128`), 1 if there
// is an admin and else 0, and the address of the admin. Returns what `call` returns, or
// `UNKNOWN_CODE` or `ADDRESS_TAKEN`. The caller pays for its memory as with `call`.
int32_t fusee_deploy(
    const void *code, const void *salt, const void *input, uint32_t input_length,
    const void *options, void *address);
FUSEE_IMPORT("fusee", "deploy", fusee_deploy, 6, 1)

// Replaces the code of a contract whose admin this contract is, and runs the method `migrate`
// of the new code if it has one, or if the input is not empty. The new code must have all
// methods of the old one. Frames that run keep their code. Returns what `call` returns, or
// `NOT_ADMIN`, `UNKNOWN_CODE` or `MISSING_METHODS`. The caller pays for its memory as with
// `call`.
int32_t fusee_upgrade(
    const void *contract, const void *code, const void *input, uint32_t input_length, uint64_t gas);
FUSEE_IMPORT("fusee", "upgrade", fusee_upgrade, 5, 1)

// Hands over a contract whose admin this contract is: to the address, or to nobody for ever if
// `has_admin` is 0. Returns 0, or `NOT_ADMIN`.
int32_t fusee_set_admin(const void *contract, uint32_t has_admin, const void *admin);
FUSEE_IMPORT("fusee", "set_admin", fusee_set_admin, 3, 1)

// Writes the address of a contract's admin. Returns 1, or 0 if there is none.
int32_t fusee_admin(const void *contract, void *admin);
FUSEE_IMPORT("fusee", "admin", fusee_admin, 2, 1)

// Writes the hash of a contract's code (32 bytes). Returns 1, or 0 if there is no contract.
int32_t fusee_code_hash(const void *contract, void *hash);
FUSEE_IMPORT("fusee", "code_hash", fusee_code_hash, 2, 1)

// Calls a method of another contract as `call` does, without a value. In the call, and in all
// calls that it makes, syscalls that change the state trap.
int32_t fusee_call_read_only(
    const void *address, const void *method, uint32_t method_length, const void *input,
    uint32_t input_length, uint64_t gas);
FUSEE_IMPORT("fusee", "call_read_only", fusee_call_read_only, 6, 1)

// Says which calls may enter this contract while one of its frames waits, from the next call
// on: the sum of 1 for calls that it makes to itself, 2 for read-only calls, and 4 for all.
// Default: 0. Other bits trap.
void fusee_set_reentrancy(uint32_t policy);
FUSEE_IMPORT("fusee", "set_reentrancy", fusee_set_reentrancy, 1, 0)

// Writes a line of text in UTF-8 to the debug log, for people. The log is no part of the
// receipt: gas and outcome are the same whether or not somebody keeps it, and lines of
// reverted calls stay in it. What is beyond the limit of the rules is dropped, and costs
// nothing.
void fusee_debug_log(const void *text, uint32_t length);
FUSEE_IMPORT("fusee", "debug_log", fusee_debug_log, 2, 0)

// Compiles a program. Takes the range of its bytes, and the range of an identifier (0: no
// identifier). Returns a compiled module. The caller pays for the bytes even if the module is
// cached.
int64_t fusee_vm_compile_from_bytes(uint64_t program, uint64_t identifier);
FUSEE_IMPORT(
    "env", "ext_virtualization_compile_from_bytes_version_1", fusee_vm_compile_from_bytes, 2, 1)

// Looks up the module that is cached under an identifier. Returns the number of the module.
int64_t fusee_vm_lookup(uint64_t identifier);
FUSEE_IMPORT("env", "ext_virtualization_lookup_version_1", fusee_vm_lookup, 1, 1)

// Compiles the code under a storage key, in the main storage or in the child storage of the
// given name. Returns a compiled module. The caller pays for the bytes of the names and the
// code even if the module is cached.
int64_t fusee_vm_compile_from_storage_key(uint64_t key, uint64_t child_state);
FUSEE_IMPORT(
    "env", "ext_virtualization_compile_from_storage_key_version_1",
    fusee_vm_compile_from_storage_key, 2, 1)

// Creates an instance of a module. Returns the number of the instance.
int64_t fusee_vm_instantiate(uint32_t module);
FUSEE_IMPORT("env", "ext_virtualization_instantiate_version_1", fusee_vm_instantiate, 1, 1)

// Prepares an instance to run the function of this name. If the instance is fresh, the caller
// also pays for the instantiation, as a call does.
int64_t fusee_vm_prepare(uint32_t instance, uint64_t function);
FUSEE_IMPORT("env", "ext_virtualization_prepare_version_1", fusee_vm_prepare, 2, 1)

// Runs a prepared instance with this gas and this a0. If the result is a status, writes 96
// bytes to the buffer. The instance consumes the caller's gas, at most 63/64 of it.
int64_t fusee_vm_run(uint32_t instance, int64_t gas, uint64_t a0, void *buffer);
FUSEE_IMPORT("env", "ext_virtualization_run_version_1", fusee_vm_run, 4, 1)

// Destroys an instance.
int64_t fusee_vm_destroy(uint32_t instance);
FUSEE_IMPORT("env", "ext_virtualization_destroy_version_1", fusee_vm_destroy, 1, 1)

// Reads the memory of a prepared instance at the offset into the range.
int64_t fusee_vm_read_memory(uint32_t instance, uint32_t offset, uint64_t to);
FUSEE_IMPORT("env", "ext_virtualization_read_memory_version_1", fusee_vm_read_memory, 3, 1)

// Writes the range to the memory of a prepared instance at the offset.
int64_t fusee_vm_write_memory(uint32_t instance, uint32_t offset, uint64_t from);
FUSEE_IMPORT("env", "ext_virtualization_write_memory_version_1", fusee_vm_write_memory, 3, 1)

#endif
