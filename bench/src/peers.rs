//! The peers: other ways to run the same programs.

pub(crate) mod wasmi;
pub(crate) mod wasmtime;
