//! The second pass: encodes the program again, with the charges of its plan injected.
//!
//! The metered program imports the host callbacks `low` and `grow`, and one function for each
//! import of the guest. A program metered for profiling imports two more. The functions follow in
//! this order: one wrapper for each import, the guest's functions, and the functions of the meter.
//! So every function index of the guest is shifted by the same number. Types, globals and exports
//! of the meter come after the guest's, so those indices do not change.
//!
//! The guest's functions pass each other the [packed counter](counter). At the boundary between
//! guest and host, wrappers unpack it, because the host handles gas only.

mod body;
mod chunks;
mod counter;
mod floats;
mod function;
mod layout;
mod module;
mod profile;
mod reindex;
mod runtime;
mod sections;
mod wrappers;

use std::convert::Infallible;

use fusee_engine::MAX_TABLE_ELEMENTS;
use wasm_encoder::reencode;

use self::counter::Packing;
use crate::{
    refusal::{Refusal, Rule, check_limit},
    rules::Rules,
    survey::Survey,
};

pub(crate) fn rewrite(wasm: &[u8], rules: &Rules, survey: &Survey) -> Result<Vec<u8>, Refusal> {
    check_rules(rules)?;
    let code = module::encode(wasm, rules, survey).map_err(internal)?;
    let bytes = u64::try_from(code.len()).unwrap_or(u64::MAX);
    check_limit("output_bytes", bytes, rules.most_output_bytes(), None)?;
    Ok(code)
}

/// Refuses limits of the stack that do not fit into the packed counter, and of tables that grow to
/// what an engine may not have room for.
fn check_rules(rules: &Rules) -> Result<(), Refusal> {
    let limits = rules.limits();
    let max = Packing::of(limits).max_bytes();
    check_limit("stack_bytes", limits.stack_bytes, max, None)?;
    check_limit("frame_bytes", limits.frame_bytes, max, None)?;
    if rules.extensions().table_grow {
        let max = u64::from(MAX_TABLE_ELEMENTS);
        check_limit("table_elements", limits.table_elements, max, None)?;
    }
    Ok(())
}

/// The survey has validated the program, so encoding it again cannot fail. If it fails all the
/// same, the program is refused: a program that cannot be metered does not run.
fn internal(error: reencode::Error<Infallible>) -> Refusal {
    Refusal::whole(Rule::Metered, error.to_string())
}
