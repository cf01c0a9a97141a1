//! Inspection: describes the contents of a program, and the effect of metering.
//!
//! For display and tools. [`inspect`] refuses exactly the programs that
//! [`prepare`](crate::prepare()) refuses, and nothing that runs depends on it. Types are written as
//! in the text format.

mod contents;
mod names;
mod report;

use fusee_engine::{CodeHash, Format, Program};

use crate::{
    polkavm, prepare, refusal::Refusal, rules::Rules, schedule::InstanceCost, survey::survey,
};

use self::contents::Contents;

pub use names::function_at;
pub use report::{
    CustomSection, Exported, Function, FunctionName, Global, Inspection, Placement, Segment, Table,
};

/// Checks and meters a program as [`prepare`](crate::prepare()) does, and describes its contents.
///
/// # Errors
///
/// [`Refusal`] names the rule that the program breaks.
pub fn inspect(bytes: &[u8], rules: &Rules) -> Result<Inspection, Refusal> {
    let code_hash = CodeHash::of(bytes);
    match Format::of(bytes) {
        Format::Wasm => inspect_wasm(code_hash, bytes, rules),
        Format::PolkaVm => polkavm::prepare(code_hash, bytes, rules).map(of_polkavm),
    }
}

/// Of the functions of a PolkaVM program, only the exported ones are known.
fn of_polkavm((program, instance): (Program, InstanceCost)) -> Inspection {
    let exports = (0..).zip(&program.exports);
    let exports = exports.map(|(index, export)| Exported {
        name: export.name.clone(),
        kind: "func",
        index,
    });
    Inspection {
        exports: exports.collect(),
        program,
        instance,
        functions: Vec::new(),
        tables: Vec::new(),
        globals: Vec::new(),
        element_segments: Vec::new(),
        data_segments: Vec::new(),
        custom_sections: Vec::new(),
    }
}

fn inspect_wasm(code_hash: CodeHash, wasm: &[u8], rules: &Rules) -> Result<Inspection, Refusal> {
    let mut survey = survey(wasm, rules)?;
    let code = prepare::meter(wasm, rules, &survey)?;
    let mut contents = Contents::read(wasm, rules)?;
    contents.describe(&survey, &code)?;
    contents.name_functions();
    let Contents {
        functions,
        exports,
        tables,
        globals,
        element_segments,
        data_segments,
        custom_sections,
        ..
    } = contents;
    survey.plans.clear();
    Ok(Inspection {
        instance: survey.instance.clone(),
        program: prepare::metered_program(code_hash, rules, survey, code),
        functions,
        exports,
        tables,
        globals,
        element_segments,
        data_segments,
        custom_sections,
    })
}
