//! Tests of alarms, raised by ledgers that cannot execute the block of a chain.

use std::num::NonZeroU64;

use clap::Parser as _;
use fusee::{
    chain::{Address, Contracts, DataFolder, StoredBlock},
    engines::{PolkaVmEngine, WasmiEngine, WasmtimeEngine},
    ledger::{
        Block, LedgerRules, Operation, Rulebook, SecretKey, SignedTransaction, TransactionBody,
    },
    sandbox::{CodeHash, Executor, Gas, RunRequest},
};

use super::*;
use crate::{
    args::{Cli, Verb},
    failure::Exit,
    node::events,
    output::{Format, Output},
    verbs,
};

/// A chain of development in a folder, and its executor.
fn begin(folder: &Path) -> (Arc<Chain>, Arc<Executor>) {
    let opened = DataFolder::create(folder, crate::chain::development()).unwrap();
    let compiler = Arc::new(WasmtimeEngine::new().unwrap());
    let executor = Executor::tiered(Arc::new(WasmiEngine::new()), compiler)
        .engine(Arc::new(PolkaVmEngine::new().unwrap()))
        .build_interpreting();
    let contracts = fusee::chain::ContractRules::latest();
    let contracts = crate::engines::on_rules("tiered", &executor, contracts).unwrap();
    let ledger = Ledger::new(crate::chain::rulebook(contracts.it));
    let chain = opened.chain(ledger, opened.options()).unwrap();
    (Arc::new(chain), Arc::clone(executor.executor()))
}

/// Commits the next block.
fn commit(chain: &Chain, transactions: Vec<Vec<u8>>) -> Arc<StoredBlock> {
    let height = chain.tip().unwrap().height().saturating_add(1);
    let block = Block {
        height,
        time: height,
        proposer: Address::new([0; 32]),
        transactions,
        misbehaviour: Vec::new(),
    };
    let verified = chain.verify(block).unwrap();
    let executed = chain.execute(&chain.tip().unwrap(), verified).unwrap();
    chain.commit(chain.seal(executed).unwrap()).unwrap();
    Arc::new(chain.block(height).unwrap())
}

/// Commits an empty block, checks it by a ledger without rules, and returns the folder and what
/// the node was told.
fn raise(on_alarm: OnAlarm) -> (tempfile::TempDir, Arc<Executor>, Option<Event>) {
    let folder = tempfile::tempdir().unwrap();
    let (chain, executor) = begin(folder.path());
    let block = commit(&chain, Vec::new());

    let (events, waiting) = events::wait().unwrap();
    let settings = SelfCheckSettings {
        every: NonZeroU64::MIN,
        on_alarm,
    };
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
    let request = RunRequest::new("run", &[], Gas::new(1_000_000));
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

/// A transaction of a development account.
fn signed(name: &str, nonce: u64, operation: Operation) -> Vec<u8> {
    let key = SecretKey::development(name);
    let body = TransactionBody {
        chain_id: crate::chain::development().parameters.chain_id,
        sender: key.public_key().address(),
        nonce,
        expiry: u64::MAX,
        gas_limit: Gas::new(20_000_000),
        gas_price: 0,
        fee_payer: None,
        operations: vec![operation],
    };
    let rules = LedgerRules::latest().with_development_accounts();
    let authorization = key.sign(&body.id());
    let signed = SignedTransaction::new(body, authorization, None, &rules);
    signed.unwrap().encode()
}

/// A ledger whose engine cannot run programs of wasm.
fn without_wasm() -> Ledger {
    let engine = Arc::new(PolkaVmEngine::new().unwrap());
    let executor = Arc::new(Executor::builder(engine).build());
    let rules = fusee::chain::ContractRules::latest();
    let contracts = Contracts::without_fallback(executor, rules);
    Ledger::new(crate::chain::rulebook(contracts))
}

#[test]
fn capsules_of_the_transactions_concerned_are_written_and_can_be_replayed() {
    const TOKEN: &[u8] = include_bytes!("../../../../../guests/wasm/token.wasm");
    let folder = tempfile::tempdir().unwrap();
    let (chain, executor) = begin(folder.path());
    let deploy = Operation::Deploy {
        code: TOKEN.to_vec(),
        input: 1_000_000_u64.to_le_bytes().to_vec(),
        value: 0,
    };
    let deployed = commit(&chain, vec![signed("alice", 0, deploy)]);
    let alice = Address::of_development_account("alice");
    let bob = Address::of_development_account("bob");
    let send = |to, value| Operation::Transfer { to, value };
    let call = Operation::Call {
        to: Address::of_contract(alice, 0, CodeHash::of(TOKEN)),
        method: "transfer".to_owned(),
        input: [bob.as_bytes(), &250_u64.to_le_bytes()[..]].concat(),
        value: 0,
    };
    let block = commit(
        &chain,
        vec![signed("bob", 0, send(alice, 1)), signed("alice", 1, call)],
    );
    assert_eq!((deployed.results.len(), block.results.len()), (1, 2));
    let (events, _waiting) = events::wait().unwrap();
    let settings = SelfCheckSettings {
        every: NonZeroU64::MIN,
        on_alarm: OnAlarm::Report,
    };
    let other = without_wasm();
    let of = (&chain, &other);
    let check = start(settings, folder.path(), of, &executor, &events).unwrap();
    check.offer(&chain, &block);
    assert_eq!(check.finish().alarms, 1);

    let written = folder.path().join("alarms/2");
    let alarm = fs::read(written.join("alarm.json")).unwrap();
    let alarm: serde_json::Value = serde_json::from_slice(&alarm).unwrap();
    assert_eq!(alarm["transactions"], serde_json::json!([1]), "{alarm}");
    let files = fs::read_dir(&written).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    files.sort();
    // The other engine has no run of it.
    assert_eq!(files, ["1-chain.capsule", "alarm.json"]);
    let capsule = written.join("1-chain.capsule");
    let decoded = Capsule::decode(&fs::read(&capsule).unwrap()).unwrap();
    assert!(decoded.code().any(|(hash, _)| hash == CodeHash::of(TOKEN)));
    // As `fusee replay FILE` does, on every engine: all come to what was recorded.
    let words = ["fusee", "replay", capsule.to_str().unwrap()];
    let Verb::Replay(args) = Cli::parse_from(words).verb else {
        unreachable!("it is the verb that was given");
    };
    let mut output = Output::new(Format::Json, true);
    let exit = verbs::replay::run(&capsule, &args, &mut output).unwrap();
    assert_eq!(exit, Exit::Success);
}
