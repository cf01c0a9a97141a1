//! Wrappers at the boundary between guest and host, which pack and unpack the counter.

use fusee_engine::ValueType;
use wasm_encoder::Function;

use super::{
    layout::{FIXED_IMPORTS, Layout},
    reindex::count,
    runtime::call_low_if_negative,
};
use crate::{
    rules::Rules,
    survey::{Survey, SurveyedImport},
};

/// For each import, a function with the guest's signature that passes the gas to the host.
pub(super) fn imports<'a>(
    survey: &'a Survey,
    layout: &'a Layout,
) -> impl Iterator<Item = Function> + 'a {
    (FIXED_IMPORTS..)
        .zip(&survey.imports)
        .map(|(host_function, import)| import_wrapper(host_function, import, layout))
}

fn import_wrapper(host_function: u32, import: &SurveyedImport, layout: &Layout) -> Function {
    let packing = layout.packing;
    let params = &import.import.params;
    let counter = count(params.len());
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.local_get(counter);
    call_low_if_negative(&mut code, counter, layout);
    code.local_get(counter);
    packing.unpack_gas(&mut code);
    for (index, param) in (0_u32..).zip(params) {
        code.local_get(index);
        match param {
            ValueType::I32 => code.i64_extend_i32_u(),
            ValueType::I64 => &mut code,
            ValueType::F32 => code.i32_reinterpret_f32().i64_extend_i32_u(),
            ValueType::F64 => code.i64_reinterpret_f64(),
        };
    }
    code.call(host_function);
    // The remaining gas is on top of the stack. The height does not change.
    packing.pack_gas(&mut code);
    code.local_get(counter);
    packing.unpack_height(&mut code);
    code.i64_add().local_set(counter);
    match import.import.result {
        None => code.drop(),
        Some(ValueType::I32) => code.i32_wrap_i64(),
        Some(ValueType::I64) => &mut code,
        Some(ValueType::F32) => code.i32_wrap_i64().f32_reinterpret_i32(),
        Some(ValueType::F64) => code.f64_reinterpret_i64(),
    };
    code.local_get(counter).end();
    function
}

/// The wrapper of an exported function: the guest's type, with the gas as an additional last
/// parameter and result.
pub(super) fn export(guest: u32, survey: &Survey, rules: &Rules, layout: &Layout) -> Function {
    let packing = layout.packing;
    let gas = survey
        .type_at(survey.type_index_of(guest))
        .map_or(0, |found| count(found.param_types.len()));
    let mut function = Function::new([]);
    let mut code = function.instructions();
    for index in 0..=gas {
        code.local_get(index);
    }
    packing.pack_gas(&mut code);
    code.i64_const(packing.height(rules.limits().stack_bytes))
        .i64_add()
        .call(guest.saturating_add(layout.shift));
    packing.unpack_gas(&mut code);
    code.end();
    function
}
