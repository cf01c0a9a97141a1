//! Imports: resolves the functions that a program imports to syscalls of the rules.

use fusee_engine::{Import, MAX_SYSCALL_ARGS, ValueType, reserved};
use wasmparser::TypeRef;

use super::{
    OnRefusal,
    module::{FunctionType, SurveyedImport},
};
use crate::{
    refusal::{Refusal, Rule},
    rules::Rules,
    suggestion::{self, Unknown},
};

/// Reads the import section. `types` are the types of the program.
///
/// The refusal for unknown imports lists all of them, and takes precedence over imports that are
/// not functions.
pub(super) fn read(
    section: wasmparser::ImportSectionReader<'_>,
    types: &[FunctionType],
    rules: &Rules,
    on_refusal: OnRefusal<'_>,
) -> Result<Vec<SurveyedImport>, Refusal> {
    let mut imports = Vec::new();
    let mut unknown = Vec::new();
    let mut not_function = None;
    for import in section.into_imports_with_offsets() {
        let (offset, import) = import?;
        let (module, name) = (import.module, import.name);
        if module.starts_with(reserved::PREFIX) {
            let message = format!("imports from the reserved module `{module}`");
            on_refusal(Refusal::new(Rule::ReservedName, offset, message))?;
            continue;
        }
        let TypeRef::Func(type_index) = import.ty else {
            not_function.get_or_insert_with(|| {
                let message = format!("imports `{module}.{name}`, which is not a function");
                Refusal::new(Rule::ImportKind, offset, message)
            });
            continue;
        };
        let declared = usize::try_from(type_index)
            .ok()
            .and_then(|index| types.get(index));
        match admit(module, name, declared, offset, rules) {
            Ok(Some(import)) => imports.push(SurveyedImport { import, type_index }),
            Ok(None) => unknown.push(Unknown {
                shown: format!("{module}.{name}"),
                name: name.to_owned(),
            }),
            Err(refusal) => on_refusal(refusal)?,
        }
    }
    if !unknown.is_empty() {
        let message = format!(
            "imports unknown functions: {}",
            suggestion::list(&unknown, rules.syscalls())
        );
        on_refusal(Refusal::whole(Rule::UnknownImport, message))?;
    }
    if let Some(refusal) = not_function {
        on_refusal(refusal)?;
    }
    Ok(imports)
}

/// Returns `None` if the rules have no syscall with this name.
fn admit(
    module: &str,
    name: &str,
    declared: Option<&FunctionType>,
    offset: u64,
    rules: &Rules,
) -> Result<Option<Import>, Refusal> {
    let known = rules
        .syscalls()
        .iter()
        .find(|known| known.module == module && known.name == name);
    let (Some(known), Some(declared)) = (known, declared) else {
        return Ok(None);
    };
    let results: Vec<ValueType> = known.result.into_iter().collect();
    if known.params.len() > MAX_SYSCALL_ARGS {
        let message = format!(
            "imports `{module}.{name}` of {} parameters, a syscall has at most {MAX_SYSCALL_ARGS} \
             parameters",
            known.params.len()
        );
        return Err(Refusal::new(Rule::ImportSignature, offset, message));
    }
    if !declared.has_signature(&known.params, &results) {
        let message = format!(
            "imports `{module}.{name}` with the wrong signature ({}) -> ({}), expected ({}) -> \
             ({})",
            list(&declared.param_types),
            list(&declared.result_types),
            list(&known.params),
            list(&results)
        );
        return Err(Refusal::new(Rule::ImportSignature, offset, message));
    }
    Ok(Some(Import {
        module: module.to_owned(),
        name: name.to_owned(),
        number: known.number,
        params: known.params.clone(),
        result: known.result,
        may_suspend: known.may_suspend,
    }))
}

fn list(types: &[impl ToString]) -> String {
    types
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
