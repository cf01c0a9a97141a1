//! A program run as it was made: on Wasmtime, without our metering.

use fusee_engine::{CodeHash, PAGE_BYTES, Trap, Value};
use fusee_instrument::Limits;
use wasmtime::{
    Caller, Config, Engine, Error, Instance, Linker, Module, OptLevel, Store, StoreLimits,
    StoreLimitsBuilder, Val,
};

use super::{Mixer, low, program};

/// More than a call needs that finished with the gas of the metered one; Wasmtime counts otherwise.
const FUEL: u64 = 20_000_000;

/// How a call ended.
#[derive(Debug)]
pub(super) enum PlainEnding {
    /// With these values, what the host was asked, and the memory.
    Finished(Vec<Value>, u64, CodeHash),
    Trapped(Trap),
    /// It did not, or only because Wasmtime has limits of its own.
    Unbounded,
}

/// A program, and its instance if there is one.
pub(super) struct Plain {
    module: Module,
    linker: Linker<State>,
    live: Option<(Store<State>, Instance)>,
}

struct State {
    mixer: Mixer,
    limits: StoreLimits,
}

impl Plain {
    pub(super) fn new(wasm: &[u8]) -> Result<Self, String> {
        let mut config = Config::default();
        config
            .consume_fuel(true)
            .cranelift_nan_canonicalization(true)
            .cranelift_opt_level(OptLevel::None);
        let make = || {
            let engine = Engine::new(&config)?;
            Ok(Self {
                module: Module::new(&engine, wasm)?,
                linker: link(&engine)?,
                live: None,
            })
        };
        make().map_err(|error: Error| format!("plain: {error}"))
    }

    /// Goes on with a fresh instance.
    pub(super) fn discard(&mut self) {
        self.live = None;
    }

    pub(super) fn call(&mut self, entry: &str, args: &[Value]) -> Result<PlainEnding, String> {
        match self.enter(entry, args) {
            Ok(ending) => Ok(ending),
            Err(error) => match error.downcast_ref() {
                Some(wasmtime::Trap::OutOfFuel | wasmtime::Trap::StackOverflow) => {
                    Ok(PlainEnding::Unbounded)
                }
                Some(code) => trap(*code).map(PlainEnding::Trapped),
                None => Err(format!("plain: {error}")),
            },
        }
    }

    fn enter(&mut self, entry: &str, args: &[Value]) -> Result<PlainEnding, Error> {
        let (mut store, instance) = match self.live.take() {
            Some(live) => live,
            None => self.instantiate()?,
        };
        store.set_fuel(FUEL)?;
        let function = instance
            .get_func(&mut store, entry)
            .ok_or_else(|| Error::msg("no such export"))?;
        let inputs: Vec<Val> = args.iter().map(val).collect();
        let mut outputs = vec![Val::I32(0); function.ty(&store).results().len()];
        function.call(&mut store, &inputs, &mut outputs)?;
        let memory = instance
            .exports(&mut store)
            .find_map(|export| export.into_extern().into_memory());
        let memory = CodeHash::of(memory.map_or(&[], |memory| memory.data(&store)));
        let asked = std::mem::replace(&mut store.data_mut().mixer, Mixer(0)).0;
        self.live = Some((store, instance));
        let values = outputs.iter().filter_map(value).collect();
        Ok(PlainEnding::Finished(values, asked, memory))
    }

    fn instantiate(&self) -> Result<(Store<State>, Instance), Error> {
        let limits = Limits::v1();
        let size = |most: u64| usize::try_from(most).unwrap_or(usize::MAX);
        let limits = StoreLimitsBuilder::new()
            .memory_size(size(limits.memory_pages.saturating_mul(PAGE_BYTES)))
            .table_elements(size(limits.table_elements))
            .build();
        let state = State {
            mixer: Mixer(0),
            limits,
        };
        let mut store = Store::new(self.module.engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_fuel(FUEL)?;
        let instance = self.linker.instantiate(&mut store, &self.module)?;
        Ok((store, instance))
    }
}

fn link(engine: &Engine) -> Result<Linker<State>, Error> {
    let mut linker = Linker::new(engine);
    linker.func_wrap(
        program::MODULE,
        "mix",
        |mut caller: Caller<'_, State>, left: u32, right: u64| {
            caller
                .data_mut()
                .mixer
                .mix(0, &[u64::from(left), right, 0, 0, 0, 0])
        },
    )?;
    linker.func_wrap(
        program::MODULE,
        "note",
        |mut caller: Caller<'_, State>, noted: u64| {
            caller
                .data_mut()
                .mixer
                .mix(program::NOTE, &[noted, 0, 0, 0, 0, 0]);
        },
    )?;
    linker.func_wrap(
        program::MODULE,
        "wait",
        |mut caller: Caller<'_, State>, asked: u32| {
            let answer = caller
                .data_mut()
                .mixer
                .mix(program::WAIT, &[u64::from(asked), 0, 0, 0, 0, 0]);
            low(answer)
        },
    )?;
    Ok(linker)
}

fn trap(code: wasmtime::Trap) -> Result<Trap, String> {
    match code {
        wasmtime::Trap::UnreachableCodeReached => Ok(Trap::Unreachable),
        wasmtime::Trap::MemoryOutOfBounds => Ok(Trap::MemoryOutOfBounds),
        wasmtime::Trap::TableOutOfBounds => Ok(Trap::TableOutOfBounds),
        wasmtime::Trap::IndirectCallToNull => Ok(Trap::IndirectCallToNull),
        wasmtime::Trap::IntegerDivisionByZero => Ok(Trap::IntegerDivisionByZero),
        wasmtime::Trap::IntegerOverflow => Ok(Trap::IntegerOverflow),
        wasmtime::Trap::BadConversionToInteger => Ok(Trap::BadConversion),
        wasmtime::Trap::BadSignature => Ok(Trap::BadSignature),
        other => Err(format!("plain: {other}")),
    }
}

fn val(value: &Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(*value),
        Value::I64(value) => Val::I64(*value),
        Value::F32(bits) => Val::F32(*bits),
        Value::F64(bits) => Val::F64(*bits),
    }
}

fn value(val: &Val) -> Option<Value> {
    match val {
        Val::I32(value) => Some(Value::I32(*value)),
        Val::I64(value) => Some(Value::I64(*value)),
        Val::F32(bits) => Some(Value::F32(*bits)),
        Val::F64(bits) => Some(Value::F64(*bits)),
        _ => None,
    }
}
