//! Two ways to the nine functions: natively, and by a guest that exports what it imports.

use std::sync::Arc;

use fusee_conformance::lanes;
use fusee_engine::{Gas, Host, Interrupt, Source, Stop, Syscall, Trap, Value};
use fusee_executor::{
    Callee, Direct, Driver, DriverSettings, End, EndReason, Executor, FrameLimits, LiveInstance,
    Payer, PreparedProgram, Progress, RunRequest, Suspended, Suspension, Target, Tier,
};
use fusee_instrument::{Floats, PolkaVmRules, Rules};
use fusee_virtualization::{
    Call, ChildRules, ChildSettings, Children, Guest as VmGuest, Nested, Owner, Return,
    StorageScope, Symbols, VirtualizationError, functions,
    wire::{
        CompiledModule, DestroyError, ExecBuffer, ExecError, ExecStatus, InstanceId,
        InstantiateError, MemoryError, ModuleError, ModuleId, decode,
    },
};

/// Adds its argument to the number at 0, and has its parent increment that eight times. And what
/// else a child can do.
pub(crate) const COUNTER: &str = r#"(module
  (import "env" "increment" (func $increment (param i64) (result i64)))
  (import "other" "six" (func $six (param i32 i64 i32 i64 i32 i64) (result i32)))
  (import "env" "nothing" (func $nothing))
  (memory (export "memory") 1)
  (data (i32.const 16) "data")
  (func (export "counter") (param i64) (local $left i32)
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get 0)))
    (local.set $left (i32.const 8))
    (loop $again
      (i64.store (i32.const 0) (call $increment (i64.load (i32.const 0))))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
  (func (export "once") (param i64)
    (i64.store (i32.const 0) (call $increment (local.get 0))))
  (func (export "panic") unreachable)
  (func (export "outside") (drop (i32.load (i32.const 65536))))
  (func (export "endless") (loop $again (br $again)))
  (func (export "exit") (call $nothing) unreachable)
  (func (export "registers") (param i32 i64) (result i64)
    (i32.store (i32.const 24) (call $six
      (local.get 0) (i64.const -2) (i32.const -3) (local.get 1) (i32.const 5) (i64.const 6)))
    (i64.const 77))
  (func (export "float") (param f64)))"#;

/// Where the guest keeps what it hands over.
const FIRST: u32 = 1 << 20;
const SECOND: u32 = 2 << 20;
const BUFFER: u32 = 64;

/// What a buffer is filled with before a run.
const UNTOUCHED: u8 = 0xee;

/// Enough for anything but an endless loop.
pub(crate) const GAS: i64 = 1_000_000;

pub(crate) fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// The code under keys: another program in each space.
pub(crate) fn code(space: StorageScope<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, Source> {
    match (space, key) {
        (StorageScope::Main, b"code") => Ok(Some(wasm(COUNTER))),
        (StorageScope::Child(b"a"), b"code") => Ok(Some(wasm("(module (func (export \"a\")))"))),
        (StorageScope::Child(b"b"), b"code") => Ok(Some(wasm("(module (func (export \"b\")))"))),
        (_, b"refused") => Ok(Some(b"no program".to_vec())),
        (_, b"broken") => Err("the disk is broken".into()),
        _ => Ok(None),
    }
}

pub(crate) fn child_rules(symbols: Symbols) -> ChildRules {
    let rules = Rules::v1(functions::v1())
        .with_floats(Floats::Canonical)
        .with_polkavm(PolkaVmRules::v1());
    ChildRules::new(rules, symbols)
}

pub(crate) fn children(executor: Executor) -> Vms {
    trusted(Arc::new(executor))
}

/// Nested VMs of a trusted owner.
pub(crate) fn trusted(executor: Arc<Executor>) -> Vms {
    Vms::new(
        executor,
        child_rules(Symbols::Any),
        ChildSettings::default(),
    )
}

/// Nested VMs of an owner who pays for them.
pub(crate) fn billed(executor: Arc<Executor>) -> Vms {
    Vms::paying(
        executor,
        child_rules(Symbols::Any),
        ChildSettings::default(),
        Arc::clone(Rules::v1(functions::v1()).prices()),
    )
}

/// The nested VMs of the tests, native and of a guest.
pub(crate) type Vms = Children<Silent>;

/// The nine functions, however they are reached.
pub(crate) trait Nine {
    fn compile(
        &mut self,
        program: &[u8],
        identifier: Option<&[u8]>,
    ) -> Result<CompiledModule, ModuleError>;
    fn lookup(&mut self, identifier: &[u8]) -> Result<ModuleId, ModuleError>;
    fn compile_key(&mut self, space: &[u8], key: &[u8]) -> Result<CompiledModule, ModuleError>;
    fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, InstantiateError>;
    fn prepare(&mut self, instance: InstanceId, function: &[u8]) -> Result<(), ExecError>;
    fn run(
        &mut self,
        instance: InstanceId,
        gas: i64,
        a0: u64,
    ) -> Result<(ExecStatus, ExecBuffer), ExecError>;
    fn destroy(&mut self, instance: InstanceId) -> Result<(), DestroyError>;
    fn read(
        &mut self,
        instance: InstanceId,
        offset: u32,
        length: u32,
    ) -> Result<Vec<u8>, MemoryError>;
    fn write(&mut self, instance: InstanceId, offset: u32, bytes: &[u8])
    -> Result<(), MemoryError>;
}

impl<H: Owner> Nine for Children<H> {
    fn compile(
        &mut self,
        program: &[u8],
        identifier: Option<&[u8]>,
    ) -> Result<CompiledModule, ModuleError> {
        Self::compile(self, program, identifier).unwrap()
    }

    fn lookup(&mut self, identifier: &[u8]) -> Result<ModuleId, ModuleError> {
        Self::lookup(self, identifier)
    }

    fn compile_key(&mut self, space: &[u8], key: &[u8]) -> Result<CompiledModule, ModuleError> {
        Self::compile_key(self, StorageScope::named(space), key, code).unwrap()
    }

    fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, InstantiateError> {
        Self::instantiate(self, module)
    }

    fn prepare(&mut self, instance: InstanceId, function: &[u8]) -> Result<(), ExecError> {
        Self::prepare(self, instance, function).unwrap()
    }

    fn run(
        &mut self,
        instance: InstanceId,
        gas: i64,
        a0: u64,
    ) -> Result<(ExecStatus, ExecBuffer), ExecError> {
        Self::run(self, instance, gas, a0).unwrap()
    }

    fn destroy(&mut self, instance: InstanceId) -> Result<(), DestroyError> {
        Self::destroy(self, instance)
    }

    fn read(
        &mut self,
        instance: InstanceId,
        offset: u32,
        length: u32,
    ) -> Result<Vec<u8>, MemoryError> {
        let mut out = vec![0; length.try_into().unwrap()];
        self.read_memory(instance, offset, &mut out).map(|()| out)
    }

    fn write(
        &mut self,
        instance: InstanceId,
        offset: u32,
        bytes: &[u8],
    ) -> Result<(), MemoryError> {
        self.write_memory(instance, offset, bytes)
    }
}

/// A guest that does what it is told: it exports the functions that it imports.
pub(crate) struct Guest {
    /// Outlives what it runs.
    executor: Arc<Executor>,
    live: Option<LiveInstance>,
    pub(crate) machine: Machine<Silent>,
    /// What each call is given.
    pub(crate) gas: Gas,
    /// What every byte of a buffer is after a run that failed.
    pub(crate) after_failure: u8,
}

/// Answers nothing else.
#[derive(Debug)]
pub(crate) struct Silent;

impl Host for Silent {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Trap::SyscallRefused.into())
    }
}

impl Owner for Silent {
    fn code(&mut self, scope: StorageScope<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, Source> {
        code(scope, key)
    }
}

/// Runs a guest with nested VMs.
pub(crate) struct Machine<H: Owner> {
    driver: Driver<Layer<H>>,
    pub(crate) layer: Layer<H>,
}

type Layer<H> = Nested<Direct<H, VirtualizationError>>;

/// How far a guest came.
#[derive(Debug)]
pub(crate) enum Came<H> {
    Ended(End<H>),
    Waits(Suspended<VmGuest<H>>),
}

impl<H: Owner + std::fmt::Debug> Machine<H> {
    pub(crate) fn new(executor: &Arc<Executor>, children: Children<H>) -> Self {
        let settings = DriverSettings {
            limits: FrameLimits {
                depth: 0,
                memory_bytes: 0,
            },
            suspension: Suspension::AsNeeded,
            tier: Tier::Best,
            interrupt: Interrupt::new(),
        };
        Self {
            driver: Driver::new(Arc::clone(executor), settings),
            layer: Nested::trusted(Direct::new(), children),
        }
    }

    /// Enters an instance.
    pub(crate) fn enter(
        &mut self,
        instance: LiveInstance,
        entry: &str,
        args: &[Value],
        gas: Gas,
        host: H,
    ) -> Result<Came<H>, VirtualizationError> {
        self.call(
            Target::Instance {
                instance,
                entry: entry.to_owned().into(),
                args: args.to_vec().into(),
                host,
            },
            gas,
        )
    }

    /// Runs a program in a fresh instance.
    pub(crate) fn run(
        &mut self,
        program: &Arc<PreparedProgram>,
        entry: &str,
        args: &[Value],
        gas: Gas,
        host: H,
    ) -> Result<Came<H>, VirtualizationError> {
        self.call(
            Target::Program {
                program: Arc::clone(program),
                entry: entry.to_owned().into(),
                args: args.to_vec().into(),
                host,
            },
            gas,
        )
    }

    fn call(&mut self, target: Target<H>, gas: Gas) -> Result<Came<H>, VirtualizationError> {
        let callee = Callee {
            target,
            gas,
            loading_gas: Gas::ZERO,
            payer: Payer::Other,
            profiler: None,
        };
        let progress = self.driver.call(&mut self.layer, Call::Owner(callee))?;
        Ok(came(progress))
    }

    pub(crate) fn resume(
        &mut self,
        waits: Suspended<VmGuest<H>>,
        reply: u64,
    ) -> Result<Came<H>, VirtualizationError> {
        let progress = self.driver.resume(&mut self.layer, waits, reply)?;
        Ok(came(progress))
    }

    /// Its nested VMs, while it does not run.
    pub(crate) fn children(&mut self) -> &mut Children<H> {
        self.layer.children().unwrap()
    }
}

fn came<H: Owner>(progress: Progress<Layer<H>>) -> Came<H> {
    match progress {
        Progress::Returned {
            value: Return::Owner(end),
            ..
        } => Came::Ended(end),
        Progress::Returned { .. } => panic!("a nested VM is not the outermost"),
        Progress::Waiting { frame, .. } => Came::Waits(frame),
    }
}

impl<H> Came<H> {
    /// How the run ended.
    pub(crate) fn reason(&self) -> Option<EndReason> {
        match self {
            Came::Ended(end) => Some(end.reason),
            Came::Waits(_) => None,
        }
    }
}

fn forwarding() -> Vec<u8> {
    let mut text = String::from("(module\n");
    for row in functions::v1() {
        let params: Vec<_> = row.params.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "(import \"{}\" \"{}\" (func $f{} (param {}) (result i64)))\n",
            functions::IMPORT_MODULE,
            row.name,
            row.number,
            params.join(" ")
        ));
    }
    text.push_str("(memory 64)\n");
    for row in functions::FUNCTIONS {
        text.push_str(&format!("(export \"{0}\" (func $f{0}))\n", row.number));
    }
    text.push(')');
    wasm(&text)
}

impl Guest {
    pub(crate) fn new(executor: Executor) -> Self {
        Self::with(executor, trusted)
    }

    pub(crate) fn with(executor: Executor, children: fn(Arc<Executor>) -> Vms) -> Self {
        let executor = Arc::new(executor);
        let rules = Rules::v1(functions::v1());
        let prepared = executor.prepare(&forwarding(), &rules).unwrap();
        let request = RunRequest::new("", &[], Gas::new(1 << 40));
        let mut live = executor.instance(&prepared, &request).unwrap();
        live.make(&request).unwrap();
        let machine = Machine::new(&executor, children(Arc::clone(&executor)));
        Self {
            executor,
            live: Some(live),
            machine,
            gas: Gas::new(1 << 40),
            after_failure: UNTOUCHED,
        }
    }

    /// Calls a function; what the guest comes to.
    pub(crate) fn call(&mut self, function: u32, args: &[Value]) -> End<Silent> {
        let name = function.to_string();
        let live = self.live.take().unwrap();
        match self.machine.enter(live, &name, args, self.gas, Silent) {
            Ok(Came::Ended(end)) => end,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn ask(&mut self, function: u32, args: &[Value]) -> i64 {
        let end = self.call(function, args);
        let [Value::I64(answer)] = *end.values() else {
            panic!("{end:?}");
        };
        self.live = end.instance;
        answer
    }

    /// Puts bytes where the guest can hand them over.
    pub(crate) fn put(&mut self, address: u32, bytes: &[u8]) -> Value {
        let live = self.live.as_mut().unwrap();
        live.memory().write(address.into(), bytes).unwrap();
        range(address, bytes.len().try_into().unwrap())
    }

    pub(crate) fn take(&mut self, address: u32, length: u32) -> Vec<u8> {
        let live = self.live.as_mut().unwrap();
        let mut memory = live.memory();
        memory
            .read(address.into(), length.into())
            .unwrap()
            .into_owned()
    }
}

pub(crate) fn range(address: u32, length: u32) -> Value {
    Value::I64((u64::from(length) << 32 | u64::from(address)).cast_signed())
}

fn id(id: u32) -> Value {
    Value::I32(id.cast_signed())
}

impl Nine for Guest {
    fn compile(
        &mut self,
        program: &[u8],
        identifier: Option<&[u8]>,
    ) -> Result<CompiledModule, ModuleError> {
        let program = self.put(FIRST, program);
        let identifier = match identifier {
            Some(identifier) => self.put(SECOND, identifier),
            None => Value::I64(0),
        };
        decode(self.ask(functions::COMPILE, &[program, identifier])).unwrap()
    }

    fn lookup(&mut self, identifier: &[u8]) -> Result<ModuleId, ModuleError> {
        let identifier = self.put(FIRST, identifier);
        decode(self.ask(functions::LOOKUP, &[identifier])).unwrap()
    }

    fn compile_key(&mut self, space: &[u8], key: &[u8]) -> Result<CompiledModule, ModuleError> {
        let args = [self.put(FIRST, key), self.put(SECOND, space)];
        decode(self.ask(functions::COMPILE_KEY, &args)).unwrap()
    }

    fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, InstantiateError> {
        decode(self.ask(functions::INSTANTIATE, &[id(module.0)])).unwrap()
    }

    fn prepare(&mut self, instance: InstanceId, function: &[u8]) -> Result<(), ExecError> {
        let args = [id(instance.0), self.put(FIRST, function)];
        decode(self.ask(functions::PREPARE, &args)).unwrap()
    }

    fn run(
        &mut self,
        instance: InstanceId,
        gas: i64,
        a0: u64,
    ) -> Result<(ExecStatus, ExecBuffer), ExecError> {
        self.put(BUFFER - 1, &[UNTOUCHED; 98]);
        let args = [
            id(instance.0),
            Value::I64(gas),
            Value::I64(a0.cast_signed()),
            id(BUFFER),
        ];
        let status = decode(self.ask(functions::RUN, &args)).unwrap();
        let bytes = self.take(BUFFER - 1, 98);
        assert_eq!([bytes[0], bytes[97]], [UNTOUCHED; 2], "around the buffer");
        let buffer = bytes[1..97].first_chunk().unwrap();
        if status.is_err() {
            assert_eq!(buffer, &[self.after_failure; 96], "with an error");
        }
        status.map(|status| (status, ExecBuffer::decode(buffer).unwrap()))
    }

    fn destroy(&mut self, instance: InstanceId) -> Result<(), DestroyError> {
        decode(self.ask(functions::DESTROY, &[id(instance.0)])).unwrap()
    }

    fn read(
        &mut self,
        instance: InstanceId,
        offset: u32,
        length: u32,
    ) -> Result<Vec<u8>, MemoryError> {
        let args = [id(instance.0), id(offset), range(FIRST, length)];
        let answer: Result<(), _> = decode(self.ask(functions::READ_MEMORY, &args)).unwrap();
        answer.map(|()| self.take(FIRST, length))
    }

    fn write(
        &mut self,
        instance: InstanceId,
        offset: u32,
        bytes: &[u8],
    ) -> Result<(), MemoryError> {
        let args = [id(instance.0), id(offset), self.put(FIRST, bytes)];
        decode(self.ask(functions::WRITE_MEMORY, &args)).unwrap()
    }
}

/// What `body` finds on each lane, natively and from inside a guest, one that is trusted and one
/// that pays: the same.
pub(crate) fn everywhere<T: std::fmt::Debug + PartialEq>(body: impl Fn(&mut dyn Nine) -> T) -> T {
    let mut all = Vec::new();
    for lane in lanes() {
        all.push((
            format!("{}, natively", lane.name),
            body(&mut children(lane.executor)),
        ));
    }
    let guests = |way| lanes().into_iter().map(move |lane| (way, lane));
    for (pays, lane) in guests(false).chain(guests(true)) {
        let mut guest = match pays {
            true => Guest::with(lane.executor, billed),
            false => Guest::new(lane.executor),
        };
        let way = format!("{}, by a guest, who pays: {pays}", lane.name);
        all.push((way, body(&mut guest)));
        let executor = Arc::clone(&guest.executor);
        drop(guest);
        assert_eq!(executor.suspended_runs(), 0, "nothing outlives its owner");
    }
    let (first, expected) = all.remove(0);
    for (way, found) in all {
        assert_eq!(found, expected, "{way} and {first}");
    }
    expected
}

/// A new instance of a program that is ready to run a function.
pub(crate) fn ready(nine: &mut dyn Nine, text: &str, function: &str) -> InstanceId {
    let module = nine.compile(&wasm(text), None).unwrap();
    let instance = nine.instantiate(module.id).unwrap();
    nine.prepare(instance, function.as_bytes()).unwrap();
    instance
}

/// Runs to the end, with each number asked for incremented: the last one.
pub(crate) fn count(nine: &mut dyn Nine, instance: InstanceId, start: u64) -> u64 {
    let (mut a0, mut last) = (start, start);
    loop {
        let (status, buffer) = nine.run(instance, GAS, a0).unwrap();
        if status == ExecStatus::Finished {
            return last;
        }
        assert_eq!(buffer.symbol.as_bytes(), b"increment");
        last = buffer.args[0] + 1;
        a0 = last;
    }
}
