//! Program bytes in, checked and metered program bytes out.
//!
//! [`prepare`] is a pure function of the bytes and the [`Rules`]: the same on every machine. It
//! fails closed: a program that it cannot meter completely is refused, with the rule's name.
//!
//! It works in two passes. The survey validates the program, holds it against the limits, and plans
//! where each function is charged how much. The rewrite encodes the program anew with the plan
//! carried out. How gas is defined and what is injected is told in `docs/gas.md`.
#![forbid(unsafe_code)]

pub mod encoding;
mod features;
mod floats;
pub mod inspection;
mod length;
mod plan;
mod polkavm;
mod refusal;
mod rewrite;
mod rules;
mod schedule;
mod survey;
mod syscalls;
mod work;

use fusee_engine::{CodeHash, Format, Program, Rate, profile};
use wasmparser::Validator;

use crate::survey::Survey;

pub use inspection::{Inspection, function_at, inspect};
pub use length::MOST_PAGES;
pub use polkavm::{POLKAVM_PAGE_BYTES, PolkaVmRules};
pub use refusal::{Refusal, Rule};
pub use rules::{Floats, Limits, Rules};
pub use schedule::{Dynamic, FrameSize, InstancePrices, OPERATORS, STACK_UNIT_BYTES, Schedule};
pub use syscalls::{LengthUnit, SyscallPrice, SyscallPrices, SyscallRule};

/// Checks a program, and meters it if it is wasm. Its first bytes tell what it is.
///
/// # Errors
///
/// [`Refusal`] names the rule that the program breaks.
pub fn prepare(bytes: &[u8], rules: &Rules) -> Result<Program, Refusal> {
    match Format::of(bytes) {
        Format::Wasm => prepare_wasm(bytes, rules),
        Format::PolkaVm => polkavm::prepare(bytes, rules),
    }
}

fn prepare_wasm(wasm: &[u8], rules: &Rules) -> Result<Program, Refusal> {
    let survey = survey::survey(wasm, rules)?;
    let code = meter(wasm, rules, &survey)?;
    Ok(program(wasm, rules, survey, code))
}

fn meter(wasm: &[u8], rules: &Rules, survey: &Survey) -> Result<Vec<u8>, Refusal> {
    let code = rewrite::rewrite(wasm, rules, survey)?;
    Validator::new_with_features(features::admitted())
        .validate_all(&code)
        .map_err(|error| Refusal::new(Rule::Metered, error.offset(), error.message()))?;
    Ok(code)
}

fn program(wasm: &[u8], rules: &Rules, survey: Survey, code: Vec<u8>) -> Program {
    let told = rules.is_profiled().then(profile::imports);
    Program {
        format: Format::Wasm,
        code_hash: CodeHash::of(wasm),
        rules: rules.id(),
        code,
        imports: survey
            .imports
            .into_iter()
            .map(|import| import.import)
            .chain(told.into_iter().flatten())
            .collect(),
        exports: survey.exports,
        memory: survey.memory,
        grows_memory: survey.plans.iter().any(|plan| plan.grows),
        has_start: survey.start.is_some(),
        instance_gas: survey.instance_gas,
        rate: Rate::ONE,
    }
}
