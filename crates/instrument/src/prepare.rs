//! Entry point: from the bytes of a program to a checked and metered program.

use fusee_engine::{CodeHash, CompileWork, Format, Frames, Program, Rate, profile};
use wasmparser::{Parser, Validator};

use crate::{
    Extensions, features, polkavm,
    refusal::{Refusal, Rule},
    rewrite,
    rules::Rules,
    survey::{self, Survey},
};

/// Checks a program, and meters it if it is wasm. The first bytes tell its format.
///
/// # Errors
///
/// [`Refusal`] names the rule that the program breaks.
pub fn prepare(bytes: &[u8], rules: &Rules) -> Result<Program, Refusal> {
    prepare_hashed(CodeHash::of(bytes), bytes, rules)
}

/// As [`prepare`], for a caller that has hashed the program: `code_hash` is [`CodeHash::of`] it.
///
/// # Errors
///
/// As [`prepare`].
pub fn prepare_hashed(
    code_hash: CodeHash,
    bytes: &[u8],
    rules: &Rules,
) -> Result<Program, Refusal> {
    match Format::of(bytes) {
        Format::Wasm => {
            let survey = survey::survey(bytes, rules)?;
            let code = meter(bytes, rules, &survey)?;
            Ok(metered_program(code_hash, rules, survey, code))
        }
        Format::PolkaVm => polkavm::prepare(code_hash, bytes, rules).map(|(program, _)| program),
    }
}

/// Encodes the metered program, and validates the result except for the bodies of its functions.
///
/// Every engine validates a body before it runs (`fusee_engine::Engine::compile`), and most bodies
/// are never called. So validating them here would only take time. Tests and fuzzers, which have
/// debug assertions, validate them all the same.
pub(crate) fn meter(wasm: &[u8], rules: &Rules, survey: &Survey) -> Result<Vec<u8>, Refusal> {
    let code = rewrite::rewrite(wasm, rules, survey)?;
    // Its constant expressions are computed.
    let extensions = Extensions {
        extended_constants: false,
        ..rules.extensions()
    };
    let validator = || Validator::new_with_features(features::admitted(extensions));
    debug_assert!(
        validator().validate_all(&code).is_ok(),
        "invalid metered code"
    );
    let mut validator = validator();
    for payload in Parser::new(0).parse_all(&code) {
        payload
            .and_then(|payload| validator.payload(&payload))
            .map_err(|error| Refusal::new(Rule::Metered, error.offset(), error.message()))?;
    }
    Ok(code)
}

/// Describes the metered `code` of the program with this hash.
pub(crate) fn metered_program(
    code_hash: CodeHash,
    rules: &Rules,
    survey: Survey,
    code: Vec<u8>,
) -> Program {
    let frames = frames(rules, &survey);
    let profile_imports = rules.is_profiled().then(profile::imports);
    Program {
        format: Format::Wasm,
        code_hash,
        rules: rules.id(),
        code,
        imports: survey
            .imports
            .into_iter()
            .map(|import| import.import)
            .chain(profile_imports.into_iter().flatten())
            .collect(),
        exports: survey.exports.into(),
        frames,
        memory: survey.memory,
        grows_memory: survey.plans.iter().any(|plan| plan.grows),
        has_start: survey.start.is_some(),
        instantiation_gas: survey.instance.total(),
        rate: Rate::ONE,
        compile_work: survey
            .plans
            .iter()
            .fold(CompileWork::default(), |sum, plan| {
                sum.plus(plan.compile_work)
            }),
    }
}

/// The most parameters of a function type.
fn most_params(survey: &Survey) -> u32 {
    let params = survey.types.iter().map(|found| found.param_types.len());
    u32::try_from(params.max().unwrap_or(0)).unwrap_or(u32::MAX)
}

/// The frames that the metered code counts.
fn frames(rules: &Rules, survey: &Survey) -> Frames {
    // The limits of frames and stack keep all sizes small.
    let bytes = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
    Frames {
        limit: bytes(rules.limits().stack_bytes),
        added_before: u32::try_from(survey.imports.len()).unwrap_or(u32::MAX),
        counted: survey
            .plans
            .iter()
            .map(|plan| if plan.calls { bytes(plan.frame) } else { 0 })
            .collect(),
        tail_params: if survey.plans.iter().any(|plan| plan.tail_calls) {
            most_params(survey)
        } else {
            0
        },
    }
}
