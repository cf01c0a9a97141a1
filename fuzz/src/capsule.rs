//! Capsules of any bytes. Their checksum is added, so that the fuzzer gets behind it.
//!
//! What decodes has these bytes, and the host stands whatever a replay comes to. A compiler with
//! large slices of gas and an interpreter with tiny ones come to the same.

use std::sync::{Arc, LazyLock};

use fusee_contract::{Capsule, CapsuleOutcome, CapsuleRun, ContractRules, Contracts};
use fusee_engine::{CodeHash, Engine, Gas, Interrupt};
use fusee_engine_polkavm::{Backend, PolkaVmEngine};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::Executor;

/// The highest gas limit of a transaction that is replayed.
const MAX_GAS: Gas = Gas::new(20_000_000);

static ENGINES: LazyLock<[Contracts; 2]> = LazyLock::new(|| {
    let contracts = |wasm: Arc<dyn Engine>, slice| {
        let polkavm = PolkaVmEngine::on(Backend::Interpreter).expect("it works on this machine");
        let builder = Executor::builder(wasm).engine(Arc::new(polkavm));
        let executor = builder.slice(Gas::new(slice)).cache_bytes(16 << 20).build();
        Contracts::without_fallback(Arc::new(executor), ContractRules::v2())
    };
    let wasmtime = WasmtimeEngine::builder().instances(64).build();
    let wasmtime = wasmtime.expect("Wasmtime works on this machine");
    [
        contracts(Arc::new(wasmtime), 1 << 24),
        contracts(Arc::new(WasmiEngine::new()), 97),
    ]
});

/// Decodes the bytes, and replays what they are.
///
/// # Panics
///
/// If anything is not as it must be.
pub fn check(bytes: &[u8]) {
    // Without a checksum, or with a wrong one, nothing decodes.
    let _ =
        Capsule::decode(bytes).map(|capsule| assert_eq!(capsule.encode().as_deref(), Ok(bytes)));
    let sealed = [bytes, CodeHash::of(bytes).as_bytes()].concat();
    let Ok(capsule) = Capsule::decode(&sealed) else {
        return;
    };
    assert_eq!(capsule.encode().as_deref(), Ok(sealed.as_slice()));
    if capsule.subject().gas_limit() > MAX_GAS {
        return;
    }
    let outcomes = ENGINES
        .each_ref()
        .map(|contracts| capsule.replay(contracts, &Interrupt::new()));
    for outcome in &outcomes {
        if let Ok(CapsuleOutcome::Failed(reason)) = outcome {
            assert!(!reason.contains("panic"), "{reason}");
        }
    }
    let [Ok(compiled), Ok(interpreted)] = outcomes else {
        return;
    };
    let is_failed = |outcome: &CapsuleOutcome| matches!(outcome, CapsuleOutcome::Failed(_));
    assert_eq!(is_failed(&compiled), is_failed(&interpreted));
    if !is_failed(&compiled) {
        assert_eq!(compiled, interpreted);
    }
    let [one, other] = ENGINES.each_ref().map(CapsuleRun::Replay);
    assert_eq!(
        capsule.first_difference([one, other], &Interrupt::new()),
        Ok(None)
    );
    let _ = capsule.first_difference([CapsuleRun::Recorded, one], &Interrupt::new());
}
