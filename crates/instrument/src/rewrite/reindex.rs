//! Reindexing: encodes parts of the guest's program again with the indices of the metered program.

use std::convert::Infallible;

use wasm_encoder::{
    ConstExpr, IndirectNameMap, NameMap, NameSection, ValType,
    reencode::{self, Reencode},
};

use crate::{
    constant::{Constant, constant},
    survey::Survey,
};

/// Result of encoding a part of the program. It fails only for a program that is not valid.
pub(super) type Encoded<T = ()> = Result<T, reencode::Error<Infallible>>;

/// Shifts function indices, and the indices of locals in the name section.
#[derive(Clone, Copy)]
pub(super) struct Reindex<'a> {
    pub(super) survey: &'a Survey,
    /// The number by which the guest's function indices are shifted.
    pub(super) shift: u32,
}

impl Reindex<'_> {
    /// Index of a local in the metered program. The packed counter follows the parameters, which
    /// shifts the other locals by one.
    fn local(&self, function: u32, local: u32) -> u32 {
        let found = self.survey.type_at(self.survey.type_index_of(function));
        let params = found.map_or(0, |found| found.param_types.len());
        let is_param = usize::try_from(local).is_ok_and(|local| local < params);
        local.saturating_add(u32::from(!is_param))
    }
}

impl Reencode for Reindex<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Encoded<u32> {
        Ok(function.saturating_add(self.shift))
    }

    /// Expressions of integers are computed.
    fn const_expr(&mut self, expression: wasmparser::ConstExpr<'_>) -> Encoded<ConstExpr> {
        Ok(match constant(&expression) {
            Some(Constant::I32(value)) => ConstExpr::i32_const(value),
            Some(Constant::I64(value)) => ConstExpr::i64_const(value),
            None => reencode::utils::const_expr(self, expression)?,
        })
    }

    /// Label names are dropped, because injected blocks change the numbering of labels.
    fn parse_custom_name_subsection(
        &mut self,
        names: &mut NameSection,
        section: wasmparser::Name<'_>,
    ) -> Encoded {
        match section {
            wasmparser::Name::Label(_) => Ok(()),
            wasmparser::Name::Local(functions) => {
                let mut renamed = IndirectNameMap::new();
                for function in functions {
                    let function = function?;
                    let mut locals = NameMap::new();
                    for naming in function.names {
                        let naming = naming?;
                        locals.append(self.local(function.index, naming.index), naming.name);
                    }
                    renamed.append(self.function_index(function.index)?, &locals);
                }
                names.locals(&renamed);
                Ok(())
            }
            kept => reencode::utils::parse_custom_name_subsection(self, names, kept),
        }
    }
}

/// Converts a type. The survey admits numbers and function references only.
pub(super) fn value_type(guest: wasmparser::ValType) -> ValType {
    match guest {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        _ => ValType::FUNCREF,
    }
}

/// Converts a length to an index or count. The limits keep all of them small.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
