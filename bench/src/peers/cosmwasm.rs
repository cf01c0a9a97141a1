//! cosmwasm-vm, and Wasmer as it uses it: with Singlepass and the metering middleware. In a process
//! of their own.

use super::process::Program;
use crate::contest::Contender;

static PROGRAM: Program = Program {
    folder: "cosmwasm",
    environment: &[],
};

/// A contender by the name that it has there.
pub(crate) const fn apart(name: &'static str) -> Contender {
    Contender::Apart(&PROGRAM, name)
}
