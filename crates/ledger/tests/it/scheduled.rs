//! What blocks do by themselves: scheduled calls, migrations, and rules from a height on.

use fusee_contract::{
    Address, ContractRules, ContractRulesId, DebugLog, Inspector, Rejection, Status,
};
use fusee_engine::Gas;
use fusee_ledger::{
    Activation, Ledger, LedgerError, LedgerRules, LedgerRulesId, Parameters, Phase, ScheduledCall,
    Unknown,
};

use crate::{
    chain::{
        COUNTER, Chain, FUNDS, account, call, deploy, deployed, fails, interpreted, ledgers,
        operations, proposer, transfer,
    },
    chain_samples::parameters,
};

fn scheduled(phase: Phase, every: u64, to: Address, method: &str) -> ScheduledCall {
    ScheduledCall {
        phase,
        every: every.try_into().unwrap(),
        to,
        method: method.to_owned(),
        input: Vec::new(),
        gas: Gas::new(100_000),
        updates_parameters: false,
    }
}

fn with_calls(calls: Vec<ScheduledCall>) -> Parameters {
    Parameters {
        calls,
        ..parameters()
    }
}

#[test]
fn scheduled_calls_run_every_nth_block() {
    let counter = deployed(1, 0, COUNTER);
    let parameters = with_calls(vec![
        scheduled(Phase::End, 2, counter, "increment"),
        scheduled(Phase::Begin, 3, counter, "increment"),
    ]);
    let mut chain = Chain::new(ledgers(&["wasmi", "wasmtime"]), parameters);
    chain.run(vec![operations(1, 0, vec![deploy(COUNTER, &[])])]);
    let counts: Vec<_> = (2..=7)
        .map(|_| {
            let block = chain.next(Vec::new());
            let calls = chain.commit(block).calls;
            assert!(
                calls
                    .iter()
                    .all(|call| call.receipt.status == Status::Success)
            );
            (calls.iter().map(|call| call.index).collect::<Vec<_>>(), {
                let count = chain.stored(counter, b"count").unwrap();
                u64::from_le_bytes(count.try_into().unwrap())
            })
        })
        .collect();
    let expected: [(&[u32], u64); 6] = [
        (&[0], 1),
        (&[1], 2),
        (&[0], 3),
        (&[], 3),
        (&[1, 0], 5),
        (&[], 5),
    ];
    assert_eq!(
        counts,
        expected.map(|(calls, count)| (calls.to_vec(), count))
    );
    // Nobody pays for it.
    assert_eq!(chain.blocks.last().unwrap().1.gas_used, Gas::ZERO);
}

/// Calls of the beginning run before the transactions of a block, calls of its end after them.
#[test]
fn scheduled_calls_have_their_place() {
    let counter = deployed(1, 0, COUNTER);
    let parameters = with_calls(vec![
        scheduled(Phase::End, 1, counter, "increment"),
        scheduled(Phase::Begin, 1, counter, "increment"),
    ]);
    let mut chain = Chain::new(interpreted(), parameters);
    chain.run(vec![operations(1, 0, vec![deploy(COUNTER, &[])])]);
    let count = call(counter, "increment", &[], 0);
    let block = chain.next(vec![operations(2, 0, vec![count])]);
    let finalized = chain.commit(block);
    let output = |receipt: &fusee_contract::Receipt| receipt.output[0];
    let calls: Vec<_> = finalized
        .calls
        .iter()
        .map(|it| output(&it.receipt))
        .collect();
    // 1 is that of the end of the block before.
    assert_eq!(calls, [2, 4]);
    assert_eq!(output(&finalized.transactions[0].result.receipts[0]), 3);
    let phases: Vec<_> = finalized.calls.iter().map(|it| it.phase).collect();
    assert_eq!(phases, [Phase::Begin, Phase::End]);
}

#[test]
fn a_scheduled_call_that_fails_changes_nothing_and_the_block_goes_on() {
    let contract = deployed(1, 0, &fails());
    let methods = ["traps", "spins", "nothing", "works"];
    let calls = methods.map(|method| scheduled(Phase::Begin, 1, contract, method));
    let mut chain = Chain::new(ledgers(&["wasmi", "wasmtime"]), with_calls(calls.to_vec()));
    let block = chain.next(vec![operations(1, 0, vec![deploy(&fails(), &[])])]);
    let early = chain.commit(block);
    let unknown = Status::Rejected(Rejection::UnknownAddress);
    assert!(
        early
            .calls
            .iter()
            .all(|call| call.receipt.status == unknown)
    );
    let block = chain.next(vec![transfer(2, 0)]);
    let finalized = chain.commit(block);
    let statuses: Vec<_> = finalized.calls.iter().map(|it| it.receipt.status).collect();
    let [traps, spins, nothing, works] = statuses[..] else {
        panic!("{statuses:?}")
    };
    assert!(matches!(traps, Status::Trapped(_)));
    assert_eq!(spins, Status::OutOfGas);
    assert_eq!(finalized.calls[1].receipt.gas_used, Gas::new(100_000));
    assert_eq!(nothing, Status::Rejected(Rejection::UnknownMethod));
    assert_eq!(works, Status::Success);
    // Nine bytes, of the one that works.
    assert_eq!(chain.stored(contract, &[0]).unwrap().len(), 9);
    assert_eq!(finalized.transactions[0].result.code, 0);
}

/// A trace and a debug log are of the transactions, whatever the block does by itself.
#[test]
fn scheduled_calls_are_not_observed() {
    let logs = wat::parse_str(
        r#"(module
            (import "fusee" "debug_log" (func $log (param i32 i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "transaction")
            (data (i32.const 16) "scheduled")
            (func (export "transaction") (call $log (i32.const 0) (i32.const 11)))
            (func (export "scheduled") (call $log (i32.const 16) (i32.const 9))))"#,
    )
    .unwrap();
    let contract = deployed(1, 0, &logs);
    let mut parameters = with_calls(vec![
        scheduled(Phase::Begin, 1, contract, "scheduled"),
        scheduled(Phase::End, 1, contract, "scheduled"),
        // Refused before it runs.
        ScheduledCall {
            method: "m".repeat(100_000),
            ..scheduled(Phase::End, 1, contract, "")
        },
    ]);
    parameters.activations[0].contract_rules = ContractRules::v2().id();
    let mut chain = Chain::new(interpreted(), parameters);
    chain.run(vec![operations(1, 0, vec![deploy(&logs, &[])])]);
    let call = call(contract, "transaction", &[], 0);
    let block = chain.next(vec![operations(2, 0, vec![call])]);
    let expected = chain.finalize(&block).unwrap();
    assert_eq!(expected.calls[1].receipt.status, Status::Success);

    let (log, inspector) = (DebugLog::new(10_000), Inspector::new(10_000).by_function());
    let rulebook = chain.ledger().rulebook();
    let contracts = rulebook.at(&chain.genesis.parameters, 2).unwrap().contracts;
    let contracts = contracts
        .debug_log(log.clone())
        .inspector(inspector.clone());
    let observed = Ledger::new(rulebook.clone().with_contracts(contracts));
    assert_eq!(observed.finalize(chain.reader(), &block).unwrap(), expected);
    let frames = inspector.trace().frames;
    let methods: Vec<_> = frames.iter().map(|frame| frame.method.as_str()).collect();
    assert_eq!(methods, ["transaction"]);
    let lines = log.lines();
    let lines: Vec<_> = lines.iter().map(|line| line.text.as_slice()).collect();
    assert_eq!(lines, [b"transaction"]);
}

/// Fees are credited before the calls at the end of a block, which can see them.
#[test]
fn calls_at_the_end_see_the_fees() {
    let tells = wat::parse_str(
        r#"(module
            (import "fusee" "balance" (func $balance (param i32 i32)))
            (import "fusee" "self_address" (func $self (param i32)))
            (import "fusee" "output_write" (func $output (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "tells")
                (call $self (i32.const 0))
                (call $balance (i32.const 0) (i32.const 32))
                (call $output (i32.const 32) (i32.const 16))))"#,
    )
    .unwrap();
    let contract = deployed(1, 0, &tells);
    let mut parameters = with_calls(vec![scheduled(Phase::End, 1, contract, "tells")]);
    parameters.payment = fusee_ledger::Payment::Fees {
        minimum_price: 1,
        destination: fusee_ledger::FeeDestination::Treasury(contract),
    };
    let mut chain = Chain::new(interpreted(), parameters);
    let block = chain.next(vec![operations(1, 0, vec![deploy(&tells, &[])])]);
    let receipt = chain.commit(block).calls[0].receipt.clone();
    assert_eq!(receipt.status, Status::Success);
    let (_, header) = &chain.blocks[0];
    assert!(header.fees > 0);
    assert_eq!(receipt.output, header.fees.to_le_bytes());
}

fn activation(height: u64, contracts: ContractRules, migration: Option<&str>) -> Activation {
    Activation {
        height,
        ledger_rules: LedgerRules::v1().id(),
        contract_rules: contracts.id(),
        migration: migration.map(str::to_owned),
    }
}

fn with_activation(activation: Activation) -> Chain {
    let mut parameters = parameters();
    parameters.activations.push(activation);
    Chain::new(interpreted(), parameters)
}

#[test]
fn rules_hold_from_their_height_on_and_old_blocks_replay() {
    let mut chain = with_activation(activation(3, ContractRules::v2(), None));
    let remove = |nonce| {
        let code = [1; 32];
        operations(1, nonce, vec![fusee_ledger::Operation::RemoveCode { code }])
    };
    assert_eq!(chain.codes(vec![remove(0)]), [106]);
    assert_eq!(chain.codes(vec![remove(0), transfer(2, 0)]), [106, 0]);
    assert_eq!(chain.codes(vec![remove(0), transfer(2, 1)]), [0, 0]);
    let ids: Vec<_> = chain
        .blocks
        .iter()
        .map(|(_, header)| header.contract_rules)
        .collect();
    let (v1, v2) = (ContractRules::v1().id(), ContractRules::v2().id());
    assert_eq!(ids, [v1, v1, v2]);
    chain.replay(ledgers(&["wasmtime", "wasmi, tiny slices"]));
}

#[test]
fn a_migration_runs_once_before_everything_else() {
    let mut chain = with_activation(activation(2, ContractRules::v1(), Some("halve")));
    chain.run(Vec::new());
    assert_eq!(chain.balance(account(1)), FUNDS);
    let outcomes = chain.run(vec![transfer(1, 0)]);
    let fee = outcomes[0].result.fee;
    assert_eq!(chain.balance(account(1)), FUNDS / 2 - 250 - fee);
    chain.run(Vec::new());
    assert_eq!(chain.balance(account(1)), FUNDS / 2 - 250 - fee);
    assert_eq!(chain.balance(proposer()), fee);
    chain.replay(interpreted());
}

#[test]
fn a_program_stops_before_a_height_whose_rules_it_does_not_have() {
    let stops = |activation: Activation, expected: Unknown, message: &str| {
        let mut chain = with_activation(activation);
        chain.run(vec![transfer(1, 0)]);
        let block = chain.next(vec![transfer(1, 1)]);
        let ledger = chain.ledger();
        let errors = [
            ledger.finalize(chain.reader(), &block).unwrap_err(),
            ledger.process(chain.reader(), &block).unwrap_err(),
            ledger.prepare(chain.reader(), block, 1_000).unwrap_err(),
            ledger.check(&chain.reader(), &[], 0).unwrap_err(),
        ];
        for error in errors {
            let text = error.to_string();
            let LedgerError::Unknown { height: 2, source } = error else {
                panic!("{error:?}")
            };
            assert_eq!(source, expected);
            assert!(text.contains(message), "{text}");
        }
    };
    let known = || activation(2, ContractRules::v1(), None);
    let id = LedgerRulesId::from_bytes([9; 32]);
    let unknown = Activation {
        ledger_rules: id,
        ..known()
    };
    let message = "stops before height 2: it does not have the ledger rules 0909";
    stops(unknown, Unknown::LedgerRules(id), message);
    let id = ContractRulesId::from_bytes([8; 32]);
    let unknown = Activation {
        contract_rules: id,
        ..known()
    };
    stops(
        unknown,
        Unknown::ContractRules(id),
        "the contract rules 0808",
    );
    let unknown = activation(2, ContractRules::v1(), Some("later"));
    let expected = Unknown::Migration("later".to_owned());
    stops(unknown, expected, "the migration `later`");
}

#[test]
fn a_migration_that_fails_stops_the_chain() {
    let mut chain = with_activation(activation(2, ContractRules::v1(), Some("fail")));
    chain.run(Vec::new());
    let error = chain.finalize(&chain.next(Vec::new())).unwrap_err();
    assert_eq!(error.to_string(), "the migration `fail` of height 2 failed");
}
