//! The types of a program.

use wasmparser::{FuncType, ValType};

use super::Result;

/// The types of a program, and the type index of each function.
#[derive(Debug, Default)]
pub(super) struct Types {
    pub(super) types: Vec<FuncType>,
    pub(super) functions: Vec<usize>,
}

impl Types {
    fn get(&self, type_index: usize) -> Result<&FuncType> {
        self.types
            .get(type_index)
            .ok_or_else(|| "there is no such type".to_owned())
    }

    /// The number of parameters and results of a type.
    pub(super) fn counts(&self, type_index: usize) -> Result<(usize, usize)> {
        let found = self.get(type_index)?;
        Ok((found.params().len(), found.results().len()))
    }

    pub(super) fn of_function(&self, function: usize) -> Result<usize> {
        let found = self.functions.get(function).copied();
        found.ok_or_else(|| "there is no such function".to_owned())
    }

    /// The parameters and results of a function.
    pub(super) fn signature(&self, function: usize) -> Result<(&[ValType], &[ValType])> {
        let found = self.get(self.of_function(function)?)?;
        Ok((found.params(), found.results()))
    }

    /// Whether a function has this type or an equal one.
    pub(super) fn has_type(&self, function: usize, type_index: usize) -> Result<bool> {
        let own = self.of_function(function)?;
        Ok(own == type_index || self.get(own)? == self.get(type_index)?)
    }
}
