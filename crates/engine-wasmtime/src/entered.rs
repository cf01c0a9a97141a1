//! The entry at which an instance was called last: looked up once, since most calls repeat it.
//!
//! Arguments and results are passed in cells that stay where they are from call to call. The last
//! argument and the last result of a metered function are the gas.

use fusee_engine::{EngineError, Entry, Run, Value, ValueType};
use wasmtime::{Error, Extern, Func, Instance, Store, TypedFunc, Val, ValRaw};

use crate::{error::failed, exports::Exports, link::State};

/// An entry of one instance.
pub(crate) struct Entered {
    entry: Entry,
    function: Func,
    params: Vec<ValueType>,
    results: Vec<ValueType>,
    /// A cell for each argument and for each result, and one for the gas.
    cells: Vec<ValRaw>,
    /// The function, if it was called on a fiber, and its signature is a common one.
    typed: Option<Typed>,
}

impl Entered {
    /// Looks up an entry.
    pub(crate) fn find(
        entry: Entry,
        exports: &Exports,
        instance: Instance,
        store: &mut Store<State>,
    ) -> Result<Self, EngineError> {
        let (export, params, results) = exports
            .entry(entry)
            .ok_or_else(|| failed("the program has no such entry".into()))?;
        let function = instance
            .get_module_export(store, export)
            .and_then(Extern::into_func)
            .ok_or_else(|| failed("an entry is not a function".into()))?;
        let cells = params.len().max(results.len()).saturating_add(1);
        Ok(Self {
            entry,
            function,
            params: params.to_vec(),
            results: results.to_vec(),
            cells: vec![ValRaw::i64(0); cells],
            typed: None,
        })
    }

    /// Whether it is this entry.
    #[inline]
    pub(crate) fn is(&self, entry: Entry) -> bool {
        self.entry == entry
    }

    /// Writes the arguments into the cells, and then the gas.
    #[inline]
    pub(crate) fn pass(&mut self, args: &[Value], gas: i64) -> Result<(), EngineError> {
        // The executor has compared the types.
        if args.len() != self.params.len() {
            return Err(failed(
                "an entry was given arguments that it does not take".into(),
            ));
        }
        let inputs = args.iter().map(raw).chain([ValRaw::i64(gas)]);
        for (cell, input) in self.cells.iter_mut().zip(inputs) {
            *cell = input;
        }
        Ok(())
    }

    /// Calls the function on the caller's stack, with what is in the cells.
    #[inline]
    pub(crate) fn call(&mut self, store: &mut Store<State>) -> Result<(), Error> {
        let Self {
            function, cells, ..
        } = self;
        let cells: &mut [ValRaw] = cells;
        // SAFETY: `function` is of this store. There is a cell for each of its parameters and for
        // each of its results: `Exports::find` has compared its signature with the program's. All
        // of them are numbers, of which any bits are valid.
        unsafe { function.call_unchecked(store, cells) }
    }

    /// Calls the function on a fiber, with what is in the cells.
    pub(crate) async fn call_async(&mut self, store: &mut Store<State>) -> Result<(), Error> {
        if self.typed.is_none() {
            self.typed = Typed::find(&self.function, store, &self.params, &self.results);
        }
        if let Some(typed) = &self.typed {
            return typed.call(store, &mut self.cells).await;
        }
        let gas = [ValueType::I64];
        let params = self.params.iter().chain(&gas);
        let inputs: Vec<Val> = params
            .zip(&self.cells)
            .map(|(value_type, cell)| val(value(*value_type, cell)))
            .collect();
        let mut outputs = vec![Val::I64(0); self.results.len().saturating_add(1)];
        self.function
            .call_async(store, &inputs, &mut outputs)
            .await?;
        for (cell, output) in self.cells.iter_mut().zip(&outputs) {
            *cell = raw(&number(output)?);
        }
        Ok(())
    }

    /// Reads the results and the gas from the cells.
    #[inline]
    pub(crate) fn collect(&self, run: &mut Run) -> Result<(), EngineError> {
        let gas = self.cells.get(self.results.len()).map(ValRaw::get_i64);
        let gas = gas.ok_or_else(|| failed("an entry returned no gas".into()))?;
        run.meter.note(gas);
        // A loop, since extending by an iterator takes several times the instructions for the one
        // or two results of most entries.
        run.values.clear();
        for (value_type, cell) in self.results.iter().zip(&self.cells) {
            run.values.push(value(*value_type, cell));
        }
        Ok(())
    }
}

/// A value as a parameter or result of a function of a static type.
trait Cell: Sized {
    fn read(cell: Option<&ValRaw>) -> Self;
    fn write(self) -> ValRaw;
}

impl Cell for i32 {
    fn read(cell: Option<&ValRaw>) -> Self {
        cell.map_or(0, ValRaw::get_i32)
    }

    fn write(self) -> ValRaw {
        ValRaw::i32(self)
    }
}

impl Cell for i64 {
    fn read(cell: Option<&ValRaw>) -> Self {
        cell.map_or(0, ValRaw::get_i64)
    }

    fn write(self) -> ValRaw {
        ValRaw::i64(self)
    }
}

/// Defines [`Typed`], with a variant for each signature.
macro_rules! typed {
    ($($name:ident: ($($param:ident: $param_type:ident $param_rust:ty),*)
        -> ($($result:ident: $result_type:ident $result_rust:ty),*);)*) => {
        /// A function of a common signature.
        ///
        /// For any other, Wasmtime looks up the types of a call's values in the engine each time,
        /// which takes longer than many a guest.
        enum Typed {
            $($name(TypedFunc<($($param_rust,)* i64,), ($($result_rust,)* i64,)>),)*
        }

        impl Typed {
            fn find(
                function: &Func,
                store: &Store<State>,
                params: &[ValueType],
                results: &[ValueType],
            ) -> Option<Self> {
                match (params, results) {
                    $(([$(ValueType::$param_type),*], [$(ValueType::$result_type),*]) => {
                        function.typed(store).ok().map(Typed::$name)
                    })*
                    _ => None,
                }
            }

            async fn call(
                &self,
                store: &mut Store<State>,
                cells: &mut [ValRaw],
            ) -> Result<(), Error> {
                let mut inputs = cells.iter();
                match self {
                    $(Typed::$name(function) => {
                        $(let $param: $param_rust = Cell::read(inputs.next());)*
                        let gas: i64 = Cell::read(inputs.next());
                        let ($($result,)* gas,) =
                            function.call_async(store, ($($param,)* gas,)).await?;
                        let outputs = [$(Cell::write($result),)* Cell::write(gas)];
                        for (cell, output) in cells.iter_mut().zip(outputs) {
                            *cell = output;
                        }
                    })*
                }
                Ok(())
            }
        }
    };
}

typed! {
    Nothing: () -> ();
    ToI32: () -> (result: I32 i32);
    ToI64: () -> (result: I64 i64);
    FromI32: (a: I32 i32) -> ();
    I32ToI32: (a: I32 i32) -> (result: I32 i32);
    I32ToI64: (a: I32 i32) -> (result: I64 i64);
    FromI64: (a: I64 i64) -> ();
    I64ToI32: (a: I64 i64) -> (result: I32 i32);
    I64ToI64: (a: I64 i64) -> (result: I64 i64);
    TwoI32ToI32: (a: I32 i32, b: I32 i32) -> (result: I32 i32);
}

fn val(value: Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(value),
        Value::I64(value) => Val::I64(value),
        Value::F32(bits) => Val::F32(bits),
        Value::F64(bits) => Val::F64(bits),
    }
}

fn number(val: &Val) -> Result<Value, Error> {
    match val {
        Val::I32(value) => Ok(Value::I32(*value)),
        Val::I64(value) => Ok(Value::I64(*value)),
        Val::F32(bits) => Ok(Value::F32(*bits)),
        Val::F64(bits) => Ok(Value::F64(*bits)),
        _ => Err(Error::msg("an entry returned a value that is not a number")),
    }
}

#[inline]
fn raw(value: &Value) -> ValRaw {
    match value {
        Value::I32(value) => ValRaw::i32(*value),
        Value::I64(value) => ValRaw::i64(*value),
        Value::F32(bits) => ValRaw::f32(*bits),
        Value::F64(bits) => ValRaw::f64(*bits),
    }
}

#[inline]
fn value(value_type: ValueType, cell: &ValRaw) -> Value {
    match value_type {
        ValueType::I32 => Value::I32(cell.get_i32()),
        ValueType::I64 => Value::I64(cell.get_i64()),
        ValueType::F32 => Value::F32(cell.get_f32()),
        ValueType::F64 => Value::F64(cell.get_f64()),
    }
}
