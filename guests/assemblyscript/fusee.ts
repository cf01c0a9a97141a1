// Written by `cargo xtask syscalls` from the tables in crates/abi. Change those, not this file.
//
// The syscalls of contracts, for AssemblyScript: every function that a contract may import, and the
// statuses that they return. docs/book/src/syscalls.md has the prices. A program imports the
// functions that it calls, and no others.
//
// A region of memory is an address and a length in bytes. A function that fills a buffer returns
// the full length, of which it has written what the capacity admits. An address of an account has
// 32 bytes. An amount has 16 bytes, little-endian.
//
// The functions of nested VMs begin with vm_. A range is one number: the address in the low 32
// bits, the length in the high 32 bits.

// Bytes in an address.
export const ADDRESS_BYTES: i32 = 32;

// Bytes in an amount, little-endian.
export const AMOUNT_BYTES: i32 = 16;

// Bytes in the options of `call`: the gas limit (8 bytes), and the value to send (16 bytes).
export const CALL_OPTIONS_BYTES: i32 = 24;

// For `set_reentrancy`: calls that the contract makes to itself.
export const REENTRANCY_SELF: i32 = 1;

// For `set_reentrancy`: read-only calls.
export const REENTRANCY_READ_ONLY: i32 = 2;

// For `set_reentrancy`: all calls.
export const REENTRANCY_ANY: i32 = 4;

// The key has no value.
export const ABSENT: i32 = -1;

// The callee reverted. Its message is the return data.
export const REVERTED: i32 = -2;

// The callee trapped.
export const TRAPPED: i32 = -3;

// The callee ran out of gas.
export const OUT_OF_GAS: i32 = -4;

// The callee has no such method, or the address has no contract.
export const UNKNOWN_CALLEE: i32 = -5;

// The caller's balance is too small for the value of the call.
export const INSUFFICIENT_BALANCE: i32 = -6;

// The callee is already on the call stack. The return data names both frames.
export const REENTRANT: i32 = -7;

// The call stack reached its limit of depth or memory.
export const CALL_LIMIT: i32 = -8;

// The rules refuse the callee's code.
export const REFUSED: i32 = -9;

// The oracle request has no reply.
export const UNANSWERED: i32 = -10;

// The contract's balance does not cover the deposit for its storage.
export const INSUFFICIENT_DEPOSIT: i32 = -11;

// There is no uploaded code with this hash.
export const UNKNOWN_CODE: i32 = -12;

// The address has a contract already.
export const ADDRESS_TAKEN: i32 = -13;

// Somebody else is the admin of the contract, or nobody.
export const NOT_ADMIN: i32 = -14;

// The new code lacks methods of the old one.
export const MISSING_METHODS: i32 = -15;

// The callee was sent a value that it did not look at.
export const NOT_PAYABLE: i32 = -16;

// The gas limit that asks for all gas that may be forwarded.
export const ALL_GAS: u64 = u64.MAX_VALUE;

// Copies the input of the call into the buffer. Returns the length of the input.
// @ts-ignore: decorator
@external("fusee", "input_read")
export declare function input_read(buffer: usize, capacity: u32): i32;

// Sets the output of the call, and replaces any earlier output.
// @ts-ignore: decorator
@external("fusee", "output_write")
export declare function output_write(source: usize, length: u32): void;

// Ends the call and reverts its changes. The range is a message in UTF-8, which becomes the
// caller's return data.
// @ts-ignore: decorator
@external("fusee", "revert")
export declare function revert(source: usize, length: u32): void;

// Copies the value under the key into the buffer. Returns the length of the value, or
// `ABSENT`. The whole value counts for the price, whatever the capacity of the buffer is.
// @ts-ignore: decorator
@external("fusee", "storage_read")
export declare function storage_read(
    key: usize, key_length: u32, buffer: usize, capacity: u32,
): i32;

// Stores the value under the key, in the contract's own key-value space.
// @ts-ignore: decorator
@external("fusee", "storage_write")
export declare function storage_write(
    key: usize, key_length: u32, value: usize, value_length: u32,
): void;

// Removes the value under the key. Returns 1 if there was a value, otherwise 0. The removed
// value counts for the price.
// @ts-ignore: decorator
@external("fusee", "storage_remove")
export declare function storage_remove(key: usize, key_length: u32): i32;

// Writes the address of the account or contract that made this call (32 bytes).
// @ts-ignore: decorator
@external("fusee", "caller")
export declare function caller(address: usize): void;

// Writes the address of this contract (32 bytes).
// @ts-ignore: decorator
@external("fusee", "self_address")
export declare function self_address(address: usize): void;

// Writes the amount that was sent with this call (16 bytes).
// @ts-ignore: decorator
@external("fusee", "value")
export declare function value(amount: usize): void;

// Writes the balance of the account at the address (16 bytes).
// @ts-ignore: decorator
@external("fusee", "balance")
export declare function balance(address: usize, amount: usize): void;

// Emits an event: a topic to search by, and data.
// @ts-ignore: decorator
@external("fusee", "event_emit")
export declare function event_emit(
    topic: usize, topic_length: u32, data: usize, data_length: u32,
): void;

// Returns the remaining gas of this call.
// @ts-ignore: decorator
@external("fusee", "gas_left")
export declare function gas_left(): u64;

// Calls a method of another contract. `options` points to 24 bytes: the gas limit (`u64`,
// `ALL_GAS` forwards as much as possible), then the value to send (`u128`). Returns the length
// of the return data, or a status if the call failed. The changes of a failed call are
// reverted, but its gas is not refunded. At most 63/64 of the caller's gas is forwarded. A
// call with an empty method only transfers the value. In addition to the price of the syscall,
// the caller pays for each page of its own memory, which stays allocated during the call.
// @ts-ignore: decorator
@external("fusee", "call")
export declare function call(
    address: usize, method: usize, method_length: u32, input: usize, input_length: u32,
    options: usize,
): i32;

// Copies the return data of the last call (its output, or its revert message) into the buffer.
// Returns the length of the data.
// @ts-ignore: decorator
@external("fusee", "return_data_read")
export declare function return_data_read(buffer: usize, capacity: u32): i32;

// Sends a request to the oracle of the embedder, and suspends the transaction until the oracle
// replies. The format of requests is up to the contract and the embedder. Returns the length
// of the reply, which becomes the return data, or `UNANSWERED` without an oracle. The caller
// pays for its memory as with `call`.
// @ts-ignore: decorator
@external("fusee", "oracle_request")
export declare function oracle_request(request: usize, length: u32): i32;

// Restricts the symbols that nested VMs may import. Applies to programs that this call
// compiles from now on. `names` has one name per line. Default: any symbol.
// @ts-ignore: decorator
@external("fusee", "restrict_imports")
export declare function restrict_imports(names: usize, length: u32): void;

// Writes the SHA-256 digest of the message (32 bytes).
// @ts-ignore: decorator
@external("fusee", "sha256")
export declare function sha256(message: usize, length: u32, digest: usize): void;

// Writes the Keccak-256 digest of the message (32 bytes), with the padding of Ethereum. This
// is not SHA3-256.
// @ts-ignore: decorator
@external("fusee", "keccak256")
export declare function keccak256(message: usize, length: u32, digest: usize): void;

// Writes the BLAKE3 digest of the message (32 bytes).
// @ts-ignore: decorator
@external("fusee", "blake3")
export declare function blake3(message: usize, length: u32, digest: usize): void;

// Returns 1 if the Ed25519 signature (64 bytes) is one of the message by the key (32 bytes),
// by the rules of ZIP-215, otherwise 0.
// @ts-ignore: decorator
@external("fusee", "ed25519_verify")
export declare function ed25519_verify(
    key: usize, signature: usize, message: usize, length: u32,
): i32;

// Returns 1 if the ECDSA signature over secp256k1 (`r` and `s`, 64 bytes, big-endian) is one
// of the digest (32 bytes) by the key (33 or 65 bytes, SEC 1), otherwise 0. The signature with
// the higher of the two possible `s` is not valid.
// @ts-ignore: decorator
@external("fusee", "secp256k1_verify")
export declare function secp256k1_verify(
    key: usize, key_length: u32, signature: usize, digest: usize,
): i32;

// Writes the public key (`x` and `y`, 64 bytes, big-endian) that made an ECDSA signature over
// secp256k1 of the digest (32 bytes), and returns 1. The signature has 65 bytes: `r`, `s` and
// the recovery id, from 0 to 3. Returns 0, and writes nothing, if no key made it, or if it has
// the higher of the two possible `s`.
// @ts-ignore: decorator
@external("fusee", "secp256k1_recover")
export declare function secp256k1_recover(signature: usize, digest: usize, key: usize): i32;

// Returns 1 if the ECDSA signature over secp256r1 (P-256), as passkeys make it (`r` and `s`,
// 64 bytes, big-endian), is one of the digest (32 bytes) by the key (33 or 65 bytes, SEC 1),
// otherwise 0. Either of the two possible `s` is valid.
// @ts-ignore: decorator
@external("fusee", "secp256r1_verify")
export declare function secp256r1_verify(
    key: usize, key_length: u32, signature: usize, digest: usize,
): i32;

// Returns 1 if the BLS signature over BLS12-381 (96 bytes) is the sum of the signatures of the
// message by all keys (48 bytes each, one after another), otherwise 0. The ciphersuite is
// `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_`: the contract makes sure that each
// owner of a key has proved to know its secret. The bytes of the keys count for the price.
// @ts-ignore: decorator
@external("fusee", "bls12_381_verify")
export declare function bls12_381_verify(
    keys: usize, keys_length: u32, message: usize, length: u32, signature: usize,
): i32;

// Returns 1 if the BLS signature over BLS12-381 (96 bytes) is the sum of signatures of the
// first message by the first key, of the second message by the second key, and so on,
// otherwise 0. Keys and ciphersuite are those of `bls12_381_verify`. The messages are one
// after another, as many as keys, and equally long. The bytes of the keys count for the price.
// @ts-ignore: decorator
@external("fusee", "bls12_381_aggregate_verify")
export declare function bls12_381_aggregate_verify(
    keys: usize, keys_length: u32, messages: usize, length: u32, signature: usize,
): i32;

// Returns the number of the block that includes the transaction. In a query, it is the block
// whose state is read.
// @ts-ignore: decorator
@external("fusee", "block_height")
export declare function block_height(): u64;

// Returns the time in the header of that block, in milliseconds since the Unix epoch. The
// chain decides how precise it is.
// @ts-ignore: decorator
@external("fusee", "block_time")
export declare function block_time(): u64;

// Writes the address of the proposer of that block (32 bytes).
// @ts-ignore: decorator
@external("fusee", "block_proposer")
export declare function block_proposer(address: usize): void;

// Copies the id of the chain, a text in UTF-8, into the buffer. Returns its length.
// @ts-ignore: decorator
@external("fusee", "chain_id")
export declare function chain_id(buffer: usize, capacity: u32): i32;

// Emits an event with several topics, or with none. Each topic is its length (`u32`,
// little-endian), then its bytes. The list is at most four topics, which indexers can search
// by.
// @ts-ignore: decorator
@external("fusee", "event_emit_topics")
export declare function event_emit_topics(
    topics: usize, topics_length: u32, data: usize, data_length: u32,
): void;

// Copies the value under the key in transient storage into the buffer. Returns the length of
// the value, or `ABSENT`. The whole value counts for the price. Transient storage belongs to
// the contract, is shared by its calls in a transaction, is reverted with a call, and is gone
// at the end of the transaction.
// @ts-ignore: decorator
@external("fusee", "transient_read")
export declare function transient_read(
    key: usize, key_length: u32, buffer: usize, capacity: u32,
): i32;

// Stores the value under the key in transient storage. The transaction has a limit of bytes
// there, for all contracts together: beyond it, the call traps.
// @ts-ignore: decorator
@external("fusee", "transient_write")
export declare function transient_write(
    key: usize, key_length: u32, value: usize, value_length: u32,
): void;

// Removes the value under the key in transient storage. Returns 1 if there was a value,
// otherwise 0. The removed value counts for the price.
// @ts-ignore: decorator
@external("fusee", "transient_remove")
export declare function transient_remove(key: usize, key_length: u32): i32;

// Copies the first entry of a range of keys into the buffer: the length of its key (`u32`,
// little-endian), its key, its value. Returns the length of all that, or `ABSENT`. The range
// is from `start` to `end`, without `end`; an empty `end` is the end of the contract's
// storage. To go on, pass the key and a byte 0 as the next `start`. Nothing is kept between
// calls, so entries can be changed in between. The base price is paid for each key that the
// search comes to: the entry, and keys before it that the transaction removed.
// @ts-ignore: decorator
@external("fusee", "storage_next")
export declare function storage_next(
    start: usize, start_length: u32, end: usize, end_length: u32, buffer: usize, capacity: u32,
): i32;

// The same of the last entry of the range. To go on, pass the key as the next `end`.
// @ts-ignore: decorator
@external("fusee", "storage_previous")
export declare function storage_previous(
    start: usize, start_length: u32, end: usize, end_length: u32, buffer: usize, capacity: u32,
): i32;

// Removes the first entries of a range of keys, at most `most` of them. Returns how many it
// removed: fewer than `most` if the range has no more. The range is that of `storage_next`.
// The base price is paid for each key that the search comes to, and removed keys and values
// count for the price.
// @ts-ignore: decorator
@external("fusee", "storage_remove_range")
export declare function storage_remove_range(
    start: usize, start_length: u32, end: usize, end_length: u32, most: u32,
): i32;

// Stores the value under the key, like `storage_write`, and returns 0. Returns
// `INSUFFICIENT_DEPOSIT`, and stores nothing, if the contract's balance does not cover the
// deposit for its storage, where `storage_write` traps.
// @ts-ignore: decorator
@external("fusee", "storage_try_write")
export declare function storage_try_write(
    key: usize, key_length: u32, value: usize, value_length: u32,
): i32;

// Writes the deposit for this contract's storage (16 bytes): the part of its balance that it
// cannot send.
// @ts-ignore: decorator
@external("fusee", "deposit")
export declare function deposit(amount: usize): void;

// Makes a contract of code that was uploaded, and runs its method `deploy` if it has one.
// `code` is the hash of the code (32 bytes), and `salt` has 32 bytes. Writes the address of
// the contract, which follows from this contract's address and the salt, before anything runs.
// `options` points to 57 bytes: the gas limit (`u64`), the value to send (`u128`), 1 if there
// is an admin and else 0, and the address of the admin. Returns what `call` returns, or
// `UNKNOWN_CODE` or `ADDRESS_TAKEN`. The caller pays for its memory as with `call`.
// @ts-ignore: decorator
@external("fusee", "deploy")
export declare function deploy(
    code: usize, salt: usize, input: usize, input_length: u32, options: usize, address: usize,
): i32;

// Replaces the code of a contract whose admin this contract is, and runs the method `migrate`
// of the new code if it has one, or if the input is not empty. The new code must have all
// methods of the old one. Frames that run keep their code. Returns what `call` returns, or
// `NOT_ADMIN`, `UNKNOWN_CODE` or `MISSING_METHODS`. The caller pays for its memory as with
// `call`.
// @ts-ignore: decorator
@external("fusee", "upgrade")
export declare function upgrade(
    contract: usize, code: usize, input: usize, input_length: u32, gas: u64,
): i32;

// Hands over a contract whose admin this contract is: to the address, or to nobody for ever if
// `has_admin` is 0. Returns 0, or `NOT_ADMIN`.
// @ts-ignore: decorator
@external("fusee", "set_admin")
export declare function set_admin(contract: usize, has_admin: u32, admin: usize): i32;

// Writes the address of a contract's admin. Returns 1, or 0 if there is none.
// @ts-ignore: decorator
@external("fusee", "admin")
export declare function admin(contract: usize, admin: usize): i32;

// Writes the hash of a contract's code (32 bytes). Returns 1, or 0 if there is no contract.
// @ts-ignore: decorator
@external("fusee", "code_hash")
export declare function code_hash(contract: usize, hash: usize): i32;

// Calls a method of another contract as `call` does, without a value. In the call, and in all
// calls that it makes, syscalls that change the state trap.
// @ts-ignore: decorator
@external("fusee", "call_read_only")
export declare function call_read_only(
    address: usize, method: usize, method_length: u32, input: usize, input_length: u32, gas: u64,
): i32;

// Says which calls may enter this contract while one of its frames waits, from the next call
// on: the sum of 1 for calls that it makes to itself, 2 for read-only calls, and 4 for all.
// Default: 0. Other bits trap.
// @ts-ignore: decorator
@external("fusee", "set_reentrancy")
export declare function set_reentrancy(policy: u32): void;

// Writes a line of text in UTF-8 to the debug log, for people. The log is no part of the
// receipt: gas and outcome are the same whether or not somebody keeps it, and lines of
// reverted calls stay in it. What is beyond the limit of the rules is dropped, and costs
// nothing.
// @ts-ignore: decorator
@external("fusee", "debug_log")
export declare function debug_log(text: usize, length: u32): void;

// Compiles a program. Takes the range of its bytes, and the range of an identifier (0: no
// identifier). Returns a compiled module. The caller pays for the bytes even if the module is
// cached.
// @ts-ignore: decorator
@external("env", "ext_virtualization_compile_from_bytes_version_1")
export declare function vm_compile_from_bytes(program: u64, identifier: u64): i64;

// Looks up the module that is cached under an identifier. Returns the number of the module.
// @ts-ignore: decorator
@external("env", "ext_virtualization_lookup_version_1")
export declare function vm_lookup(identifier: u64): i64;

// Compiles the code under a storage key, in the main storage or in the child storage of the
// given name. Returns a compiled module. The caller pays for the bytes of the names and the
// code even if the module is cached.
// @ts-ignore: decorator
@external("env", "ext_virtualization_compile_from_storage_key_version_1")
export declare function vm_compile_from_storage_key(key: u64, child_state: u64): i64;

// Creates an instance of a module. Returns the number of the instance.
// @ts-ignore: decorator
@external("env", "ext_virtualization_instantiate_version_1")
export declare function vm_instantiate(module: u32): i64;

// Prepares an instance to run the function of this name. If the instance is fresh, the caller
// also pays for the instantiation, as a call does.
// @ts-ignore: decorator
@external("env", "ext_virtualization_prepare_version_1")
export declare function vm_prepare(instance: u32, method: u64): i64;

// Runs a prepared instance with this gas and this a0. If the result is a status, writes 96
// bytes to the buffer. The instance consumes the caller's gas, at most 63/64 of it.
// @ts-ignore: decorator
@external("env", "ext_virtualization_run_version_1")
export declare function vm_run(instance: u32, gas: i64, a0: u64, buffer: usize): i64;

// Destroys an instance.
// @ts-ignore: decorator
@external("env", "ext_virtualization_destroy_version_1")
export declare function vm_destroy(instance: u32): i64;

// Reads the memory of a prepared instance at the offset into the range.
// @ts-ignore: decorator
@external("env", "ext_virtualization_read_memory_version_1")
export declare function vm_read_memory(instance: u32, offset: u32, to: u64): i64;

// Writes the range to the memory of a prepared instance at the offset.
// @ts-ignore: decorator
@external("env", "ext_virtualization_write_memory_version_1")
export declare function vm_write_memory(instance: u32, offset: u32, from: u64): i64;
