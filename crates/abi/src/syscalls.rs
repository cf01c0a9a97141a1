//! The syscall table, and what is made from it.
//!
//! The table describes syscalls. Which of them a contract may import, and what each costs, is in the
//! rules of contracts: a new row changes no published rules.

/// A region that the host reads: its address in guest memory.
pub type In = *const u8;
/// A region that the host writes: its address in guest memory.
pub type Out = *mut u8;
/// A length in bytes.
pub type Len = u32;
/// A length or flag if not negative, otherwise a code of [`crate::status`].
pub type Status = i32;

table! { $ SYSCALLS from "fusee", numbers from 0, stubs stubs;
    /// Copies the input of the call into the buffer; returns the input's length.
    0 INPUT_READ Inline
    fn input_read(buffer: Out, capacity: Len) -> Status;

    /// Makes the region the output of the call, in place of any earlier output.
    1 OUTPUT_WRITE Inline
    fn output_write(source: In, length: Len) -> ();

    /// Ends the call: its changes are undone, and the region, a message in UTF-8, is what the caller gets.
    2 REVERT Inline
    fn revert(source: In, length: Len) -> ();

    /// Copies the value under the key into the buffer; returns the value's length, or `ABSENT`.
    3 STORAGE_READ Inline
    fn storage_read(key: In, key_length: Len, buffer: Out, capacity: Len) -> Status;

    /// Stores the value under the key, in the contract's own key-value space.
    4 STORAGE_WRITE Inline
    fn storage_write(key: In, key_length: Len, value: In, value_length: Len) -> ();

    /// Removes the value under the key; returns 1 if there was one, else 0.
    5 STORAGE_REMOVE Inline
    fn storage_remove(key: In, key_length: Len) -> Status;

    /// Writes the address of the account or contract that made this call (32 bytes).
    6 CALLER Inline
    fn caller(address: Out) -> ();

    /// Writes the address of this contract (32 bytes).
    7 OWN_ADDRESS Inline
    fn own_address(address: Out) -> ();

    /// Writes the amount that came with this call (16 bytes).
    8 VALUE Inline
    fn value(amount: Out) -> ();

    /// Writes the balance of the account at the address (16 bytes).
    9 BALANCE Inline
    fn balance(address: In, amount: Out) -> ();

    /// Records an event: a topic to search by, and data.
    10 EVENT_EMIT Inline
    fn event_emit(topic: In, topic_length: Len, data: In, data_length: Len) -> ();

    /// Returns the gas that this call may still use.
    11 GAS_LEFT Inline
    fn gas_left() -> u64;

    /// Calls a method of another contract. `options` names 24 bytes: the gas limit (`u64`, `ALL_GAS`
    /// for as much as may be forwarded), then the value to send (`u128`). Returns the length of the
    /// return data, or why the call failed; the changes of a failed call are undone, its gas is not.
    /// At most 63/64 of the caller's gas is forwarded. An empty method only sends the value. The caller
    /// pays for each page of its memory, which waits, beside the price of the syscall.
    12 CALL MaySuspend
    fn call(address: In, method: In, method_length: Len, input: In, input_length: Len, options: In) -> Status;

    /// Copies the last call's return data (its output, or its revert message) into the buffer;
    /// returns the data's length.
    13 RETURN_DATA_READ Inline
    fn return_data_read(buffer: Out, capacity: Len) -> Status;

    /// Asks whoever runs the transaction for something from outside: a question that both understand. Returns the length of the answer,
    /// which is the return data then, or `UNANSWERED` where nobody answers. The transaction waits. The caller pays for its memory as
    /// with `call`.
    14 ASK_HOST MaySuspend
    fn ask_host(question: In, length: Len) -> Status;

    /// Says which symbols the children may import that this call compiles from now on: their names, one a line. Any, if it never says.
    15 ADMIT_SYMBOLS Inline
    fn admit_symbols(names: In, length: Len) -> ();
}
