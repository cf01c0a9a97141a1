//! soroban-env-host, in a process of its own.

use super::process::Program;
use crate::contest::Contender;

static PROGRAM: Program = Program {
    folder: "soroban",
    environment: &[],
};

/// A contender by the name that it has there.
pub(crate) const fn apart(name: &'static str) -> Contender {
    Contender::Apart(&PROGRAM, name)
}
