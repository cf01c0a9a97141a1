//! Negative results of syscalls. The codes are stable and are never renumbered.

/// One status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The constant's name.
    pub name: &'static str,
    /// The result.
    pub code: i32,
    /// What it means.
    pub doc: &'static str,
}

macro_rules! statuses {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: i32 = $code;)*

        /// Every status.
        pub const STATUSES: &[Status] = &[$(
            Status { name: stringify!($name), code: $code, doc: concat!($($doc),*) }
        ),*];
    };
}

statuses! {
    /// There is no value under this key.
    ABSENT = -1;
    /// The callee reverted; its message is the return data.
    REVERTED = -2;
    /// The callee trapped.
    TRAPPED = -3;
    /// The callee used up the gas it was given.
    OUT_OF_GAS = -4;
    /// The callee has no such method, or there is no contract at this address.
    UNKNOWN_CALLEE = -5;
    /// The caller's balance is too small for the value of the call.
    INSUFFICIENT_BALANCE = -6;
    /// The callee is already on the call stack; the return data names both frames.
    REENTRANT = -7;
    /// The call stack is as deep, or holds as much memory, as the rules allow.
    CALL_LIMIT = -8;
    /// The callee's code is refused by the rules of the chain.
    REFUSED = -9;
    /// Nobody answers the question.
    UNANSWERED = -10;
}
