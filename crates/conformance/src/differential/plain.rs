//! Runs the original program on Wasmtime, without metering.

use fusee_engine::{
    CodeHash, GuestMemory, MAX_REGISTER_ARGS, PAGE_BYTES, SyscallRequest, Trap, Value, ValueType,
};
use fusee_instrument::{Limits, Rules};
use wasmtime::{
    Caller, Config, Engine, Error, Extern, ExternType, FuncType, Instance, Linker, Memory, Module,
    OptLevel, Store, StoreLimits, StoreLimitsBuilder, Val, ValType,
};

use super::{Mixer, low};

/// Wasmtime's fuel for a call. It suffices for every call that finishes within the gas limit.
const FUEL: u64 = 20_000_000;

/// How a call ended.
#[derive(Debug)]
pub(super) enum PlainEnding {
    /// Returned these values. Followed by the digests of the syscalls and of the memory.
    Finished(Vec<Value>, u64, CodeHash),
    Trapped(Trap),
    /// Reached a limit of Wasmtime.
    Unbounded,
}

/// The original program, with its current instance.
pub(super) struct Plain {
    mixer: Mixer,
    module: Module,
    linker: Linker<State>,
    live: Option<(Store<State>, Instance)>,
}

struct State {
    mixer: Mixer,
    /// The export name of the memory.
    memory_name: Option<String>,
    /// Known once the start function has run.
    memory: Option<Memory>,
    limits: StoreLimits,
}

impl Plain {
    pub(super) fn new(wasm: &[u8], rules: &Rules) -> Result<Self, String> {
        let mut config = Config::default();
        config
            .consume_fuel(true)
            .cranelift_nan_canonicalization(true)
            .wasm_wide_arithmetic(true)
            .cranelift_opt_level(OptLevel::None);
        let make = || {
            let engine = Engine::new(&config)?;
            Ok(Self {
                mixer: Mixer::new(rules),
                module: Module::new(&engine, wasm)?,
                linker: link(&engine, rules)?,
                live: None,
            })
        };
        make().map_err(|error: Error| format!("plain: {error:#}"))
    }

    /// Drops the instance. The next call creates a new one.
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
        let memory = store.data().memory;
        let memory = CodeHash::of(memory.map_or(&[], |memory| memory.data(&store)));
        let asked = std::mem::replace(&mut store.data_mut().mixer, self.mixer.clone()).asked();
        self.live = Some((store, instance));
        let values = outputs.iter().filter_map(value).collect();
        Ok(PlainEnding::Finished(values, asked, memory))
    }

    fn memory_name(&self) -> Option<String> {
        let mut exports = self.module.exports();
        let found = exports.find(|export| matches!(export.ty(), ExternType::Memory(_)))?;
        Some(found.name().to_owned())
    }

    /// Whether the memory can be compared: there is none, or it is exported.
    pub(super) fn shows_memory(&self, has_memory: bool) -> bool {
        !has_memory || self.memory_name().is_some()
    }

    fn instantiate(&self) -> Result<(Store<State>, Instance), Error> {
        let limits = Limits::v1();
        let size = |most: u64| usize::try_from(most).unwrap_or(usize::MAX);
        let limits = StoreLimitsBuilder::new()
            .memory_size(size(limits.memory_pages.saturating_mul(PAGE_BYTES)))
            .table_elements(size(limits.table_elements))
            .build();
        let state = State {
            mixer: self.mixer.clone(),
            memory_name: self.memory_name(),
            memory: None,
            limits,
        };
        let mut store = Store::new(self.module.engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_fuel(FUEL)?;
        let instance = self.linker.instantiate(&mut store, &self.module)?;
        if let Some(name) = store.data().memory_name.clone() {
            store.data_mut().memory = instance.get_memory(&mut store, &name);
        }
        Ok((store, instance))
    }
}

/// Defines every syscall. The mixer answers without suspending.
fn link(engine: &Engine, rules: &Rules) -> Result<Linker<State>, Error> {
    let mut linker = Linker::new(engine);
    for known in rules.syscalls() {
        let types = |types: &[ValueType]| types.iter().map(val_type).collect::<Vec<_>>();
        let results: Vec<ValueType> = known.result.into_iter().collect();
        let found = FuncType::new(engine, types(&known.params), types(&results));
        let (number, known_result) = (known.number, known.result);
        linker.func_new(
            &known.module,
            &known.name,
            found,
            move |caller, args, results| {
                let reply = answer(caller, number, args);
                for (to, result) in results.iter_mut().zip(known_result) {
                    *to = match result {
                        ValueType::I32 => Val::I32(low(reply).cast_signed()),
                        _ => Val::I64(reply.cast_signed()),
                    };
                }
                Ok(())
            },
        )?;
    }
    Ok(linker)
}

fn answer(mut caller: Caller<'_, State>, number: u32, args: &[Val]) -> u64 {
    let mut request = SyscallRequest {
        number,
        args: [0; MAX_REGISTER_ARGS],
    };
    for (to, arg) in request.args.iter_mut().zip(args) {
        *to = match arg {
            Val::I32(arg) => u64::from(arg.cast_unsigned()),
            Val::I64(arg) => arg.cast_unsigned(),
            Val::F32(bits) => u64::from(*bits),
            Val::F64(bits) => *bits,
            _ => 0,
        };
    }
    let named = caller.data().memory_name.clone();
    let memory = caller.data().memory.or_else(|| {
        named
            .and_then(|name| caller.get_export(&name))
            .and_then(Extern::into_memory)
    });
    match memory {
        Some(memory) => {
            let (memory, state) = memory.data_and_store_mut(&mut caller);
            let parks = state.mixer.parks(number);
            let memory = if parks { &mut [] } else { memory };
            state.mixer.answer(&request, GuestMemory::slice(memory))
        }
        None => caller
            .data_mut()
            .mixer
            .answer(&request, GuestMemory::none()),
    }
}

fn val_type(value_type: &ValueType) -> ValType {
    match value_type {
        ValueType::I32 => ValType::I32,
        ValueType::I64 => ValType::I64,
        ValueType::F32 => ValType::F32,
        ValueType::F64 => ValType::F64,
    }
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
