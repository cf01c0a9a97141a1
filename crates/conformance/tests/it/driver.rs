//! The driver: calls between guests, with a call protocol of the test's own.
//!
//! Every entry takes and returns an `i64`. By a syscall, a guest calls another one, yields to its
//! caller, requests an answer of the embedder, or asks the supervisor to stop it.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use expect_test::expect_file;
use fusee_conformance::{Lane, lanes, round};
use fusee_engine::{EngineError, Gas, Host, Interrupt, Stop, Syscall, Trap, Value, ValueType};
use fusee_executor::{
    Action, Begin, Callee, Counting, Driver, DriverSettings, End, EndReason, Executor, FrameLimit,
    FrameLimits, MemoryBudget, Paused, Payer, PreparedProgram, Progress, RunError, Supervisor,
    Suspended, Suspension, Target, Tier,
};
use fusee_instrument::{Rules, SyscallPrice, SyscallRule};

use crate::guest::wasm;

const GAS: u64 = 10_000_000;
const PAGE: u64 = 65_536;

/// Calls an entry by its position in `ENTRIES`, with an argument and gas.
const CALL: u32 = 0;
/// Returns to the caller, suspended.
const YIELD: u32 = 1;
/// Continues the frame that yielded last, with a reply and gas.
const CONTINUE: u32 = 2;
/// Asks the outside.
const ASK: u32 = 3;
/// Is stopped in one of the ways in which a host function can stop a guest.
const STOP: u32 = 4;
/// Has a result that the supervisor knows without a guest.
const NATIVE: u32 = 5;
/// Is charged more than there is, and calls nevertheless.
const OVERDRAW: u32 = 6;
/// The gas left.
const LEFT: u32 = 7;
/// Triggers the interrupt of the supervisor.
const TRIGGER: u32 = 8;

const ENTRIES: [&str; 12] = [
    "increment",
    "chain",
    "twice",
    "spin",
    "call_spin",
    "talk",
    "converse",
    "ask",
    "call_ask",
    "stop",
    "trigger",
    "grow",
];

const PROGRAM: &str = r#"(module
  (import "env" "call" (func $call (param i32 i64 i64) (result i64)))
  (import "env" "yield" (func $yield (param i64) (result i64)))
  (import "env" "continue" (func $continue (param i64 i64) (result i64)))
  (import "env" "ask" (func $ask (param i64) (result i64)))
  (import "env" "stop" (func $stop (param i32)))
  (import "env" "native" (func $native (param i64) (result i64)))
  (import "env" "overdraw" (func $overdraw (param i64) (result i64)))
  (import "env" "left" (func $left (result i64)))
  (import "env" "trigger" (func $trigger))
  MEMORY
  (func (export "increment") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
  (func $chain (export "chain") (param i64) (result i64)
    (if (result i64) (i64.eqz (local.get 0))
      (then (i64.const 0))
      (else (i64.add (i64.const 1)
        (call $call (i32.const 1) (i64.sub (local.get 0) (i64.const 1)) (i64.const -1))))))
  (func (export "twice") (param i64) (result i64)
    (i64.add (call $chain (local.get 0)) (call $chain (local.get 0))))
  (func (export "spin") (param i64) (result i64) (loop $again (br $again)) (i64.const 0))
  (func (export "call_spin") (param i64) (result i64)
    (drop (call $call (i32.const 3) (i64.const 0) (local.get 0)))
    (call $left))
  (func (export "talk") (param i64) (result i64)
    (i64.add (i64.mul (i64.const 10) (call $yield (i64.add (local.get 0) (i64.const 1))))
      (call $yield (i64.const 5))))
  (func (export "converse") (param i64) (result i64)
    (i64.add
      (i64.add (i64.mul (i64.const 10000) (call $call (i32.const 5) (local.get 0) (i64.const 100000)))
        (i64.mul (i64.const 100) (call $continue (i64.const 7) (i64.const 100000))))
      (call $continue (i64.const 3) (i64.const 100000))))
  (func (export "ask") (param i64) (result i64) (call $ask (local.get 0)))
  (func (export "call_ask") (param i64) (result i64)
    (i64.add (i64.const 1)
      (call $call (select (i32.const 8) (i32.const 7) (i64.ne (local.get 0) (i64.const 0)))
        (i64.sub (local.get 0) (i64.const 1)) (i64.const -1))))
  (func (export "stop") (param i64) (result i64)
    (call $stop (i32.wrap_i64 (local.get 0))) (i64.const 9))
  (func (export "call_stop") (param i64) (result i64)
    (call $call (i32.const 9) (local.get 0) (i64.const -1)))
  (func (export "trigger") (param i64) (result i64)
    (if (i64.eqz (local.get 0))
      (then (call $trigger) (loop $again (drop (call $left)) (br $again)))
      (else (drop (call $call (i32.const 10) (i64.sub (local.get 0) (i64.const 1)) (i64.const -1)))))
    (i64.const 0))
  (func (export "grow") (param i64) (result i64)
    GROW
    (if (result i64) (i64.eqz (local.get 0))
      (then (i64.const 0))
      (else (i64.add (i64.const 1)
        (call $call (i32.const 11) (i64.sub (local.get 0) (i64.const 1)) (i64.const -1))))))
  (func (export "native") (param i64) (result i64) (call $native (local.get 0)))
  (func (export "overdraw") (param i64) (result i64) (call $overdraw (local.get 0)))
  (func (export "resumed") (param i64) (result i64)
    (drop (call $yield (i64.const 1))) (call $trigger)
    (loop $again (br $again)) (i64.const 0))
  (func (export "begin_resumed") (param i64) (result i64)
    (call $continue (i64.const 0) (local.get 0))))"#;

fn rules() -> Rules {
    use ValueType::{I32, I64};
    let table: [(&str, &[ValueType], Option<ValueType>); 9] = [
        ("call", &[I32, I64, I64], Some(I64)),
        ("yield", &[I64], Some(I64)),
        ("continue", &[I64, I64], Some(I64)),
        ("ask", &[I64], Some(I64)),
        ("stop", &[I32], None),
        ("native", &[I64], Some(I64)),
        ("overdraw", &[I64], Some(I64)),
        ("left", &[], Some(I64)),
        ("trigger", &[], None),
    ];
    let signature =
        |(number, (name, params, result)): (u32, (&str, &[ValueType], _))| SyscallRule {
            module: "env".to_owned(),
            name: name.to_owned(),
            number,
            params: params.to_vec(),
            result,
            may_suspend: number < LEFT,
            price: SyscallPrice::FREE,
        };
    round::rules((0..).zip(table).map(signature).collect())
}

/// The host of a frame.
#[derive(Debug)]
struct Frame {
    interrupt: Interrupt,
    /// The gas left when it was asked for last, of all frames.
    last_left: Arc<AtomicU64>,
    /// Whether it has called and could not pay.
    is_broke: bool,
}

impl Host for Frame {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        match call.request.number {
            LEFT => {
                let left = call.gas_left().units();
                self.last_left.store(left, Ordering::Relaxed);
                Ok(left)
            }
            TRIGGER => {
                self.interrupt.trigger();
                Ok(0)
            }
            _ => Err(Stop::Suspend),
        }
    }
}

#[derive(Debug)]
enum Call {
    Guest { entry: String, arg: u64, gas: u64 },
    Continue { reply: u64, gas: u64 },
    Fault,
    Native(u64),
}

fn outermost(entry: &str, arg: u64, gas: u64) -> Call {
    let entry = entry.to_owned();
    Call::Guest { entry, arg, gas }
}

/// What a frame leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Value(u64),
    /// A syscall finished it.
    Nothing,
    Yielded(u64),
    Trapped(Trap),
    OutOfGas,
    Refused(FrameLimit),
}

impl Left {
    /// What the guest that called gets.
    fn reply(self) -> u64 {
        match self {
            Left::Value(value) | Left::Yielded(value) => value,
            Left::Nothing => 1_000,
            Left::Trapped(_) => 2_000,
            Left::OutOfGas => 3_000,
            Left::Refused(FrameLimit::Depth) => 4_000,
            Left::Refused(FrameLimit::Memory) => 5_000,
        }
    }
}

/// The protocol.
#[derive(Debug)]
struct Protocol {
    program: Arc<PreparedProgram>,
    payer: Payer,
    counting: Counting,
    /// Gas of a callee that its caller does not pay.
    gas: u64,
    interrupt: Interrupt,
    last_left: Arc<AtomicU64>,
    yielded: Vec<Suspended<Frame>>,
    /// What a caller had before its call and after it, and what its callee used.
    calls: Vec<(u64, u64, u64)>,
    /// What callers had whose call has not returned.
    before: Vec<u64>,
    most_frames: usize,
}

impl Protocol {
    fn new(program: &Arc<PreparedProgram>, interrupt: &Interrupt) -> Self {
        Self {
            program: Arc::clone(program),
            payer: Payer::Caller,
            counting: Counting::Counted,
            gas: GAS,
            interrupt: interrupt.clone(),
            last_left: Arc::default(),
            yielded: Vec::new(),
            calls: Vec::new(),
            before: Vec::new(),
            most_frames: 0,
        }
    }

    fn call(&mut self, frame: &Paused<'_, Frame>, call: Call) -> Action<Self> {
        self.before.push(frame.guest.gas_left().units());
        self.most_frames = self.most_frames.max(self.before.len());
        let counting = self.counting;
        Action::Call { call, counting }
    }
}

impl Supervisor for Protocol {
    type Host = Frame;
    type Call = Call;
    type Return = Left;
    type Request = u64;
    type Error = RunError;

    fn begin(&mut self, call: Call) -> Result<Begin<Self>, RunError> {
        let (target, gas) = match call {
            Call::Native(value) => {
                return Ok(Begin::Return {
                    value: Left::Value(value),
                    used: Gas::ZERO,
                });
            }
            Call::Fault => return Err(EngineError::Host("as asked".into()).into()),
            Call::Guest { entry, arg, gas } => {
                let target = Target::Program {
                    program: Arc::clone(&self.program),
                    entry: entry.into(),
                    args: vec![Value::I64(arg.cast_signed())].into(),
                    host: Frame {
                        interrupt: self.interrupt.clone(),
                        last_left: Arc::clone(&self.last_left),
                        is_broke: false,
                    },
                };
                (target, gas)
            }
            Call::Continue { reply, gas } => {
                let frame = self.yielded.pop().expect("a frame has yielded");
                (
                    Target::Suspended {
                        frame,
                        reply: Ok(reply),
                    },
                    gas,
                )
            }
        };
        let is_outermost = self.before.is_empty();
        let (payer, gas) = match self.payer {
            Payer::Other if !is_outermost => (Payer::Other, self.gas),
            payer => (payer, gas),
        };
        Ok(Begin::Run(Callee {
            target,
            gas: Gas::new(gas),
            loading_gas: Gas::ZERO,
            payer,
            profiler: None,
        }))
    }

    fn refuse(&mut self, _: Call, limit: FrameLimit) -> Result<Left, RunError> {
        Ok(Left::Refused(limit))
    }

    fn suspended(&mut self, mut frame: Paused<'_, Frame>) -> Result<Action<Self>, RunError> {
        let request = frame.guest.request();
        let [first, second, third, ..] = request.args;
        Ok(match request.number {
            CALL => {
                let entry = ENTRIES[usize::try_from(first).unwrap()];
                self.call(&frame, outermost(entry, second, third))
            }
            YIELD => Action::Yield,
            CONTINUE => {
                let (reply, gas) = (first, second);
                self.call(&frame, Call::Continue { reply, gas })
            }
            ASK => Action::Wait(first),
            STOP => Action::Stop(match first {
                0 => Stop::Finish,
                1 => Stop::Trap(Trap::SyscallRefused),
                2 => Stop::OutOfGas,
                3 => Stop::Suspend,
                _ => Stop::Fail(EngineError::Host("as asked".into())),
            }),
            NATIVE => self.call(&frame, Call::Native(first)),
            OVERDRAW => {
                frame.guest.charge(Gas::new(1 << 40)).unwrap_err();
                frame.host.is_broke = true;
                self.call(&frame, Call::Native(first))
            }
            number => panic!("syscall {number} is not suspended"),
        })
    }

    fn yielded(&mut self, frame: Suspended<Frame>) -> Result<Left, RunError> {
        let [value, ..] = frame.request().args;
        self.yielded.push(frame);
        Ok(Left::Yielded(value))
    }

    fn ended(&mut self, end: End<Frame>) -> Result<Left, RunError> {
        Ok(match (end.reason, end.values()) {
            (EndReason::Finished, [Value::I64(value)]) => Left::Value(value.cast_unsigned()),
            (EndReason::Finished, _) => Left::Nothing,
            (EndReason::Trapped(trap), _) => Left::Trapped(trap),
            (EndReason::OutOfGas, _) => Left::OutOfGas,
        })
    }

    fn returned(
        &mut self,
        caller: Paused<'_, Frame>,
        value: Left,
        used: Gas,
    ) -> Result<Action<Self>, RunError> {
        let before = self.before.pop().expect("a frame has called");
        let after = caller.guest.gas_left().units();
        self.calls.push((before, after, used.units()));
        Ok(match caller.host.is_broke {
            true => Action::Wait(0),
            false => Action::Resume(value.reply()),
        })
    }
}

/// A driver on a lane, and its supervisor.
struct Test {
    name: &'static str,
    executor: Arc<Executor>,
    interrupt: Interrupt,
    driver: Driver<Protocol>,
    protocol: Protocol,
}

impl Test {
    fn new(lane: Lane, memory: &str, limits: FrameLimits) -> Self {
        let Lane {
            name,
            executor,
            suspension,
        } = lane;
        let executor = Arc::new(executor);
        let grow = match memory {
            "" => "",
            _ => "(drop (memory.grow (i32.const 1)))",
        };
        let program = PROGRAM.replace("MEMORY", memory).replace("GROW", grow);
        let program = executor.prepare(&wasm(&program), &rules()).unwrap();
        let interrupt = Interrupt::new();
        let protocol = Protocol::new(&program, &interrupt);
        let driver = driver(&executor, suspension, limits, &interrupt);
        Self {
            name,
            executor,
            interrupt,
            driver,
            protocol,
        }
    }

    fn call(&mut self, entry: &str, arg: u64, gas: u64) -> Result<Progress<Protocol>, RunError> {
        let call = outermost(entry, arg, gas);
        self.driver.call(&mut self.protocol, call)
    }

    /// What the call leaves, and the gas that it used. Nothing is held after it.
    fn run(&mut self, entry: &str, arg: u64, gas: u64) -> (Left, u64) {
        match self.call(entry, arg, gas).unwrap() {
            Progress::Returned { value, used } => {
                self.assert_free();
                (value, used.units())
            }
            Progress::Waiting { request, .. } => panic!("{}: it asks {request}", self.name),
        }
    }

    /// No frame waits and none is suspended, but for those that yielded.
    fn assert_free(&self) {
        let yielded = u32::try_from(self.protocol.yielded.len()).unwrap();
        assert_eq!(self.driver.depth(), 0, "{}", self.name);
        assert_eq!(self.driver.budget().reserved(), 0, "{}", self.name);
        assert_eq!(self.executor.suspended_runs(), yielded, "{}", self.name);
    }
}

fn driver(
    executor: &Arc<Executor>,
    suspension: Suspension,
    limits: FrameLimits,
    interrupt: &Interrupt,
) -> Driver<Protocol> {
    let settings = DriverSettings {
        limits,
        suspension,
        tier: Tier::Best,
        interrupt: interrupt.clone(),
    };
    Driver::new(Arc::clone(executor), settings)
}

const WIDE: FrameLimits = FrameLimits {
    depth: 100_000,
    memory_bytes: 1 << 30,
};

const MEMORY: &str = "(memory 1 8)";

/// What is observed on every lane, and is the same on all of them.
fn on_lanes<T: PartialEq + std::fmt::Debug>(
    memory: &str,
    limits: FrameLimits,
    mut observe: impl FnMut(&mut Test) -> T,
) -> T {
    let mut first: Option<T> = None;
    for lane in lanes() {
        let mut test = Test::new(lane, memory, limits);
        let found = observe(&mut test);
        match &first {
            None => first = Some(found),
            Some(expected) => assert_eq!(found, *expected, "{}", test.name),
        }
    }
    first.expect("there is a lane")
}

#[test]
fn a_call_gives_its_caller_the_result_and_the_bill() {
    let told = on_lanes("", WIDE, |test| {
        let mut told = String::new();
        for (entry, arg) in [
            ("increment", 41),
            ("chain", 0),
            ("chain", 1),
            ("chain", 4),
            ("twice", 2),
            ("call_spin", 0),
            ("call_spin", 5_000),
            ("call_spin", u64::MAX),
            ("converse", 1),
            ("native", 77),
            ("stop", 0),
            ("stop", 1),
            ("stop", 2),
            ("call_stop", 0),
            ("call_stop", 1),
            ("call_stop", 2),
            ("overdraw", 3),
        ] {
            let (left, used) = test.run(entry, arg, 1_000_000);
            let arg = arg.cast_signed();
            writeln!(told, "{entry}({arg}) -> {left:?} for {used}").unwrap();
            for (before, after, used) in test.protocol.calls.drain(..) {
                writeln!(told, "  {before} - {used} = {after}").unwrap();
                assert_eq!(before - used, after, "a caller pays what its callee used");
            }
        }
        told
    });
    expect_file!["golden/driver.txt"].assert_eq(&told);
}

/// A callee that never ends uses all that it is given.
#[test]
fn a_callee_gets_all_but_a_64th_to_the_unit() {
    let shares = on_lanes("", WIDE, |test| {
        let mut shares = Vec::new();
        for gas in 100_000..100_130 {
            let (left, _) = test.run("call_spin", u64::MAX, gas);
            let (before, after, used) = test.protocol.calls.pop().unwrap();
            assert_eq!(
                after,
                before.div_ceil(64),
                "the caller keeps the larger part"
            );
            assert_eq!(used, before - after);
            assert!(matches!(left, Left::Value(_)), "{left:?}");
            shares.push((before, used));
        }
        shares
    });
    // Every remainder of a division by 64 is among them.
    assert_eq!(shares.len(), 130);

    // It gets no more than it is called with.
    let used = on_lanes("", WIDE, |test| {
        test.run("call_spin", 7_000, GAS);
        test.protocol.calls.pop().unwrap().2
    });
    assert_eq!(used, 7_000);
}

#[test]
fn a_callee_that_another_pays_costs_its_caller_nothing() {
    let calls = on_lanes("", WIDE, |test| {
        test.protocol.payer = Payer::Other;
        test.protocol.gas = 123_456;
        let (left, _) = test.run("call_spin", 0, 50_000);
        assert!(matches!(left, Left::Value(_)), "{left:?}");
        std::mem::take(&mut test.protocol.calls)
    });
    let [(before, after, used)] = *calls else {
        panic!("{calls:?}");
    };
    assert_eq!((before, used), (after, 123_456));
}

#[test]
fn no_more_frames_wait_than_may() {
    let limits = FrameLimits { depth: 3, ..WIDE };
    on_lanes("", limits, |test| {
        assert_eq!(test.run("chain", 3, GAS).0, Left::Value(3));
        assert_eq!(test.protocol.most_frames, 3);
        // The fourth is refused, for nothing, and its caller goes on.
        test.protocol.calls.clear();
        assert_eq!(test.run("chain", 4, GAS).0, Left::Value(4_004));
        assert_eq!(test.protocol.calls[0].2, 0);
        // Frames that have ended count no more.
        assert_eq!(test.run("twice", 3, GAS).0, Left::Value(6));
        assert_eq!(test.run("twice", 4, GAS).0, Left::Value(8_008));

        test.protocol.counting = Counting::Exempt;
        assert_eq!(test.run("chain", 9, GAS).0, Left::Value(9));
    });
}

#[test]
fn waiting_frames_hold_no_more_memory_than_they_may() {
    let limits = FrameLimits {
        memory_bytes: 6 * PAGE + 1,
        ..WIDE
    };
    on_lanes(MEMORY, limits, |test| {
        assert_eq!(test.run("chain", 6, GAS).0, Left::Value(6));
        assert_eq!(test.run("chain", 7, GAS).0, Left::Value(5_007));
        assert_eq!(test.run("twice", 7, GAS).0, Left::Value(10_014));
        // Each has two pages when it calls.
        assert_eq!(test.run("grow", 3, GAS).0, Left::Value(3));
        assert_eq!(test.run("grow", 4, GAS).0, Left::Value(5_004));

        test.protocol.counting = Counting::Exempt;
        assert_eq!(test.run("chain", 9, GAS).0, Left::Value(9));
    });
}

#[test]
fn a_frame_yields_and_is_continued() {
    let used = on_lanes(MEMORY, WIDE, |test| {
        // 2, then 5, then 7 * 10 + 3.
        let (left, used) = test.run("converse", 1, GAS);
        assert_eq!(left, Left::Value(2 * 10_000 + 5 * 100 + 73));
        assert!(test.protocol.yielded.is_empty());
        let calls = std::mem::take(&mut test.protocol.calls);
        assert_eq!(calls.len(), 3);
        used - calls.iter().map(|(.., used)| used).sum::<u64>()
    });
    assert!(used > 0);

    // The outermost frame yields to the embedder. Another call continues it.
    on_lanes("", WIDE, |test| {
        assert_eq!(test.run("talk", 1, GAS).0, Left::Yielded(2));
        assert_eq!(test.protocol.yielded.len(), 1);
        for (reply, expected) in [(7, Left::Yielded(5)), (3, Left::Value(73))] {
            let call = Call::Continue { reply, gas: 10_000 };
            match test.driver.call(&mut test.protocol, call).unwrap() {
                Progress::Returned { value, used } => {
                    assert_eq!(value, expected, "{}", test.name);
                    assert!(used < Gas::new(100), "{}: {used}", test.name);
                }
                Progress::Waiting { .. } => panic!("{}: it asks nothing", test.name),
            }
            test.assert_free();
        }
    });
}

#[test]
fn a_chain_that_asks_the_outside_goes_on_on_another_thread() {
    let used = on_lanes(MEMORY, WIDE, |test| {
        let progress = test.call("call_ask", 2, GAS).unwrap();
        let Progress::Waiting { frame, request } = progress else {
            panic!("{}: it asks", test.name);
        };
        assert_eq!(request, u64::MAX);
        assert_eq!(test.driver.depth(), 3);
        assert_eq!(test.driver.budget().reserved(), 3 * PAGE);
        assert_eq!(test.executor.suspended_runs(), 4);
        let (driver, protocol) = (&mut test.driver, &mut test.protocol);
        let progress = thread::scope(|scope| {
            let resumed = scope.spawn(|| driver.resume(protocol, frame, 39));
            resumed.join().unwrap().unwrap()
        });
        let Progress::Returned { value, used } = progress else {
            panic!("{}: it was answered", test.name);
        };
        assert_eq!(value, Left::Value(42));
        test.assert_free();
        used
    });
    assert!(used > Gas::ZERO);
}

#[test]
fn a_supervisor_stops_a_frame() {
    on_lanes("", WIDE, |test| {
        for (how, expected) in [
            (0, Left::Nothing),
            (1, Left::Trapped(Trap::SyscallRefused)),
            (2, Left::OutOfGas),
        ] {
            assert_eq!(test.run("stop", how, GAS).0, expected, "{}", test.name);
        }
        for how in [3, 4] {
            let error = test.call("stop", how, GAS).unwrap_err();
            assert!(
                matches!(error, RunError::Engine(EngineError::Host(_))),
                "{}: {error:?}",
                test.name
            );
            test.assert_free();
        }
    });
}

/// Gas for more than a slice, on every lane, and not endless: a guest that is not interrupted runs
/// out of it.
const MUCH: u64 = 1 << 26;

#[test]
fn an_interrupt_ends_every_frame() {
    for lane in lanes() {
        let mut test = Test::new(lane, MEMORY, WIDE);
        let error = test.call("trigger", 3, MUCH).unwrap_err();
        assert!(
            matches!(error, RunError::Engine(EngineError::Interrupted)),
            "{}: {error:?}",
            test.name
        );
        assert_eq!(test.protocol.before.len(), 3, "{}", test.name);
        // The guest itself was interrupted, at the end of its slice.
        let left = test.protocol.last_left.load(Ordering::Relaxed);
        assert!(left > MUCH / 2, "{}: {left}", test.name);
        test.assert_free();
    }
}

#[test]
fn an_interrupt_ends_a_chain_that_waits_for_the_outside() {
    for lane in lanes() {
        let mut test = Test::new(lane, MEMORY, WIDE);
        let Progress::Waiting { frame, .. } = test.call("call_ask", 2, GAS).unwrap() else {
            panic!("{}: it asks", test.name);
        };
        test.interrupt.trigger();
        let resumed = test.driver.resume(&mut test.protocol, frame, 1);
        let error = resumed.unwrap_err();
        assert!(
            matches!(error, RunError::Engine(EngineError::Interrupted)),
            "{}: {error:?}",
            test.name
        );
        test.assert_free();
    }
}

/// The driver that continues a frame can interrupt it, and the one that began it no longer can.
#[test]
fn a_continued_frame_has_the_interrupt_of_the_driver_that_continues_it() {
    for is_first in [true, false] {
        for lane in lanes() {
            let suspension = lane.suspension;
            let mut test = Test::new(lane, "", WIDE);
            let second = Interrupt::new();
            if !is_first {
                test.protocol.interrupt = second.clone();
            }
            // When it is continued, the frame triggers an interrupt, and computes for more than
            // a slice.
            assert_eq!(test.run("resumed", 0, GAS).0, Left::Yielded(1));
            let mut other = driver(&test.executor, suspension, WIDE, &second);
            let call = Call::Continue {
                reply: 0,
                gas: MUCH,
            };
            let progress = other.call(&mut test.protocol, call);
            match (is_first, progress) {
                (true, Ok(Progress::Returned { value, .. })) => {
                    assert!(test.interrupt.is_triggered());
                    assert_eq!(value, Left::OutOfGas, "{}", test.name);
                }
                (false, Err(RunError::Engine(EngineError::Interrupted))) => {}
                (_, other) => panic!("{}: {other:?}", test.name),
            }
            test.assert_free();
        }
    }
}

#[test]
fn a_long_chain_takes_constant_native_stack() {
    for lane in lanes() {
        // The limit of instances of Wasmtime's lanes.
        let frames = match lane.name.starts_with("wasmi") {
            true => 10_000,
            false => 2_000,
        };
        let chain = move || {
            let mut test = Test::new(lane, "", WIDE);
            // Of what a caller may forward nothing would be left.
            test.protocol.payer = Payer::Other;
            let (left, _) = test.run("chain", frames, GAS);
            assert_eq!(left, Left::Value(frames), "{}", test.name);
            let most_frames = u64::try_from(test.protocol.most_frames).unwrap();
            assert_eq!(most_frames, frames, "{}", test.name);
        };
        let thread = thread::Builder::new().stack_size(512 << 10);
        thread.spawn(chain).unwrap().join().unwrap();
    }
}

#[test]
fn dropping_a_chain_frees_its_permits_and_its_memory() {
    for lane in lanes() {
        let mut test = Test::new(lane, MEMORY, WIDE);
        let wait = |test: &mut Test| match test.call("call_ask", 2, GAS).unwrap() {
            Progress::Waiting { frame, .. } => frame,
            Progress::Returned { .. } => panic!("{}: it asks", test.name),
        };
        // Another call in the same driver drops what waits.
        let frame = wait(&mut test);
        drop(frame);
        assert_eq!(test.executor.suspended_runs(), 3, "{}", test.name);
        test.protocol.before.clear();
        assert_eq!(test.run("increment", 1, GAS).0, Left::Value(2));

        let frame = wait(&mut test);
        let budget: MemoryBudget = test.driver.budget().clone();
        assert_eq!(budget.reserved(), 3 * PAGE, "{}", test.name);
        drop(test.driver);
        assert_eq!(budget.reserved(), 0, "{}", test.name);
        assert_eq!(test.executor.suspended_runs(), 1, "{}", test.name);
        drop(frame);
        assert_eq!(test.executor.suspended_runs(), 0, "{}", test.name);
    }
}

/// Its supervisor lets it wait for the outside, which it does not come to.
#[test]
fn a_caller_that_cannot_pay_is_out_of_gas_whatever_its_supervisor_decides() {
    let used = on_lanes("", WIDE, |test| {
        let (left, used) = test.run("overdraw", 5, GAS);
        assert_eq!(left, Left::OutOfGas, "{}", test.name);
        used
    });
    assert_eq!(used, GAS);
}

#[test]
fn a_result_without_a_guest_costs_nothing() {
    on_lanes("", WIDE, |test| {
        assert_eq!(test.run("native", 77, GAS).0, Left::Value(77));
        let [(before, after, used)] = test.protocol.calls[..] else {
            panic!("{}", test.name);
        };
        assert_eq!((before, used), (after, 0));
    });
}

#[test]
fn a_fault_of_the_host_in_a_callee_ends_its_callers() {
    for lane in lanes() {
        let mut test = Test::new(lane, MEMORY, WIDE);
        let error = test.call("call_stop", 4, GAS).unwrap_err();
        assert_eq!(test.protocol.before.len(), 1, "{}", test.name);
        assert!(
            matches!(error, RunError::Engine(EngineError::Host(_))),
            "{}: {error:?}",
            test.name
        );
        test.assert_free();
    }
}

#[test]
fn a_fault_at_the_beginning_of_a_call_drops_the_frames_of_the_one_before() {
    for lane in lanes() {
        let mut test = Test::new(lane, MEMORY, WIDE);
        let waiting = test.call("call_ask", 2, GAS).unwrap();
        assert_eq!(test.driver.depth(), 3, "{}", test.name);
        drop(waiting);
        let failed = test.driver.call(&mut test.protocol, Call::Fault);
        assert!(failed.is_err(), "{}", test.name);
        test.assert_free();
    }
}
