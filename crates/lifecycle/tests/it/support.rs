//! Sandboxes, guests and hosts for these tests, and how to wait for what other threads do.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use fusee_conformance::lanes;
use fusee_engine::{EngineError, Gas, Host, Stop, Syscall, Trap, ValueType};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::{Executor, Suspension};
use fusee_instrument::{Floats, Rules, SyscallPrice, SyscallRule};
use fusee_lifecycle::{
    AsyncHost, CallOutcome, CallRequest, Error, Guest, Instance, InstanceRequest, Module, Sandbox,
    SandboxBuilder, Waiting,
};

/// More than any guest of these tests uses that ends by itself.
pub(crate) const GAS: Gas = Gas::new(1_000_000_000);
/// More than a guest can use while a test waits for it.
pub(crate) const ENDLESS: Gas = Gas::MAX;
/// Longer than any of these tests takes, on the slowest machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// A time limit that a guest is meant to exceed.
pub(crate) const SHORT: Duration = Duration::from_millis(50);

/// A guest that needs no host function that waits.
pub(crate) const PLAIN: &str = r#"(module
  (import "env" "nap" (func $nap))
  (import "env" "panic" (func $panic))
  (import "env" "finish" (func $finish))
  (import "env" "fail" (func $fail))
  (memory 1 8)
  (global $id (mut i64) (i64.const -1))
  (global $told (mut i64) (i64.const 0))
  (global $count (mut i64) (i64.const 0))
  (global $free (mut i32) (i32.const 1024))
  (func (export "set_id") (param i64)
    (global.set $id (local.get 0))
    (global.set $told (i64.add (global.get $told) (i64.const 1))))
  (func (export "id") (result i64) (global.get $id))
  (func (export "told") (result i64) (global.get $told))
  (func (export "alloc") (param i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (local.get 0))))
  (func (export "sum") (param i32 i32) (result i32) (local i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get 1)))
      (local.set 2 (i32.add (local.get 2) (i32.load8_u (local.get 0))))
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
      (br $next)))
    (local.get 2))
  (func (export "count") (result i64)
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (global.get $count))
  (func (export "both") (param i32 i64) (result i64 i32)
    (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1)) (i32.const -1))
  (func (export "spin") (loop $again (br $again)))
  (func $tree (export "tree") (param i32)
    (if (local.get 0) (then
      (call $tree (i32.sub (local.get 0) (i32.const 1)))
      (call $tree (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "naps") (loop $again (call $nap) (br $again)))
  (func $deep (export "deep") (call $deep))
  (func (export "trap") unreachable)
  (func (export "beyond") (result i32) (i32.load (i32.const 0x7fffffff)))
  (func (export "panic") (call $panic))
  (func (export "finish") (call $finish))
  (func (export "fail") (call $fail)))"#;

/// A guest that adds up what it is answered, four times, with memory in between.
pub(crate) const WAITS: &str = r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (memory 1)
  (func (export "sum") (result i64) (local $left i64)
    (i64.store (i32.const 8) (i64.const 0))
    (local.set $left (i64.const 4))
    (loop $again
      (i64.store (i32.const 8)
        (i64.add (i64.load (i32.const 8)) (call $wait (local.get $left))))
      (br_if $again (i64.ne (i64.const 0)
        (local.tee $left (i64.sub (local.get $left) (i64.const 1))))))
    (i64.load (i32.const 8)))
  (func (export "ask") (param i64) (result i64) (call $wait (local.get 0))))"#;

const I64: ValueType = ValueType::I64;

const I32: ValueType = ValueType::I32;

const WAIT: u32 = 0;
/// A function of more parameters than a request has room for.
const WIDE: u32 = 5;

/// The rules of these tests, with limits as the crate gives them.
pub(crate) fn rules() -> Rules {
    let signature =
        |(number, (name, params, result)): (u32, &(&str, &[_], Option<_>))| SyscallRule {
            module: "env".to_owned(),
            name: (*name).to_owned(),
            number,
            params: params.to_vec(),
            result: *result,
            may_suspend: [WAIT, WIDE].contains(&number),
            price: SyscallPrice::FREE,
        };
    let table: &[(&str, &[ValueType], Option<ValueType>)] = &[
        ("wait", &[I64], Some(I64)),
        ("nap", &[], None),
        ("panic", &[], None),
        ("finish", &[], None),
        ("fail", &[], None),
        ("wide", &[I64, I32, I64, I32, I64, I32, I64, I32], Some(I32)),
    ];
    fusee_lifecycle::rules((0..).zip(table).map(signature).collect()).with_floats(Floats::Canonical)
}

/// A sandbox on every lane, with an id and buffers.
pub(crate) fn sandboxes(with: impl Fn(SandboxBuilder) -> SandboxBuilder) -> Vec<(String, Sandbox)> {
    lanes()
        .into_iter()
        .map(|lane| {
            let builder = builder(Arc::new(lane.executor)).suspension(lane.suspension);
            (lane.name.to_owned(), with(builder).build().unwrap())
        })
        .collect()
}

/// One sandbox, for what no engine changes.
pub(crate) fn sandbox(with: impl Fn(SandboxBuilder) -> SandboxBuilder) -> Sandbox {
    with(builder(interpreter())).build().unwrap()
}

pub(crate) fn interpreter() -> Arc<Executor> {
    Arc::new(Executor::builder(Arc::new(WasmiEngine::new())).build())
}

pub(crate) fn builder(executor: Arc<Executor>) -> SandboxBuilder {
    Sandbox::builder(executor, rules())
        .workers(2)
        .queue(8)
        .call_time(LONG)
        .id_export("set_id")
        .alloc_export("alloc")
        .suspension(Suspension::AsNeeded)
}

pub(crate) fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(crate) fn module(sandbox: &Sandbox, text: &str) -> Module {
    sandbox.compile(&wasm(text)).unwrap()
}

pub(crate) fn instance<H: AsyncHost>(sandbox: &Sandbox, text: &str, host: H) -> Instance<H> {
    module(sandbox, text)
        .instantiate_blocking(InstanceRequest::new(7, GAS), host)
        .unwrap()
        .into_result()
        .unwrap()
}

/// A call that ends well.
pub(crate) fn call<H: AsyncHost>(
    instance: &mut Instance<H>,
    export: &str,
    args: &[i64],
) -> Vec<i64> {
    let outcome = try_call(instance, export, args).unwrap();
    outcome.into_result().unwrap()
}

pub(crate) fn try_call<H: AsyncHost>(
    instance: &mut Instance<H>,
    export: &str,
    args: &[i64],
) -> Result<CallOutcome<Vec<i64>>, Error> {
    instance.call_blocking(CallRequest::new(export, args, GAS))
}

/// A call that does not end by itself.
pub(crate) fn spin(time: Duration) -> CallRequest<'static> {
    CallRequest {
        time: Some(time),
        ..CallRequest::new("spin", &[], ENDLESS)
    }
}

/// Answers what does not wait.
#[derive(Debug)]
pub(crate) struct Quick;

impl Host for Quick {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        match call.request.number {
            WAIT | WIDE => Err(Stop::Suspend),
            1 => {
                thread::sleep(Duration::from_millis(2));
                Ok(0)
            }
            2 => panic!("as asked"),
            3 => Err(Stop::Finish),
            4 => Err(Stop::Fail(EngineError::Host("as asked".into()))),
            _ => Err(Stop::Trap(Trap::SyscallRefused)),
        }
    }
}

impl AsyncHost for Quick {}

/// Answers ten times what it is asked, after it was polled so often.
#[derive(Debug)]
pub(crate) struct Later(pub(crate) u32);

impl Host for Later {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        Quick.syscall(call)
    }
}

impl AsyncHost for Later {
    fn wait<'a>(&'a mut self, guest: Guest<'a>) -> Waiting<'a> {
        Box::pin(async move {
            Yields(self.0).await;
            Ok(guest.request().args[0] * 10)
        })
    }
}

/// Waits so often before it is ready.
pub(crate) struct Yields(pub(crate) u32);

impl Future for Yields {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.0.checked_sub(1) {
            None => Poll::Ready(()),
            Some(left) => {
                self.0 = left;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

/// A gate that futures wait at until somebody opens it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Gate {
    pub(crate) fn open(&self) {
        let mut gate = self.0.lock().unwrap();
        gate.0 = true;
        for waker in gate.1.drain(..) {
            waker.wake();
        }
    }

    pub(crate) async fn pass(&self) {
        std::future::poll_fn(|context| {
            let mut gate = self.0.lock().unwrap();
            if gate.0 {
                return Poll::Ready(());
            }
            gate.1.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Answers 1 behind a gate.
#[derive(Debug)]
pub(crate) struct Gated(pub(crate) Gate);

impl Host for Gated {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        Quick.syscall(call)
    }
}

impl AsyncHost for Gated {
    fn wait<'a>(&'a mut self, _: Guest<'a>) -> Waiting<'a> {
        Box::pin(async {
            self.0.pass().await;
            Ok(1)
        })
    }
}

/// What tests share with hosts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What a future is ready with.
pub(crate) fn end<T>(future: impl Future<Output = T>) -> T {
    end_unless(future, || false).expect("nobody drops it")
}

/// What a future is ready with, unless it has to wait while something is so: then it is dropped.
pub(crate) fn end_unless<T>(
    future: impl Future<Output = T>,
    mut is_dropped: impl FnMut() -> bool,
) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending if is_dropped() => return None,
            Poll::Pending => thread::park(),
        }
    }
}

/// Polls a future once, which is not ready.
pub(crate) fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.poll(&mut context).is_pending());
}

#[expect(clippy::disallowed_methods, reason = "tests of time limits")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits until other threads have brought something about.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}");
        thread::park_timeout(Duration::from_millis(1));
    }
}
