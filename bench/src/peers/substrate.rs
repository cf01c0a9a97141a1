//! sc-virtualization, Substrate's own backend for nested VMs, in a process of its own.

use super::process::Program;
use crate::{contest::Contender, ours::Backend};

static INTERPRETER: Program = Program {
    folder: "substrate",
    environment: &[("POLKAVM_BACKEND", "interpreter")],
};

static PROCESS_SANDBOX: Program = Program {
    folder: "substrate",
    environment: &[
        ("POLKAVM_BACKEND", "compiler"),
        ("POLKAVM_SANDBOX", "linux"),
    ],
};

static GENERIC_SANDBOX: Program = Program {
    folder: "substrate",
    environment: &[
        ("POLKAVM_BACKEND", "compiler"),
        ("POLKAVM_SANDBOX", "generic"),
        ("POLKAVM_ALLOW_EXPERIMENTAL", "true"),
    ],
};

/// A contender by the name that it has there, on a backend of PolkaVM.
pub(crate) const fn apart(backend: Backend, name: &'static str) -> Contender {
    let program = match backend {
        Backend::Interpreter => &INTERPRETER,
        Backend::ProcessSandbox => &PROCESS_SANDBOX,
        Backend::GenericSandbox => &GENERIC_SANDBOX,
    };
    Contender::Apart(program, name)
}
