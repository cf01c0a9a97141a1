//! Negative results of syscalls. Each is a stable part of the interface: never renumbered.

/// There is no value under this key.
pub const ABSENT: i32 = -1;
/// The callee reverted; its message is the return data.
pub const REVERTED: i32 = -2;
/// The callee trapped.
pub const TRAPPED: i32 = -3;
/// The callee used up the gas it was given.
pub const OUT_OF_GAS: i32 = -4;
/// The callee has no such method, or there is no contract at this address.
pub const UNKNOWN_CALLEE: i32 = -5;
/// The caller's balance is too small for the value of the call.
pub const INSUFFICIENT_BALANCE: i32 = -6;
/// The callee is already on the call stack; the return data names both frames.
pub const REENTRANT: i32 = -7;
/// The call stack is as deep, or holds as much memory, as the rules allow.
pub const CALL_LIMIT: i32 = -8;
/// The callee's code is refused by the rules of the chain.
pub const REFUSED: i32 = -9;
