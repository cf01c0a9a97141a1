//! A small node: it runs the guests of its peers on a few workers, and none of them can hold it up.
//!
//! ```sh
//! cargo run --release --package fusee-lifecycle --example node
//! ```

use std::{error::Error, io::Write, sync::Arc, time::Duration};

use fusee_engine::{Gas, Host, Stop, Syscall, ValueType};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::Executor;
use fusee_instrument::{SyscallPrice, SyscallRule};
use fusee_lifecycle::{
    AsyncHost, CallOutcome, CallRequest, Error as Fault, Guest, InstanceRequest, Module, Sandbox,
    Waiting, WhenFull, rules,
};
use tokio::task::JoinHandle;

/// It asks a peer, computes, or never ends.
const GUEST: &str = r#"(module
  (import "node" "fetch" (func $fetch (param i64) (result i64)))
  (memory (export "memory") 1)
  (global $id (mut i64) (i64.const 0))
  (func (export "set_id") (param i64) (global.set $id (local.get 0)))
  (func (export "ask") (result i64)
    (i64.add (call $fetch (global.get $id)) (i64.const 1)))
  (func (export "square") (param i64) (result i64)
    (i64.mul (local.get 0) (local.get 0)))
  (func (export "spin") (loop $again (br $again))))"#;

const GAS: Gas = Gas::new(1_000_000);

/// Gas does not stop this one: its time does.
const SPIN: CallRequest<'static> = CallRequest::new("spin", &[], Gas::MAX);

/// Asks peers, which takes a while.
struct Peers;

impl Host for Peers {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Stop::Suspend)
    }
}

impl AsyncHost for Peers {
    fn wait<'a>(&'a mut self, guest: Guest<'a>) -> Waiting<'a> {
        Box::pin(async move {
            let [key, ..] = guest.request().args;
            // What a peer does who is far away.
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(key * 1_000)
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    tell(&mut std::io::stdout())
}

/// Tells what happens.
pub(crate) fn tell(out: &mut (impl Write + Send)) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()?;
    runtime.block_on(node(out))
}

async fn node(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let executor = Executor::tiered(
        Arc::new(WasmiEngine::new()),
        Arc::new(WasmtimeEngine::new()?),
    );
    let fetch = SyscallRule {
        module: "node".to_owned(),
        name: "fetch".to_owned(),
        number: 1,
        params: vec![ValueType::I64],
        result: Some(ValueType::I64),
        may_suspend: true,
        price: SyscallPrice::FREE,
    };
    let sandbox = Sandbox::builder(Arc::new(executor.build()), rules(vec![fetch]))
        .workers(2)
        .queue(1)
        .call_time(Duration::from_millis(200))
        .id_export("set_id")
        .build()?;

    let module = sandbox.compile(&wat::parse_str(GUEST)?)?;
    let (imports, exports) = (module.imports().len(), module.exports().len());
    let wait = if module.needs_async() {
        "wait"
    } else {
        "not wait"
    };
    writeln!(
        out,
        "a guest with {imports} import and {exports} exports, which may {wait}"
    )?;

    // Four guests wait for peers at once, and hold none of the two workers.
    let asking = (1..=4).map(|id| tokio::spawn(ask(module.clone(), id)));
    let asking: Vec<_> = asking.collect();
    while sandbox.health().waiting < 4 && !asking.iter().all(JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut instance = module
        .instantiate(InstanceRequest::new(5, GAS), Peers)
        .await?
        .into_result()?;
    let returned = instance
        .call(CallRequest::new("square", &[12], GAS))
        .await?;
    writeln!(
        out,
        "4 guests wait for peers; meanwhile another computes {:?} for {} gas",
        returned.values(),
        returned.gas_used()
    )?;
    for answered in asking {
        writeln!(
            out,
            "{}",
            answered.await?.map_err(|fault| fault.to_string())?
        )?;
    }

    // One that never ends is timed out, and is gone.
    let end = told(instance.call(SPIN).await);
    writeln!(out, "a guest that spins: {end}")?;
    let end = told(instance.call(SPIN).await);
    writeln!(out, "the same again: {end}")?;

    // Two hold the workers, one waits in the queue, and one is refused.
    let mut spinning = Vec::new();
    for id in 10..13 {
        let request = InstanceRequest::new(id, GAS);
        let made = module.instantiate(request, Peers).await?;
        spinning.push(made.into_result()?);
    }
    let mut refused = module
        .instantiate(InstanceRequest::new(13, GAS), Peers)
        .await?
        .into_result()?;
    let spin = CallRequest {
        time: Some(Duration::from_secs(3_600)),
        ..SPIN
    };
    let spinning: Vec<_> = spinning
        .into_iter()
        .map(|mut instance| {
            let spin = spin.clone();
            tokio::spawn(async move { instance.call(spin).await })
        })
        .collect();
    while sandbox.health().busy < 2 || sandbox.health().queued < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut square = CallRequest::new("square", &[2], GAS);
    let end = told(refused.call(square.clone()).await);
    writeln!(out, "2 guests spin, 1 is queued, another is refused: {end}")?;

    // Whoever no longer wants an answer drops the call.
    for call in spinning {
        call.abort();
    }
    square.when_full = WhenFull::Wait;
    let returned = refused.call(square).await?;
    writeln!(
        out,
        "when they are cancelled it is served: {:?}",
        returned.values()
    )?;
    let soon = Duration::from_millis(20);
    if tokio::time::timeout(soon, refused.call(spin))
        .await
        .is_err()
    {
        writeln!(out, "a call that nobody waits for is cancelled")?;
    }
    while sandbox.health().busy > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let health = sandbox.health();
    writeln!(
        out,
        "health: {}; {} of {} workers, {} busy; {} refused, {} timed out, {} cancelled, {} replaced",
        if health.is_healthy() { "good" } else { "bad" },
        health.workers,
        health.workers_wanted,
        health.busy,
        health.refused,
        health.timed_out,
        health.cancelled,
        health.replaced,
    )?;
    Ok(())
}

/// What the guest did, or why the host has no outcome.
fn told(end: Result<CallOutcome<Vec<i64>>, Fault>) -> String {
    match end.map(CallOutcome::into_result) {
        Ok(Ok(values)) => format!("it returned {values:?}"),
        Ok(Err(fault)) => fault.to_string(),
        Err(error) => error.to_string(),
    }
}

async fn ask(module: Module, id: i64) -> Result<String, Box<dyn Error + Send + Sync>> {
    let request = InstanceRequest {
        when_full: WhenFull::Wait,
        ..InstanceRequest::new(id, GAS)
    };
    let mut instance = module.instantiate(request, Peers).await?.into_result()?;
    let call = CallRequest {
        when_full: WhenFull::Wait,
        ..CallRequest::new("ask", &[], GAS)
    };
    let returned = instance.call(call).await?;
    Ok(format!(
        "guest {} was answered {:?}",
        instance.id(),
        returned.values()
    ))
}
