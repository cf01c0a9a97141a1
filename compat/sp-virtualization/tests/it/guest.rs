//! The public tests of `sp-virtualization` from inside a guest, as a runtime of Substrate runs
//! them, on every backend.

use std::{borrow::Cow, env, fs, path::Path, process::Command, sync::Arc};

use fusee_compat_sp_virtualization::children;
use fusee_engine::{Engine, Gas, Host, Interrupt, Stop, Syscall, Trap, Value};
use fusee_engine_polkavm::{Backend as Sandbox, PolkaVmEngine};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::{
    Callee, Direct, Driver, DriverSettings, End, EndReason, Executor, FrameLimits, LiveInstance,
    Payer, Progress, RunRequest, Suspension, Target, Tier,
};
use fusee_instrument::{Floats, Rules};
use fusee_virtualization::{Call, Nested, Owner, Return, VirtualizationError, functions};

const GAS: Gas = Gas::new(1 << 40);

/// Builds the guest.
fn runtime() -> Vec<u8> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runtime");
    let built = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--release", "--locked", "--package", "runtime"])
        .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
        .arg(&target)
        .env("RUSTFLAGS", "--cfg substrate_runtime")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status();
    assert!(
        built.unwrap().success(),
        "try `rustup target add wasm32-unknown-unknown`"
    );
    fs::read(target.join("wasm32-unknown-unknown/release/runtime.wasm")).unwrap()
}

/// The guest has no syscalls but the nine functions, and no storage.
#[derive(Debug)]
struct Silent;

impl Host for Silent {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Trap::SyscallRefused.into())
    }
}

impl Owner for Silent {}

type Layer = Nested<Direct<Silent, VirtualizationError>>;

fn call(
    driver: &mut Driver<Layer>,
    layer: &mut Layer,
    instance: LiveInstance,
    entry: &str,
    args: &[i32],
) -> End<Silent> {
    let args: Vec<_> = args.iter().copied().map(Value::I32).collect();
    let callee = Callee {
        target: Target::Instance {
            instance,
            entry: entry.to_owned().into(),
            args: Cow::Owned(args),
            host: Silent,
        },
        gas: GAS,
        loading_gas: Gas::ZERO,
        payer: Payer::Other,
        profiler: None,
    };
    match driver.call(layer, Call::Owner(callee)).unwrap() {
        Progress::Returned {
            value: Return::Owner(end),
            ..
        } => end,
        _ => panic!("`{entry}` waits"),
    }
}

/// How the tests end with this program.
fn run_tests(runtime: &[u8], program: &[u8], sandbox: Sandbox) -> EndReason {
    let polkavm: Arc<dyn Engine> = Arc::new(PolkaVmEngine::on(sandbox).unwrap());
    let executor = Executor::builder(Arc::new(WasmiEngine::new()))
        .engine(polkavm)
        .build();
    let executor = Arc::new(executor);
    let rules = Rules::v1(functions::v1()).with_floats(Floats::Canonical);
    let prepared = executor.prepare(runtime, &rules).unwrap();
    let settings = DriverSettings {
        limits: FrameLimits {
            depth: 0,
            memory_bytes: 0,
        },
        suspension: Suspension::AsNeeded,
        tier: Tier::Best,
        interrupt: Interrupt::new(),
    };
    let mut driver = Driver::new(Arc::clone(&executor), settings);
    let mut layer = Nested::trusted(Direct::new(), children(Arc::clone(&executor)));
    let instance = executor
        .instance(&prepared, &RunRequest::new("", &[], GAS))
        .unwrap();
    let length = i32::try_from(program.len()).unwrap();
    let allocated = call(&mut driver, &mut layer, instance, "allocate", &[length]);
    let [Value::I32(address)] = *allocated.values() else {
        panic!("{allocated:?}");
    };
    let mut instance = allocated.instance.unwrap();
    let at = u64::from(address.cast_unsigned());
    instance.memory().write(at, program).unwrap();
    call(
        &mut driver,
        &mut layer,
        instance,
        "run_tests",
        &[address, length],
    )
    .reason
}

#[test]
fn a_guest_runs_the_public_tests() {
    let runtime = runtime();
    let program = sp_virtualization_test_fixture::binary();
    let mut sandboxes = vec![Sandbox::Interpreter];
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        sandboxes.extend([Sandbox::GenericSandbox, Sandbox::ProcessSandbox]);
    }
    for sandbox in sandboxes {
        let ended = run_tests(&runtime, program, sandbox);
        assert_eq!(ended, EndReason::Finished, "{sandbox:?}");
        // A test that fails is seen: no test passes with another program.
        let failed = run_tests(&runtime, b"no program", sandbox);
        assert_eq!(failed, EndReason::Trapped(Trap::Unreachable), "{sandbox:?}");
    }
}
