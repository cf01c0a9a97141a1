//! Building contracts for engines, once in a process.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use fusee_build::{BuildError, Contract, Names, Options, POLKAVM, WASM};

use crate::Program;

/// What was built in this process. Cargo is not asked again: sources do not change while tests run.
static BUILT: Mutex<Programs> = Mutex::new(BTreeMap::new());

/// Programs by package and target.
type Programs = BTreeMap<(&'static str, &'static str), Result<Vec<u8>, BuildError>>;

/// The wasm module of a contract, with readable names of functions.
pub(crate) fn wasm(program: &Program) -> Result<Vec<u8>, BuildError> {
    once(program, WASM, || {
        contract(program).wasm(Names::Kept, Options::default())
    })
}

/// The PolkaVM program of a contract.
pub(crate) fn polkavm(program: &Program) -> Result<Vec<u8>, BuildError> {
    once(program, POLKAVM, || {
        contract(program).polkavm(Options::default())
    })
}

/// What a contract was built to before, or is built to now.
fn once(
    program: &Program,
    target: &'static str,
    build: impl FnOnce() -> Result<Vec<u8>, BuildError>,
) -> Result<Vec<u8>, BuildError> {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built
        .entry((program.package, target))
        .or_insert_with(build)
        .clone()
}

fn contract(program: &Program) -> Contract {
    Contract {
        package: program.package.to_owned(),
        library: program.library().to_owned(),
        folder: program.folder.into(),
        output: Contract::output_beside_lock(Path::new(program.folder)),
    }
}
