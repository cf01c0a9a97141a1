//! The peers: other ways to run the same programs.

pub(crate) mod cosmwasm;
mod io;
pub(crate) mod polkavm;
pub(crate) mod process;
pub(crate) mod redb_jmt;
pub(crate) mod soroban;
pub(crate) mod substrate;
pub(crate) mod wasm_instrument;
pub(crate) mod wasmer;
pub(crate) mod wasmi;
pub(crate) mod wasmtime;
pub(crate) mod zebra;
