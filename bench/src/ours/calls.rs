//! Our side of the group `executor`: calls through the executor, fresh, again, parked and from
//! bytes.

use std::{fmt::Debug, sync::Arc, thread::sleep, time::Duration};

use anyhow::{Context, Error, Result, bail};
use fusee::sandbox::{
    CodeHash, Compilation, Engine, Executor, Gas, Host, LiveInstance, Outcome, PreparedProgram,
    RunRequest, Stop, Suspended, Syscall, Value,
};

use super::{compiler, wasmi};
use crate::{
    contest::{Call, Parker, Recall, guest::Guest},
    measure::{Gauge, real_time},
};

/// More than any call uses, and less than makes a call wait for the compiler.
const GAS: Gas = Gas::new(49_000_000);

/// Room for the artifacts of one program.
const ARTIFACT_BYTES: u64 = 64 << 20;

/// What a syscall costs: its host charges for it, as any host does.
const SYSCALL: Gas = Gas::new(10);

/// Calls after which a program is not expected to be compiled for short calls any more.
const SETTLING_CALLS: u32 = 1_000_000;

/// A fresh instance for each call, after the executor has compiled what the calls have earned.
pub(crate) fn settled(guest: Guest) -> Result<Call> {
    let executor = Executor::tiered(wasmi(), compiler()?).build();
    let prepared = executor.prepare(&guest.wasm, &guest.rules()?)?;
    executor.compile(&prepared)?;
    let program = Arc::clone(&prepared);
    let call = move || answer(&guest, start(&executor, &program, &guest, Echo)?);
    for _ in 0..SETTLING_CALLS {
        call()?;
        match prepared.short_call_compilation() {
            None | Some(Compilation::Done) => return Ok(Box::new(call)),
            Some(Compilation::GivenUp { reason }) => bail!("{reason}"),
            Some(Compilation::Idle) => {}
            Some(Compilation::Queued | Compilation::Running) => sleep(Duration::from_millis(1)),
        }
    }
    bail!("{SETTLING_CALLS} calls have not earned the compilation for short calls");
}

/// A fresh instance for each call.
pub(crate) fn fresh(engine: Arc<dyn Engine>, guest: Guest) -> Result<Call> {
    let (executor, prepared) = prepare(engine, &guest)?;
    Ok(Box::new(move || {
        answer(&guest, start(&executor, &prepared, &guest, Echo)?)
    }))
}

/// One instance, recycled after each call.
pub(crate) fn again(engine: Arc<dyn Engine>, guest: Guest) -> Result<Recall> {
    let (executor, prepared) = prepare(engine, &guest)?;
    let mut live: Option<LiveInstance> = None;
    Ok(Box::new(move || {
        let args = [Value::I32(guest.argument)];
        let outcome = match live.take() {
            Some(instance) => instance.run(request(&guest, &args), Echo)?,
            None => start(&executor, &prepared, &guest, Echo)?,
        };
        let Outcome::Finished(finished) = outcome else {
            bail!("the guest did not finish: {outcome:?}");
        };
        let answer = number(&guest, finished.values())?;
        (live, _) = finished.into_instance();
        Ok(answer)
    }))
}

/// Parked at each syscall, and resumed.
pub(crate) fn parked(engine: Arc<dyn Engine>, guest: Guest) -> Result<Call> {
    let guest = guest.suspendable();
    let (executor, prepared) = prepare(engine, &guest)?;
    Ok(Box::new(move || {
        let mut outcome = start(&executor, &prepared, &guest, Park)?;
        while let Outcome::Syscall(mut suspended) = outcome {
            let [reply, ..] = suspended.request().args;
            if suspended.charge(SYSCALL).is_err() {
                bail!("endless gas has ended");
            }
            outcome = suspended.resume(reply)?;
        }
        answer(&guest, outcome)
    }))
}

/// Calls that stay parked.
pub(crate) fn parking(engine: Arc<dyn Engine>, guest: Guest) -> Result<Parker> {
    let guest = guest.suspendable();
    let (executor, prepared) = prepare(engine, &guest)?;
    Ok(Box::new(move || {
        match start(&executor, &prepared, &guest, Park)? {
            Outcome::Syscall(suspended) => Ok(Box::<Suspended<Park>>::new(suspended)),
            other => bail!("the guest is not parked: {other:?}"),
        }
    }))
}

/// From the bytes of a program that nobody has seen to its first answer. It runs on the
/// interpreter, and is compiled in the background.
pub(crate) fn deployed(guest: Guest) -> Result<Gauge> {
    let rules = guest.rules()?;
    // What is prepared is forgotten at once, so that each deployment is the first.
    let executor = Executor::tiered(wasmi(), compiler()?)
        .cache_bytes(0)
        .build();
    Ok(Box::new(move || {
        let (prepared, time) = real_time(|| {
            let prepared = executor.prepare(&guest.wasm, &rules)?;
            answer(&guest, start(&executor, &prepared, &guest, Echo)?)?;
            Ok::<_, Error>(prepared)
        });
        // Who is measured next is not to share the machine with the compiler.
        let prepared = prepared?;
        executor.compile(&prepared)?;
        Ok(time.as_secs_f64())
    }))
}

/// From the folder of artifacts that another executor has left to the first answer, compiled.
pub(crate) fn restarted(guest: Guest) -> Result<Call> {
    let folder = tempfile::tempdir()?;
    let rules = guest.rules()?;
    let (interpreter, compiler) = (wasmi(), compiler()?);
    let open = move || -> Result<Executor> {
        let executor = Executor::tiered(interpreter.clone(), compiler.clone());
        Ok(executor.artifacts(folder.path(), ARTIFACT_BYTES)?.build())
    };
    let executor = open()?;
    let prepared = executor.prepare(&guest.wasm, &rules)?;
    executor.compile(&prepared)?;
    let code = CodeHash::of(&guest.wasm);
    Ok(Box::new(move || {
        let executor = open()?;
        let prepared = executor
            .find(code, &rules)
            .context("no artifact was kept")?;
        answer(&guest, start(&executor, &prepared, &guest, Echo)?)
    }))
}

fn prepare(engine: Arc<dyn Engine>, guest: &Guest) -> Result<(Executor, Arc<PreparedProgram>)> {
    let executor = Executor::builder(engine).build();
    let prepared = executor.prepare(&guest.wasm, &guest.rules()?)?;
    Ok((executor, prepared))
}

fn start<H: Host>(
    executor: &Executor,
    prepared: &Arc<PreparedProgram>,
    guest: &Guest,
    host: H,
) -> Result<Outcome<H>> {
    let args = [Value::I32(guest.argument)];
    Ok(executor.run(prepared, request(guest, &args), host)?)
}

fn request<'a>(guest: &'a Guest, args: &'a [Value]) -> RunRequest<'a> {
    RunRequest::new(guest.entry, args, GAS)
}

fn answer<H: Debug>(guest: &Guest, outcome: Outcome<H>) -> Result<i32> {
    match outcome {
        Outcome::Finished(finished) => number(guest, finished.values()),
        other => bail!("the guest did not finish: {other:?}"),
    }
}

fn number(guest: &Guest, values: &[Value]) -> Result<i32> {
    let [Value::I32(answer)] = values else {
        bail!("the guest returned {values:?}");
    };
    guest.check(*answer)?;
    Ok(*answer)
}

/// Answers a syscall with its argument.
#[derive(Debug)]
struct Echo;

impl Host for Echo {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        call.charge(SYSCALL)?;
        let [argument, ..] = call.request.args;
        Ok(argument)
    }
}

/// Leaves every syscall to whoever has the guest.
#[derive(Debug)]
struct Park;

impl Host for Park {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Stop::Suspend)
    }
}
