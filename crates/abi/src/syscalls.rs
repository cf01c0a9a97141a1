//! The syscall table, and the code that is generated from it.
//!
//! The rules of contracts list which syscalls a contract may import, and their prices. A new row
//! therefore changes no published rules.

/// A range that the host reads: its address in guest memory.
pub type In = *const u8;
/// A range that the host writes: its address in guest memory.
pub type Out = *mut u8;
/// A length in bytes.
pub type Len = u32;
/// A length or flag if not negative, otherwise a code of [`crate::status`].
pub type Status = i32;

table! { $ SYSCALLS from "fusee", numbers from 0, stubs stubs;
    /// Copies the input of the call into the buffer. Returns the length of the input.
    0 INPUT_READ Inline
    fn input_read(buffer: Out, capacity: Len) -> Status;

    /// Sets the output of the call, and replaces any earlier output.
    1 OUTPUT_WRITE Inline
    fn output_write(source: In, length: Len) -> ();

    /// Ends the call and reverts its changes. The range is a message in UTF-8, which becomes the
    /// caller's return data.
    2 REVERT Inline
    fn revert(source: In, length: Len) -> ();

    /// Copies the value under the key into the buffer. Returns the length of the value, or
    /// `ABSENT`. The whole value counts for the price, whatever the capacity of the buffer is.
    3 STORAGE_READ Inline
    fn storage_read(key: In, key_length: Len, buffer: Out, capacity: Len) -> Status;

    /// Stores the value under the key, in the contract's own key-value space.
    4 STORAGE_WRITE Inline
    fn storage_write(key: In, key_length: Len, value: In, value_length: Len) -> ();

    /// Removes the value under the key. Returns 1 if there was a value, otherwise 0. The removed
    /// value counts for the price.
    5 STORAGE_REMOVE Inline
    fn storage_remove(key: In, key_length: Len) -> Status;

    /// Writes the address of the account or contract that made this call (32 bytes).
    6 CALLER Inline
    fn caller(address: Out) -> ();

    /// Writes the address of this contract (32 bytes).
    7 SELF_ADDRESS Inline
    fn self_address(address: Out) -> ();

    /// Writes the amount that was sent with this call (16 bytes).
    8 VALUE Inline
    fn value(amount: Out) -> ();

    /// Writes the balance of the account at the address (16 bytes).
    9 BALANCE Inline
    fn balance(address: In, amount: Out) -> ();

    /// Emits an event: a topic to search by, and data.
    10 EVENT_EMIT Inline
    fn event_emit(topic: In, topic_length: Len, data: In, data_length: Len) -> ();

    /// Returns the remaining gas of this call.
    11 GAS_LEFT Inline
    fn gas_left() -> u64;

    /// Calls a method of another contract. `options` points to 24 bytes: the gas limit (`u64`,
    /// `ALL_GAS` forwards as much as possible), then the value to send (`u128`). Returns the length
    /// of the return data, or a status if the call failed. The changes of a failed call are
    /// reverted, but its gas is not refunded. At most 63/64 of the caller's gas is forwarded. A
    /// call with an empty method only transfers the value. In addition to the price of the syscall,
    /// the caller pays for each page of its own memory, which stays allocated during the call.
    12 CALL MaySuspend
    fn call(address: In, method: In, method_length: Len, input: In, input_length: Len, options: In) -> Status;

    /// Copies the return data of the last call (its output, or its revert message) into the buffer.
    /// Returns the length of the data.
    13 RETURN_DATA_READ Inline
    fn return_data_read(buffer: Out, capacity: Len) -> Status;

    /// Sends a request to the oracle of the embedder, and suspends the transaction until the oracle
    /// replies. The format of requests is up to the contract and the embedder. Returns the length
    /// of the reply, which becomes the return data, or `UNANSWERED` without an oracle. The caller
    /// pays for its memory as with `call`.
    14 ORACLE_REQUEST MaySuspend
    fn oracle_request(request: In, length: Len) -> Status;

    /// Restricts the symbols that nested VMs may import. Applies to programs that this call
    /// compiles from now on. `names` has one name per line. Default: any symbol.
    15 RESTRICT_IMPORTS Inline
    fn restrict_imports(names: In, length: Len) -> ();

    /// Writes the SHA-256 digest of the message (32 bytes).
    16 SHA256 Inline
    fn sha256(message: In, length: Len, digest: Out) -> ();

    /// Writes the Keccak-256 digest of the message (32 bytes), with the padding of Ethereum. This
    /// is not SHA3-256.
    17 KECCAK256 Inline
    fn keccak256(message: In, length: Len, digest: Out) -> ();

    /// Writes the BLAKE3 digest of the message (32 bytes).
    18 BLAKE3 Inline
    fn blake3(message: In, length: Len, digest: Out) -> ();

    /// Returns 1 if the Ed25519 signature (64 bytes) is one of the message by the key (32 bytes),
    /// by the rules of ZIP-215, otherwise 0.
    19 ED25519_VERIFY Inline
    fn ed25519_verify(key: In, signature: In, message: In, length: Len) -> Status;

    /// Returns 1 if the ECDSA signature over secp256k1 (`r` and `s`, 64 bytes, big-endian) is one
    /// of the digest (32 bytes) by the key (33 or 65 bytes, SEC 1), otherwise 0. The signature with
    /// the higher of the two possible `s` is not valid.
    20 SECP256K1_VERIFY Inline
    fn secp256k1_verify(key: In, key_length: Len, signature: In, digest: In) -> Status;

    /// Writes the public key (`x` and `y`, 64 bytes, big-endian) that made an ECDSA signature over
    /// secp256k1 of the digest (32 bytes), and returns 1. The signature has 65 bytes: `r`, `s` and
    /// the recovery id, from 0 to 3. Returns 0, and writes nothing, if no key made it, or if it has
    /// the higher of the two possible `s`.
    21 SECP256K1_RECOVER Inline
    fn secp256k1_recover(signature: In, digest: In, key: Out) -> Status;

    /// Returns 1 if the ECDSA signature over secp256r1 (P-256), as passkeys make it (`r` and `s`,
    /// 64 bytes, big-endian), is one of the digest (32 bytes) by the key (33 or 65 bytes, SEC 1),
    /// otherwise 0. Either of the two possible `s` is valid.
    22 SECP256R1_VERIFY Inline
    fn secp256r1_verify(key: In, key_length: Len, signature: In, digest: In) -> Status;

    /// Returns 1 if the BLS signature over BLS12-381 (96 bytes) is the sum of the signatures of the
    /// message by all keys (48 bytes each, one after another), otherwise 0. The ciphersuite is
    /// `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_`: the contract makes sure that each
    /// owner of a key has proved to know its secret. The bytes of the keys count for the price.
    23 BLS12_381_VERIFY Inline
    fn bls12_381_verify(keys: In, keys_length: Len, message: In, length: Len, signature: In) -> Status;

    /// Returns 1 if the BLS signature over BLS12-381 (96 bytes) is the sum of signatures of the
    /// first message by the first key, of the second message by the second key, and so on,
    /// otherwise 0. Keys and ciphersuite are those of `bls12_381_verify`. The messages are one
    /// after another, as many as keys, and equally long. The bytes of the keys count for the price.
    24 BLS12_381_AGGREGATE_VERIFY Inline
    fn bls12_381_aggregate_verify(keys: In, keys_length: Len, messages: In, length: Len, signature: In) -> Status;

    /// Returns the number of the block that includes the transaction. In a query, it is the block
    /// whose state is read.
    25 BLOCK_HEIGHT Inline
    fn block_height() -> u64;

    /// Returns the time in the header of that block, in milliseconds since the Unix epoch. The
    /// chain decides how precise it is.
    26 BLOCK_TIME Inline
    fn block_time() -> u64;

    /// Writes the address of the proposer of that block (32 bytes).
    27 BLOCK_PROPOSER Inline
    fn block_proposer(address: Out) -> ();

    /// Copies the id of the chain, a text in UTF-8, into the buffer. Returns its length.
    28 CHAIN_ID Inline
    fn chain_id(buffer: Out, capacity: Len) -> Status;

    /// Emits an event with several topics, or with none. Each topic is its length (`u32`,
    /// little-endian), then its bytes. The list is at most four topics, which indexers can search
    /// by.
    29 EVENT_EMIT_TOPICS Inline
    fn event_emit_topics(topics: In, topics_length: Len, data: In, data_length: Len) -> ();

    /// Copies the value under the key in transient storage into the buffer. Returns the length of
    /// the value, or `ABSENT`. The whole value counts for the price. Transient storage belongs to
    /// the contract, is shared by its calls in a transaction, is reverted with a call, and is gone
    /// at the end of the transaction.
    30 TRANSIENT_READ Inline
    fn transient_read(key: In, key_length: Len, buffer: Out, capacity: Len) -> Status;

    /// Stores the value under the key in transient storage. The transaction has a limit of bytes
    /// there, for all contracts together: beyond it, the call traps.
    31 TRANSIENT_WRITE Inline
    fn transient_write(key: In, key_length: Len, value: In, value_length: Len) -> ();

    /// Removes the value under the key in transient storage. Returns 1 if there was a value,
    /// otherwise 0. The removed value counts for the price.
    32 TRANSIENT_REMOVE Inline
    fn transient_remove(key: In, key_length: Len) -> Status;

    /// Copies the first entry of a range of keys into the buffer: the length of its key (`u32`,
    /// little-endian), its key, its value. Returns the length of all that, or `ABSENT`. The range
    /// is from `start` to `end`, without `end`; an empty `end` is the end of the contract's
    /// storage. To go on, pass the key and a byte 0 as the next `start`. Nothing is kept between
    /// calls, so entries can be changed in between. The base price is paid for each key that the
    /// search comes to: the entry, and keys before it that the transaction removed.
    33 STORAGE_NEXT Inline
    fn storage_next(start: In, start_length: Len, end: In, end_length: Len, buffer: Out, capacity: Len) -> Status;

    /// The same of the last entry of the range. To go on, pass the key as the next `end`.
    34 STORAGE_PREVIOUS Inline
    fn storage_previous(start: In, start_length: Len, end: In, end_length: Len, buffer: Out, capacity: Len) -> Status;

    /// Removes the first entries of a range of keys, at most `most` of them. Returns how many it
    /// removed: fewer than `most` if the range has no more. The range is that of `storage_next`.
    /// The base price is paid for each key that the search comes to, and removed keys and values
    /// count for the price.
    35 STORAGE_REMOVE_RANGE Inline
    fn storage_remove_range(start: In, start_length: Len, end: In, end_length: Len, most: Len) -> Status;

    /// Stores the value under the key, like `storage_write`, and returns 0. Returns
    /// `INSUFFICIENT_DEPOSIT`, and stores nothing, if the contract's balance does not cover the
    /// deposit for its storage, where `storage_write` traps.
    36 STORAGE_TRY_WRITE Inline
    fn storage_try_write(key: In, key_length: Len, value: In, value_length: Len) -> Status;

    /// Writes the deposit for this contract's storage (16 bytes): the part of its balance that it
    /// cannot send.
    37 DEPOSIT Inline
    fn deposit(amount: Out) -> ();

    /// Makes a contract of code that was uploaded, and runs its method `deploy` if it has one.
    /// `code` is the hash of the code (32 bytes), and `salt` has 32 bytes. Writes the address of
    /// the contract, which follows from this contract's address and the salt, before anything runs.
    /// `options` points to 57 bytes: the gas limit (`u64`), the value to send (`u128`), 1 if there
    /// is an admin and else 0, and the address of the admin. Returns what `call` returns, or
    /// `UNKNOWN_CODE` or `ADDRESS_TAKEN`. The caller pays for its memory as with `call`.
    38 DEPLOY MaySuspend
    fn deploy(code: In, salt: In, input: In, input_length: Len, options: In, address: Out) -> Status;

    /// Replaces the code of a contract whose admin this contract is, and runs the method `migrate`
    /// of the new code if it has one, or if the input is not empty. The new code must have all
    /// methods of the old one. Frames that run keep their code. Returns what `call` returns, or
    /// `NOT_ADMIN`, `UNKNOWN_CODE` or `MISSING_METHODS`. The caller pays for its memory as with
    /// `call`.
    39 UPGRADE MaySuspend
    fn upgrade(contract: In, code: In, input: In, input_length: Len, gas: u64) -> Status;

    /// Hands over a contract whose admin this contract is: to the address, or to nobody for ever if
    /// `has_admin` is 0. Returns 0, or `NOT_ADMIN`.
    40 SET_ADMIN Inline
    fn set_admin(contract: In, has_admin: Len, admin: In) -> Status;

    /// Writes the address of a contract's admin. Returns 1, or 0 if there is none.
    41 ADMIN Inline
    fn admin(contract: In, admin: Out) -> Status;

    /// Writes the hash of a contract's code (32 bytes). Returns 1, or 0 if there is no contract.
    42 CODE_HASH Inline
    fn code_hash(contract: In, hash: Out) -> Status;

    /// Calls a method of another contract as `call` does, without a value. In the call, and in all
    /// calls that it makes, syscalls that change the state trap.
    43 CALL_READ_ONLY MaySuspend
    fn call_read_only(address: In, method: In, method_length: Len, input: In, input_length: Len, gas: u64) -> Status;

    /// Says which calls may enter this contract while one of its frames waits, from the next call
    /// on: the sum of 1 for calls that it makes to itself, 2 for read-only calls, and 4 for all.
    /// Default: 0. Other bits trap.
    44 SET_REENTRANCY Inline
    fn set_reentrancy(policy: Len) -> ();

    /// Writes a line of text in UTF-8 to the debug log, for people. The log is no part of the
    /// receipt: gas and outcome are the same whether or not somebody keeps it, and lines of
    /// reverted calls stay in it. What is beyond the limit of the rules is dropped, and costs
    /// nothing.
    45 DEBUG_LOG Inline
    fn debug_log(text: In, length: Len) -> ();
}
