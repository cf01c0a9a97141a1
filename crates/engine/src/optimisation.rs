//! How the engines were compiled, as far as this crate can tell.
//!
//! Cargo does not tell a crate the profile of another. So this crate stands for the engines: in the
//! workspace of an embedder, a profile override for all dependencies covers both. In the workspace
//! of Fusee, the root manifest has an override for this crate.

/// Why the engines run slowly, or exhaust the native stack, in this build. `None` in a build with
/// optimised engines.
///
/// Interpreters take some fifty times as long without optimisation. With optimisation and debug
/// assertions, wasmi relies on tail calls that are not there, and a loop of a guest exhausts the
/// native stack.
#[must_use]
pub const fn unoptimised() -> Option<&'static str> {
    explain(env!("FUSEE_OPT_LEVEL").as_bytes(), cfg!(debug_assertions))
}

const fn explain(level: &[u8], has_assertions: bool) -> Option<&'static str> {
    match (level, has_assertions) {
        (b"0" | b"1", _) => Some("the engines are built without optimisation"),
        (_, true) => Some("the engines are built with optimisation and debug assertions"),
        (_, false) => None,
    }
}

#[cfg(test)]
mod tests;
