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
}
