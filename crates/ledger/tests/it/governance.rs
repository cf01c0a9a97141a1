//! Parameters that a contract decides about.

use fusee_contract::{ContractRules, Status};
use fusee_engine::Gas;
use fusee_ledger::{
    Activation, CallResult, LedgerRules, MAX_VOTING_POWER, ParameterUpdate, Parameters, Phase,
    ScheduledCall, Validator,
};

use crate::{
    chain::{Chain, call, changed, deploy, deployed, interpreted, ledgers, operations, transfer},
    chain_samples::{parameters, validator},
};

/// Stores what is proposed, and decides for it in the next block.
const COUNCIL: &str = r#"(module
    (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
    (import "fusee" "output_write" (func $output (param i32 i32)))
    (import "fusee" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
    (import "fusee" "event_emit" (func $emit (param i32 i32 i32 i32)))
    (memory (export "memory") 1)
    (func (export "propose")
        (local $bytes i32)
        (local.set $bytes (call $input (i32.const 16) (i32.const 4096)))
        (call $write (i32.const 0) (i32.const 1) (i32.const 16) (local.get $bytes)))
    (func (export "decide")
        (local $bytes i32)
        (local.set $bytes (call $read (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 4096)))
        (if (i32.gt_s (local.get $bytes) (i32.const 0)) (then
            (call $output (i32.const 16) (local.get $bytes))
            (call $emit (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))
            (call $write (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 0))))))"#;

/// A chain with a council, which decides at the beginning of each block.
fn chain(updates_parameters: bool) -> (Chain, fusee_contract::Address) {
    let code = wat::parse_str(COUNCIL).unwrap();
    let council = deployed(1, 0, &code);
    let mut parameters = parameters();
    parameters.calls.push(ScheduledCall {
        phase: Phase::Begin,
        every: 1.try_into().unwrap(),
        to: council,
        method: "decide".to_owned(),
        input: Vec::new(),
        gas: Gas::new(1_000_000),
        updates_parameters,
    });
    let mut chain = Chain::new(ledgers(&["wasmi", "wasmtime"]), parameters);
    chain.run(vec![operations(1, 0, vec![deploy(&code, &[])])]);
    (chain, council)
}

/// Proposes bytes in one block, and returns the result of the decision in the next one, which also
/// has a transaction.
fn decide(chain: &mut Chain, council: fusee_contract::Address, bytes: &[u8]) -> CallResult {
    let nonce = chain.nonce(crate::chain::account(1));
    let propose = call(council, "propose", bytes, 0);
    let outcomes = chain.run(vec![operations(1, nonce, vec![propose])]);
    assert_eq!(outcomes[0].result.status(), Some(Status::Success));
    let nonce = chain.nonce(crate::chain::account(2));
    let block = chain.next(vec![transfer(2, nonce)]);
    let finalized = chain.commit(block);
    assert_eq!(finalized.transactions[0].result.code, 0);
    finalized.calls[0].clone()
}

fn current(chain: &Chain) -> Parameters {
    Parameters::read(&*chain.state).unwrap()
}

#[test]
fn a_decision_holds_from_the_next_block_on() {
    let (mut chain, council) = chain(true);
    let mut next = current(&chain);
    next.payment = fusee_ledger::Payment::Fees {
        minimum_price: 2,
        destination: fusee_ledger::FeeDestination::Burned,
    };
    next.activations.push(Activation {
        height: 5,
        ledger_rules: LedgerRules::v1().id(),
        contract_rules: ContractRules::v2().id(),
        migration: Some("halve".to_owned()),
    });
    // The block of the decision has a transaction at the old price.
    let decision = decide(&mut chain, council, &next.encode());
    assert_eq!(decision.update, ParameterUpdate::Applied);
    assert_eq!(decision.receipt.events.len(), 1);
    assert_eq!(current(&chain), next);
    let dear = changed(2, 1, |body| body.gas_price = 2);
    assert_eq!(chain.codes(vec![transfer(2, 1), dear]), [23, 0]);
    let before = chain.balance(crate::chain::account(4));
    assert_eq!(before, crate::chain::FUNDS);
    let funds = chain.balance(crate::chain::account(1));
    chain.run(Vec::new());
    assert_eq!(chain.balance(crate::chain::account(1)), funds / 2);
    let rules = chain.blocks.iter().map(|(_, header)| header.contract_rules);
    let (v1, v2) = (ContractRules::v1().id(), ContractRules::v2().id());
    assert_eq!(rules.collect::<Vec<_>>(), [v1, v1, v1, v1, v2]);
    chain.replay(interpreted());
}

#[test]
fn decisions_that_the_chain_cannot_follow_change_nothing() {
    let (mut chain, council) = chain(true);
    let before = current(&chain);
    let changed = |change: &dyn Fn(&mut Parameters)| {
        let mut next = before.clone();
        change(&mut next);
        next.encode()
    };
    let later = Activation {
        height: 3,
        ledger_rules: LedgerRules::v1().id(),
        ..before.activations[0].clone()
    };
    for bytes in [
        vec![1, 2, 3],
        [before.encode(), vec![0]].concat(),
        changed(&|next| next.chain_id = "other".to_owned()),
        changed(&|next| next.limits.bytes = 0),
        changed(&|next| next.activations[0].migration = Some("halve".to_owned())),
        changed(&|next| next.activations[0].contract_rules = ContractRules::v2().id()),
        // The block of the decision has height 3.
        changed(&|next| next.activations.push(later.clone())),
        // A chain without validators has none for ever.
        changed(&|next| next.validators.push(validator(1, 1))),
    ] {
        let mut again = Chain::of(chain.ledgers.clone(), chain.genesis.clone());
        again.commit(chain.blocks[0].0.clone());
        let decision = decide(&mut again, council, &bytes);
        assert_eq!(decision.update, ParameterUpdate::Refused);
        assert_eq!(decision.receipt.status, Status::Success);
        assert!(decision.receipt.events.is_empty());
        assert_eq!(current(&again), before);
        // What the call wrote is not there.
        assert_eq!(again.stored(council, &[0]).unwrap(), bytes);
    }
    let next = changed(&|next| next.limits.bytes = 2_000);
    assert_eq!(
        decide(&mut chain, council, &next).update,
        ParameterUpdate::Applied
    );
}

#[test]
fn validators_change_to_what_an_engine_can_follow() {
    let (chain, council) = chain(true);
    let mut genesis = chain.genesis.clone();
    genesis.parameters.validators = vec![validator(1, 10), validator(2, 10)];
    let mut chain = Chain::of(chain.ledgers.clone(), genesis);
    let code = wat::parse_str(COUNCIL).unwrap();
    chain.run(vec![operations(1, 0, vec![deploy(&code, &[])])]);
    let before = current(&chain);
    let mut decided = |validators: Vec<Validator>| {
        let next = Parameters {
            validators,
            ..before.clone()
        };
        decide(&mut chain, council, &next.encode()).update
    };
    for refused in [
        Vec::new(),
        vec![validator(1, 0), validator(2, 0)],
        vec![validator(1, 1), validator(2, 1), validator(1, 1)],
        vec![validator(1, MAX_VOTING_POWER), validator(2, 1)],
        vec![validator(1, u64::MAX), validator(2, u64::MAX)],
    ] {
        assert_eq!(decided(refused), ParameterUpdate::Refused);
    }
    let largest = vec![validator(1, MAX_VOTING_POWER), validator(2, 0)];
    assert_eq!(decided(largest.clone()), ParameterUpdate::Applied);
    assert_eq!(current(&chain).validators, largest);
}

#[test]
fn other_calls_decide_nothing() {
    let (mut chain, council) = chain(false);
    let before = current(&chain);
    let mut next = before.clone();
    next.limits.bytes = 2_000;
    let decision = decide(&mut chain, council, &next.encode());
    assert_eq!(decision.update, ParameterUpdate::None);
    assert_eq!(decision.receipt.output, next.encode());
    assert_eq!(current(&chain), before);
    assert_eq!(chain.stored(council, &[0]).unwrap(), Vec::<u8>::new());
}
