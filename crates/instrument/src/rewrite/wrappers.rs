//! The functions of ours: at the borders of the guest, and those that its functions call.

use fusee_engine::ValueType;
use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

use super::{FIXED_IMPORTS, IMPORT_LOW, Rewriter, word};
use crate::{
    STACK_UNIT_BYTES,
    length::{Length, MOST_PAGES},
    survey::SurveyedImport,
};

impl Rewriter<'_> {
    /// `(word) -> (word)`: asks the host what a guest does whose gas or height is below zero, or whether one goes on. A call to it
    /// needs no more registers than any other; a call to an import needs two for the import, which a loop would keep.
    pub(super) fn low(&self) -> Function {
        let (word, height) = (0, 1);
        let mut function = Function::new([(1, ValType::I64)]);
        let mut code = function.instructions();
        code.local_get(word);
        word::take_height(&mut code);
        code.local_set(height);
        // Less the height, so that what it borrowed is given back.
        code.local_get(word).local_get(height).i64_sub();
        word::take_gas(&mut code);
        code.local_get(height).call(IMPORT_LOW);
        word::put_gas(&mut code);
        code.local_get(height).i64_add().end();
        function
    }

    /// `(length, word) -> (word)`: charges by a length, and looks at the gas.
    pub(super) fn charge_length(&self, length: Length) -> Function {
        let (given, word) = (0, 1);
        let (price, unit_log2) = length.price(self.rules.schedule());
        let mut function = Function::new([]);
        let mut code = function.instructions();
        code.local_get(word).local_get(given);
        if length == Length::Pages {
            let most = i32::try_from(MOST_PAGES).unwrap_or(i32::MAX);
            code.i32_const(most)
                .local_get(given)
                .i32_const(most)
                .i32_lt_u()
                .select();
        }
        code.i64_extend_i32_u();
        if unit_log2 > 0 {
            let round_up = (1_i64 << unit_log2).saturating_sub(1);
            code.i64_const(round_up)
                .i64_add()
                .i64_const(i64::from(unit_log2))
                .i64_shr_u();
        }
        code.i64_const(word::gas(i64::from(price)))
            .i64_mul()
            .i64_sub()
            .local_tee(word);
        self.low_if_below_zero(&mut code, word);
        code.local_get(word).end();
        function
    }

    /// For each import a function of the guest's signature that calls it with the gas.
    pub(super) fn import_wrappers(&self) -> Vec<Function> {
        (FIXED_IMPORTS..)
            .zip(&self.survey.imports)
            .map(|(host_function, import)| self.import_wrapper(host_function, import))
            .collect()
    }

    fn import_wrapper(&self, host_function: u32, import: &SurveyedImport) -> Function {
        let params = &import.import.params;
        let word = super::count(params.len());
        let mut function = Function::new([]);
        let mut code = function.instructions();
        code.local_get(word);
        self.low_if_below_zero(&mut code, word);
        code.local_get(word);
        word::take_gas(&mut code);
        for (index, param) in (0_u32..).zip(params) {
            code.local_get(index);
            if *param == ValueType::I32 {
                code.i64_extend_i32_u();
            }
        }
        code.call(host_function);
        // The gas that is left is on top; the height stays what it is.
        word::put_gas(&mut code);
        code.local_get(word);
        word::take_height(&mut code);
        code.i64_add().local_set(word);
        match import.import.result {
            None => code.drop(),
            Some(ValueType::I32) => code.i32_wrap_i64(),
            Some(_) => &mut code,
        };
        code.local_get(word).end();
        function
    }

    /// A function of the guest's type with the gas as one more parameter, and as one more result.
    pub(super) fn export_wrapper(&self, guest: u32) -> Function {
        let units = self.rules.limits().stack_bytes / STACK_UNIT_BYTES;
        let type_index = usize::try_from(self.survey.type_index_of(guest)).unwrap_or(usize::MAX);
        let gas = self
            .survey
            .types
            .get(type_index)
            .map_or(0, |found| super::count(found.param_types.len()));
        let mut function = Function::new([]);
        let mut code = function.instructions();
        for index in 0..=gas {
            code.local_get(index);
        }
        word::put_gas(&mut code);
        code.i64_const(word::height(units))
            .i64_add()
            .call(guest.saturating_add(self.layout.shift));
        word::take_gas(&mut code);
        code.end();
        function
    }

    /// Calls `low` for the local `word` if the word on the stack is below zero.
    fn low_if_below_zero(&self, code: &mut InstructionSink<'_>, word: u32) {
        code.i64_const(0)
            .i64_lt_s()
            .if_(BlockType::Empty)
            .local_get(word)
            .call(self.layout.low)
            .local_set(word)
            .end();
    }
}
