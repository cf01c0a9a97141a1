//! Negative results of syscalls. The codes are stable and are never renumbered.

/// One status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The name of the constant.
    pub name: &'static str,
    /// The number that a syscall returns.
    pub code: i32,
    /// The meaning.
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
    /// The key has no value.
    ABSENT = -1;
    /// The callee reverted. Its message is the return data.
    REVERTED = -2;
    /// The callee trapped.
    TRAPPED = -3;
    /// The callee ran out of gas.
    OUT_OF_GAS = -4;
    /// The callee has no such method, or the address has no contract.
    UNKNOWN_CALLEE = -5;
    /// The caller's balance is too small for the value of the call.
    INSUFFICIENT_BALANCE = -6;
    /// The callee is already on the call stack. The return data names both frames.
    REENTRANT = -7;
    /// The call stack reached its limit of depth or memory.
    CALL_LIMIT = -8;
    /// The rules refuse the callee's code.
    REFUSED = -9;
    /// The oracle request has no reply.
    UNANSWERED = -10;
    /// The contract's balance does not cover the deposit for its storage.
    INSUFFICIENT_DEPOSIT = -11;
    /// There is no uploaded code with this hash.
    UNKNOWN_CODE = -12;
    /// The address has a contract already.
    ADDRESS_TAKEN = -13;
    /// Somebody else is the admin of the contract, or nobody.
    NOT_ADMIN = -14;
    /// The new code lacks methods of the old one.
    MISSING_METHODS = -15;
    /// The callee was sent a value that it did not look at.
    NOT_PAYABLE = -16;
}
