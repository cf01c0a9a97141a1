//! Exit codes, as far as the programs here use them.

/// It ended well.
pub const OK: i32 = 0;
/// A bug of the program.
pub const PANIC: i32 = -1;
/// The output is an interruption, and the program waits for its outcome.
pub const INTERRUPTION_CALLED: i32 = -3;
/// The input is not what the program takes.
pub const MALFORMED_BUILTIN_PARAMS: i32 = -1003;
/// More frames wait than the program has room for.
pub const CALL_DEPTH_OVERFLOW: i32 = -1004;
/// The program has no room for what it is given.
pub const OUT_OF_MEMORY: i32 = -1014;
