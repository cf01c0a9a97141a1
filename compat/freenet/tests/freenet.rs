//! Contracts and delegates with the real `freenet-stdlib` on every engine, as a node runs them.
//!
//! The guests are built by cargo for `wasm32-unknown-unknown`. Where that target is not installed,
//! the tests say that they are skipped.

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn, ready},
    path::{Path, PathBuf},
    pin::pin,
    process::Command,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use chrono::{DateTime, Utc};
use freenet_stdlib::prelude::{
    ApplicationMessage, CodeHash, InboundDelegateMsg, OutboundDelegateMsg, RelatedContracts, State,
    StateDelta, UpdateData, ValidateResult, error_codes,
};
use fusee::{
    engines::{AddressSpace, WasmiEngine, WasmtimeEngine},
    lifecycle::WhenFull,
    sandbox::{Executor, Gas, Trap},
};
use fusee_compat_freenet::{Config, Error, Instance, Later, NATIVE_STACK_BYTES, Node, Runtime};

/// The programs of the guests, built once. `None` if this machine cannot build them.
fn guests() -> Option<&'static [Vec<u8>; 2]> {
    static GUESTS: OnceLock<Option<[Vec<u8>; 2]>> = OnceLock::new();
    GUESTS.get_or_init(build).as_ref()
}

const TARGET: &str = "wasm32-unknown-unknown";

fn build() -> Option<[Vec<u8>; 2]> {
    let libraries = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .expect("there is rustc");
    let libraries = String::from_utf8_lossy(&libraries.stdout).trim().to_owned();
    if !Path::new(&libraries).exists() {
        eprintln!("SKIPPED: the guests of Freenet need `rustup target add {TARGET}`");
        return None;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--target", TARGET])
        .args([
            "--package",
            "freenet-contract",
            "--package",
            "freenet-delegate",
        ])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .arg("--target-dir")
        .arg(&folder)
        .status()
        .expect("there is cargo");
    assert!(built.success(), "the guests do not build");
    let read = |name| {
        let file = folder.join(TARGET).join("release").join(name);
        std::fs::read(file).expect("the guest was built")
    };
    Some(["freenet_contract.wasm", "freenet_delegate.wasm"].map(read))
}

/// A node that keeps everything in memory, and takes a moment to fetch a state.
#[derive(Default)]
struct MemoryNode {
    secrets: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    states: Mutex<BTreeMap<[u8; 32], Vec<u8>>>,
    subscribed: Mutex<Vec<[u8; 32]>>,
    now: Mutex<Option<DateTime<Utc>>>,
    random_pieces: AtomicU8,
    fetching: AtomicUsize,
    most_fetching: AtomicUsize,
}

impl Node for MemoryNode {
    fn secret(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.secrets.lock().unwrap().get(key).cloned()
    }

    fn set_secret(&self, key: &[u8], secret: &[u8]) -> bool {
        let mut secrets = self.secrets.lock().unwrap();
        secrets.insert(key.to_vec(), secret.to_vec());
        true
    }

    fn remove_secret(&self, key: &[u8]) -> bool {
        self.secrets.lock().unwrap().remove(key).is_some()
    }

    fn secret_keys(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let secrets = self.secrets.lock().unwrap();
        let keys = secrets.keys().filter(|key| key.starts_with(prefix));
        keys.cloned().collect()
    }

    fn put_contract_state(&self, id: [u8; 32], state: Vec<u8>) -> Later<'_, Result<(), i32>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if id == [0; 32] {
                return Err(error_codes::ERR_CONTRACT_CODE_NOT_REGISTERED);
            }
            self.states.lock().unwrap().insert(id, state);
            Ok(())
        })
    }

    fn update_contract_state(&self, id: [u8; 32], state: Vec<u8>) -> Later<'_, Result<(), i32>> {
        let is_stored = self.states.lock().unwrap().contains_key(&id);
        match is_stored {
            true => self.put_contract_state(id, state),
            false => Box::pin(ready(Err(error_codes::ERR_CONTRACT_NOT_FOUND))),
        }
    }

    fn subscribe_contract(&self, id: [u8; 32]) -> Later<'_, Result<(), i32>> {
        let is_stored = self.states.lock().unwrap().contains_key(&id);
        Box::pin(ready(match is_stored {
            true => {
                self.subscribed.lock().unwrap().push(id);
                Ok(())
            }
            false => Err(error_codes::ERR_CONTRACT_NOT_FOUND),
        }))
    }

    fn now(&self) -> DateTime<Utc> {
        self.now.lock().unwrap().unwrap_or_default()
    }

    /// Each piece that is asked for has its number.
    fn random(&self, buffer: &mut [u8]) {
        buffer.fill(self.random_pieces.fetch_add(1, Ordering::SeqCst));
    }

    /// A contract's state is its id, twice.
    fn contract_state(&self, id: [u8; 32]) -> Later<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let fetching = self.fetching.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_fetching.fetch_max(fetching, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.fetching.fetch_sub(1, Ordering::SeqCst);
            (id != [0; 32]).then(|| id.repeat(2))
        })
    }

    fn create_delegate(&self, wasm: &[u8], params: &[u8]) -> Result<[[u8; 32]; 2], i32> {
        let hash = *CodeHash::from_code(wasm);
        let key = *CodeHash::from_code(&[&hash, params].concat());
        Ok([key, hash])
    }
}

/// A runtime on every engine, and on Wasmtime where there is little address space.
fn runtimes(config: Config) -> Vec<(&'static str, Runtime, Arc<MemoryNode>)> {
    let wasmtime = |address_space| {
        let engine = WasmtimeEngine::builder()
            .address_space(address_space)
            .instances(100)
            .guest_stack_bytes(NATIVE_STACK_BYTES);
        Executor::builder(Arc::new(engine.build().unwrap())).build()
    };
    let executors = [
        ("wasmtime", wasmtime(AddressSpace::Ample)),
        ("wasmtime, unreserved", wasmtime(AddressSpace::Scarce)),
        (
            "wasmi",
            Executor::builder(Arc::new(WasmiEngine::new())).build(),
        ),
    ];
    executors
        .map(|(name, executor)| {
            let node = Arc::new(MemoryNode::default());
            let it: Arc<dyn Node> = node.clone();
            (
                name,
                Runtime::new(Arc::new(executor), it, config).unwrap(),
                node,
            )
        })
        .into()
}

const PATIENT: Config = Config {
    memory_pages: 4_096,
    call_time: Duration::from_secs(120),
    gas: Gas::MAX,
    workers: 1,
};

fn contract(runtime: &Runtime) -> Option<Instance> {
    let [contract, _] = guests()?;
    let module = runtime.compile(contract).unwrap();
    assert!(!module.needs_async());
    Some(runtime.create_instance(&module, 7, 0).unwrap())
}

/// A state of so many bytes that the contract finds valid.
fn valid(length: usize) -> Vec<u8> {
    let mut state: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
    if let Some((last, others)) = state.split_last_mut() {
        *last = others
            .iter()
            .fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
    }
    state
}

#[test]
fn contracts_validate_states_of_any_size_alike_on_every_engine() {
    for length in [0, 1, 65_531, 65_532, 65_533, 131_072, 1 << 20, 50_000_000] {
        let state = valid(length);
        let mut invalid = state.clone();
        if let Some(last) = invalid.last_mut() {
            *last = last.wrapping_add(1);
        }
        let mut used = Vec::new();
        for (engine, runtime, _) in runtimes(PATIENT) {
            let Some(mut contract) = contract(&runtime) else {
                return;
            };
            let related = RelatedContracts::new();
            let result = contract.validate_state(b"", &state, &related);
            assert_eq!(
                result.unwrap().unwrap(),
                ValidateResult::Valid,
                "{engine}, {length}"
            );
            if length < 50_000_000 {
                let result = contract
                    .validate_state(b"", &invalid, &related)
                    .unwrap()
                    .unwrap();
                assert_eq!(
                    result == ValidateResult::Valid,
                    length == 0,
                    "{engine}, {length}"
                );
            }
            used.push(contract.gas_used());
        }
        assert!(used.iter().all(|gas| *gas == used[0]), "{length}: {used:?}");
    }
}

/// Freenet's engine has room for 65,513 small frames.
#[test]
fn a_contract_calls_itself_as_often_as_on_freenet_s_engine() {
    let mut used = Vec::new();
    for (engine, runtime, _) in runtimes(PATIENT) {
        let Some(mut contract) = contract(&runtime) else {
            return;
        };
        let related = RelatedContracts::new();
        let result = contract.validate_state(b"deep", &valid(9), &related);
        assert_eq!(result.unwrap().unwrap(), ValidateResult::Valid, "{engine}");
        used.push(contract.gas_used());
    }
    assert!(used.iter().all(|gas| *gas == used[0]), "{used:?}");
}

#[test]
fn contracts_update_summarize_and_tell_deltas() {
    for (engine, runtime, _) in runtimes(PATIENT) {
        let Some(mut contract) = contract(&runtime) else {
            return;
        };
        let state = valid(2_000_000);
        let updates = [
            UpdateData::State(State::from(state.clone())),
            UpdateData::Delta(StateDelta::from(b"more".to_vec())),
        ];
        let updated = contract
            .update_state(b"", b"old", &updates)
            .unwrap()
            .unwrap();
        let updated = updated.unwrap_valid();
        assert_eq!(
            updated.as_ref(),
            [&state, b"more".as_slice()].concat(),
            "{engine}"
        );
        let summary = contract.summarize_state(b"", &state).unwrap().unwrap();
        let delta = contract.state_delta(b"", updated.as_ref(), summary.as_ref());
        assert_eq!(delta.unwrap().unwrap().as_ref(), b"more", "{engine}");
    }
}

#[test]
fn a_contract_that_spins_is_timed_out() {
    let config = Config {
        call_time: Duration::from_millis(100),
        ..Config::default()
    };
    for (engine, runtime, _) in runtimes(config) {
        let Some(mut contract) = contract(&runtime) else {
            return;
        };
        let end = contract.validate_state(b"spin", b"", &RelatedContracts::new());
        assert!(matches!(end, Err(Error::Timeout)), "{engine}: {end:?}");
    }
}

#[test]
fn a_contract_has_the_memory_of_its_limit_and_no_more() {
    let config = Config {
        memory_pages: 256,
        ..PATIENT
    };
    for (engine, runtime, _) in runtimes(config) {
        let Some(mut contract) = contract(&runtime) else {
            return;
        };
        let end = contract.validate_state(b"hog", b"", &RelatedContracts::new());
        let Err(Error::Runtime(fault)) = &end else {
            panic!("{engine}: {end:?}");
        };
        let trap = fusee::lifecycle::GuestFault::Trapped(Trap::Unreachable);
        assert_eq!(*fault, trap, "{engine}");
        let module = runtime.compile(&guests().unwrap()[0]).unwrap();
        let end = runtime
            .create_instance(&module, 1, (256 << 16) + 1)
            .map(drop);
        assert!(matches!(end, Err(Error::Memory(_))), "{engine}: {end:?}");
    }
}

#[test]
fn a_contract_without_gas_says_so() {
    let config = Config {
        gas: Gas::new(20_000_000),
        ..PATIENT
    };
    for (engine, runtime, _) in runtimes(config) {
        let Some(mut contract) = contract(&runtime) else {
            return;
        };
        let end = contract.validate_state(b"spin", b"", &RelatedContracts::new());
        assert!(matches!(end, Err(Error::OutOfGas)), "{engine}: {end:?}");
    }
}

/// What a delegate answers to a message.
fn ask(delegate: &mut Instance, payload: &[u8]) -> Result<Vec<u8>, String> {
    let message = ApplicationMessage::new(payload.to_vec());
    let message = InboundDelegateMsg::ApplicationMessage(message);
    let result = delegate.process(b"parameters", None, &message);
    let answers = result.map_err(|error| format!("{error:?}"))?;
    let answers = answers.map_err(|error| error.to_string())?;
    match answers.as_slice() {
        [OutboundDelegateMsg::ApplicationMessage(answer)] => Ok(answer.payload.clone()),
        other => Err(format!("{other:?}")),
    }
}

fn delegate(runtime: &Runtime) -> Option<Instance> {
    let [_, delegate] = guests()?;
    let module = runtime.compile(delegate).unwrap();
    assert!(module.needs_async());
    Some(runtime.create_instance(&module, 1, 0).unwrap())
}

#[test]
fn delegates_keep_secrets_and_create_delegates() {
    for (engine, runtime, node) in runtimes(PATIENT) {
        let Some(mut delegate) = delegate(&runtime) else {
            return;
        };
        assert_eq!(
            ask(&mut delegate, b"ssecret").unwrap(),
            b"secret",
            "{engine}"
        );
        assert_eq!(node.secret(b"parameters").unwrap(), b"secret", "{engine}");
        let made = ask(&mut delegate, b"cwasm").unwrap();
        let expected = node
            .create_delegate(b"wasm", b"parameters")
            .unwrap()
            .concat();
        assert_eq!(made, expected, "{engine}");
        assert!(
            ask(&mut delegate, b"x").unwrap_err().contains("unknown"),
            "{engine}"
        );
    }
}

#[test]
fn delegates_list_their_secrets_by_a_prefix() {
    for (engine, runtime, _) in runtimes(PATIENT) {
        let Some(mut delegate) = delegate(&runtime) else {
            return;
        };
        assert_eq!(ask(&mut delegate, b"kb1").unwrap(), b"b1", "{engine}");
        assert_eq!(ask(&mut delegate, b"ka1").unwrap(), b"a1", "{engine}");
        assert_eq!(ask(&mut delegate, b"ka2").unwrap(), b"a1,a2", "{engine}");
    }
}

#[test]
fn delegates_put_update_and_watch_the_states_of_contracts() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let _entered = tokio.enter();
    for (engine, runtime, node) in runtimes(PATIENT) {
        let Some(mut delegate) = delegate(&runtime) else {
            return;
        };
        let mut asks = |what: u8, id: u8, state: &[u8]| {
            let message = [&[what], [id; 32].as_slice(), state].concat();
            ask(&mut delegate, &message).unwrap()
        };
        for what in *b"uw" {
            assert_eq!(asks(what, 1, b""), [0], "{engine}: nothing is there");
        }
        assert_eq!(
            asks(b'p', 0, b"state"),
            [0],
            "{engine}: the code is unknown"
        );
        let large = vec![7; 200_000];
        assert_eq!(asks(b'p', 1, &large), [1], "{engine}");
        assert_eq!(node.states.lock().unwrap()[&[1; 32]], large, "{engine}");
        assert_eq!(asks(b'u', 1, b"next"), [1], "{engine}");
        assert_eq!(node.states.lock().unwrap()[&[1; 32]], b"next", "{engine}");
        assert_eq!(asks(b'w', 1, b""), [1], "{engine}");
        assert_eq!(*node.subscribed.lock().unwrap(), [[1; 32]], "{engine}");
    }
}

#[test]
fn guests_are_told_the_time_that_the_node_says() {
    let times = [
        // Years that begin on each day of the week, common and leap, with the last days of both.
        "1970-01-01T00:00:00+00:00",
        "1999-12-31T23:59:59.999999999+00:00",
        "2000-12-31T12:00:00+00:00",
        "2015-02-28T01:02:03+00:00",
        "2016-02-29T01:02:03+00:00",
        "2017-03-01T01:02:03.000000001+00:00",
        "2018-04-05T06:07:08+00:00",
        "2019-05-06T07:08:09+00:00",
        "2020-12-31T23:59:59+00:00",
        "2021-01-01T00:00:00+00:00",
        "2022-06-07T08:09:10+00:00",
        "2024-02-29T10:20:30.123456789+00:00",
        "2026-11-23T07:22:00+00:00",
        "2100-03-01T00:00:00+00:00",
    ];
    for (engine, runtime, node) in runtimes(PATIENT) {
        let Some(mut delegate) = delegate(&runtime) else {
            return;
        };
        for time in times {
            let time: DateTime<Utc> = time.parse().unwrap();
            *node.now.lock().unwrap() = Some(time);
            let told = String::from_utf8(ask(&mut delegate, b"t").unwrap()).unwrap();
            assert_eq!(told, format!("{time:?}"), "{engine}");
        }
    }
}

#[test]
fn guests_have_the_random_bytes_of_the_node() {
    for (engine, runtime, node) in runtimes(PATIENT) {
        let Some(mut delegate) = delegate(&runtime) else {
            return;
        };
        let mut asks = |count: u32| {
            node.random_pieces.store(1, Ordering::SeqCst);
            ask(
                &mut delegate,
                &[b"r", count.to_le_bytes().as_slice()].concat(),
            )
        };
        assert_eq!(asks(0).unwrap(), b"", "{engine}");
        assert_eq!(asks(32).unwrap(), [1; 32], "{engine}");
        let expected = [[1; 4_096].as_slice(), &[2; 4_096], &[3; 1_808]].concat();
        assert_eq!(asks(10_000).unwrap(), expected, "{engine}");
    }
}

#[test]
fn fifty_tasks_wait_for_the_states_of_contracts_at_once() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    for (engine, runtime, node) in runtimes(PATIENT) {
        if guests().is_none() {
            return;
        }
        let tasks = (1..=50_u8).map(|id| {
            let runtime = runtime.clone();
            tokio.spawn_blocking(move || {
                let mut delegate = delegate(&runtime).unwrap();
                ask(&mut delegate, &[b"g".as_slice(), &[id; 32]].concat()).unwrap()
            })
        });
        let tasks: Vec<_> = tasks.collect();
        for (id, task) in (1..).zip(tasks) {
            assert_eq!(tokio.block_on(task).unwrap(), [id; 64], "{engine}");
        }
        assert!(node.most_fetching.load(Ordering::SeqCst) > 10, "{engine}");
        let missing = tokio.block_on(async {
            let runtime = runtime.clone();
            let none = move || {
                ask(
                    &mut delegate(&runtime).unwrap(),
                    &[b"g", [0; 32].as_slice()].concat(),
                )
            };
            tokio::task::spawn_blocking(none).await.unwrap()
        });
        assert!(missing.unwrap_err().contains("refused"), "{engine}");
    }
}

#[test]
fn steps_on_a_worker_are_cancelled_when_nobody_waits_for_them() {
    for (engine, runtime, _) in runtimes(PATIENT) {
        if guests().is_none() {
            return;
        }
        let steps = |params: &'static [u8]| {
            let runtime = runtime.clone();
            move || {
                let mut contract = contract(&runtime).unwrap();
                contract.validate_state(params, b"", &RelatedContracts::new())
            }
        };
        let tokio = tokio::runtime::Runtime::new().unwrap();
        tokio.block_on(async {
            let mut spins = Box::pin(runtime.sandbox().on_worker(WhenFull::Wait, steps(b"spin")));
            poll_fn(|context| {
                assert!(spins.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            while runtime.sandbox().health().busy == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            drop(spins);
            // The only worker serves others at once.
            let next = pin!(runtime.sandbox().on_worker(WhenFull::Wait, steps(b"")));
            let next = tokio::time::timeout(Duration::from_secs(60), next).await;
            let valid = next.expect("the worker is free").unwrap().unwrap().unwrap();
            assert_eq!(valid, ValidateResult::Valid, "{engine}");
        });
    }
}

#[test]
fn programs_are_compiled_on_a_worker() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    for (engine, runtime, _) in runtimes(PATIENT) {
        let Some([contract, _]) = guests() else {
            return;
        };
        let module = tokio
            .block_on(runtime.compile_on_worker(contract.clone()))
            .unwrap();
        assert!(module.export("validate_state").is_some(), "{engine}");
        let refused = tokio.block_on(runtime.compile_on_worker(b"no wasm".to_vec()));
        assert!(matches!(refused, Err(Error::Compile(_))), "{engine}");
    }
}
