//! Tests of alarms, raised by a ledger that cannot execute the block of a chain.

use std::num::NonZeroU64;

use fusee::{
    chain::{DataFolder, StoredBlock},
    engines::{PolkaVmEngine, WasmiEngine, WasmtimeEngine},
    ledger::{Block, Rulebook},
    sandbox::{Executor, RunRequest},
};

use super::*;
use crate::node::events;

/// Commits an empty block, checks it by a ledger without rules, and returns the folder and what
/// the node was told.
fn raise(on_alarm: OnAlarm) -> (tempfile::TempDir, Arc<Executor>, Option<Event>) {
    let folder = tempfile::tempdir().unwrap();
    let opened = DataFolder::create(folder.path(), crate::chain::development()).unwrap();
    let compiler = Arc::new(WasmtimeEngine::new().unwrap());
    let executor = Executor::tiered(Arc::new(WasmiEngine::new()), compiler)
        .engine(Arc::new(PolkaVmEngine::new().unwrap()))
        .build_interpreting();
    let contracts = fusee::chain::ContractRules::latest();
    let contracts = crate::engines::on_rules("tiered", &executor, contracts).unwrap();
    let ledger = Ledger::new(crate::chain::rulebook(contracts.it));
    let chain = Arc::new(opened.chain(ledger, opened.options()).unwrap());
    let block = Block {
        height: 1,
        time: 1,
        proposer: fusee::chain::Address::new([0; 32]),
        transactions: Vec::new(),
        misbehaviour: Vec::new(),
    };
    let verified = chain.verify(block).unwrap();
    let executed = chain.execute(&chain.tip().unwrap(), verified).unwrap();
    let sealed = chain.seal(executed).unwrap();
    chain.commit(sealed).unwrap();
    let block: Arc<StoredBlock> = Arc::new(chain.block(1).unwrap());

    let (events, waiting) = events::wait().unwrap();
    let settings = SelfCheckSettings {
        every: NonZeroU64::MIN,
        on_alarm,
    };
    let executor = Arc::clone(executor.executor());
    let without_rules = Ledger::new(Rulebook::new());
    let of = (&chain, &without_rules);
    let check = start(settings, folder.path(), of, &executor, &events).unwrap();
    check.offer(&chain, &block);
    let counts = check.finish();
    assert_eq!((counts.checked, counts.alarms), (1, 1));
    (folder, executor, waiting.next())
}

/// Where a program runs that is compiled.
fn is_interpreted(executor: &Arc<Executor>) -> bool {
    let module = wat::parse_str(r#"(module (func (export "run")))"#).unwrap();
    let rules = fusee::chain::ContractRules::latest();
    let program = executor.prepare(&module, &rules.program).unwrap();
    executor.compile(&program).unwrap();
    let before = executor.run_counts().interpreted;
    let request = RunRequest::new("run", &[], fusee::sandbox::Gas::new(1_000_000));
    executor.instance(&program, &request).unwrap();
    executor.run_counts().interpreted > before
}

#[test]
fn an_alarm_is_written_and_ends_the_node_if_that_is_wanted() {
    let (folder, executor, told) = raise(OnAlarm::Stop);
    assert!(matches!(told, Some(Event::Alarm { height: 1 })), "{told:?}");
    let file = folder.path().join("alarms/1/alarm.json");
    let alarm: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(
        (&alarm["height"], &alarm["difference"]),
        (&1.into(), &"fault".into())
    );
    assert!(!is_interpreted(&executor));
}

#[test]
fn an_alarm_can_leave_the_node_to_the_interpreter() {
    let (_folder, executor, told) = raise(OnAlarm::Interpreter);
    assert!(told.is_none(), "{told:?}");
    assert!(is_interpreted(&executor));
    let (_folder, executor, told) = raise(OnAlarm::Report);
    assert!(told.is_none(), "{told:?}");
    assert!(!is_interpreted(&executor));
}
