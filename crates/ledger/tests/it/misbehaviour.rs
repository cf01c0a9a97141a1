//! Misbehaviour of validators: reports reach a contract before anything else of their block.

use fusee_contract::{Address, Rejection, Status};
use fusee_engine::Gas;
use fusee_ledger::{
    Block, Finalized, MAX_MISBEHAVIOUR, Misbehaviour, ParameterUpdate, Parameters, ParametersError,
    Phase, ScheduledCall,
};

use crate::{
    chain::{COUNTER, Chain, call, deploy, deployed, interpreted, ledgers, operations, transfer},
    chain_samples::{parameters, report},
};

/// Stores what it receives, and tells its length.
const COURT: &str = r#"(module
    (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
    (import "fusee" "output_write" (func $output (param i32 i32)))
    (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
    (memory (export "memory") 3)
    (func (export "judge")
        (local $bytes i32)
        (local.set $bytes (call $input (i32.const 16) (i32.const 190000)))
        (i32.store (i32.const 8) (local.get $bytes))
        (call $output (i32.const 8) (i32.const 4))
        (if (i32.lt_u (local.get $bytes) (i32.const 1000)) (then
            (call $write (i32.const 0) (i32.const 1) (i32.const 16) (local.get $bytes)))))
    (func (export "fails")
        (call $write (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 1))
        unreachable))"#;

fn court() -> Vec<u8> {
    wat::parse_str(COURT).unwrap()
}

fn judge(method: &str) -> ScheduledCall {
    ScheduledCall {
        phase: Phase::Misbehaviour,
        every: 1.try_into().unwrap(),
        to: deployed(1, 0, &court()),
        method: method.to_owned(),
        input: b"case".to_vec(),
        gas: Gas::new(100_000_000),
        updates_parameters: false,
    }
}

/// A chain with a court and a counter, which each block increments as well.
fn chain(calls: Vec<ScheduledCall>) -> (Chain, Address) {
    let counter = deployed(1, 1, COUNTER);
    let increment = ScheduledCall {
        phase: Phase::Begin,
        to: counter,
        input: Vec::new(),
        ..judge("increment")
    };
    let parameters = Parameters {
        calls: [vec![increment], calls].concat(),
        ..parameters()
    };
    let mut chain = Chain::new(ledgers(&["wasmi", "wasmtime"]), parameters);
    let deploys = [deploy(&court(), &[]), deploy(COUNTER, &[])];
    let deploys = (0..).zip(deploys);
    let deploys = deploys.map(|(nonce, deploy)| operations(1, nonce, vec![deploy]));
    assert_eq!(chain.codes(deploys.collect()), [0, 0]);
    (chain, counter)
}

/// Commits a block with these reports and a transfer.
fn commit(chain: &mut Chain, misbehaviour: Vec<Misbehaviour>) -> Finalized {
    let nonce = chain.nonce(crate::chain::account(2));
    let block = Block {
        misbehaviour,
        ..chain.next(vec![transfer(2, nonce)])
    };
    let finalized = chain.commit(block);
    assert_eq!(finalized.transactions[0].result.code, 0);
    finalized
}

#[test]
fn reports_reach_a_contract_before_other_calls() {
    let (mut chain, _) = chain(vec![judge("judge")]);
    let stored = |chain: &Chain| chain.stored(deployed(1, 0, &court()), &[0]);
    let calls = commit(&mut chain, Vec::new()).calls;
    assert_eq!(calls.iter().map(|it| it.index).collect::<Vec<_>>(), [0]);
    assert_eq!(stored(&chain), None);

    let reports = vec![report(1), report(2)];
    let calls = commit(&mut chain, reports.clone()).calls;
    let order: Vec<_> = calls.iter().map(|it| (it.index, it.phase)).collect();
    assert_eq!(order, [(1, Phase::Misbehaviour), (0, Phase::Begin)]);
    assert!(calls.iter().all(|it| it.receipt.status == Status::Success));
    let expected = [b"case".to_vec(), Misbehaviour::encode_list(&reports)].concat();
    assert_eq!(stored(&chain), Some(expected));
    // The header covers the reports, and a block without them has another one.
    let (block, header) = chain.blocks.last().unwrap().clone();
    assert_eq!(header.misbehaviour_root, Misbehaviour::root(&reports));
    assert_eq!(chain.blocks[1].1.misbehaviour_root, Misbehaviour::root(&[]));
    let less = vec![report(1)];
    assert_ne!(Misbehaviour::root(&less), header.misbehaviour_root);
    assert_eq!(block.misbehaviour, reports);
    chain.replay(interpreted());
}

#[test]
fn a_call_that_fails_or_has_no_contract_changes_nothing() {
    let none = ScheduledCall {
        to: Address::new([9; 32]),
        ..judge("judge")
    };
    let poor = ScheduledCall {
        gas: Gas::new(10),
        ..judge("judge")
    };
    let (mut chain, counter) = chain(vec![judge("fails"), none, poor, judge("missing")]);
    let calls = commit(&mut chain, vec![report(1)]).calls;
    let statuses: Vec<_> = calls.iter().map(|it| it.receipt.status).collect();
    let [fails, none, poor, missing, increment] = statuses[..] else {
        panic!("{statuses:?}")
    };
    assert!(matches!(fails, Status::Trapped(_)));
    assert_eq!(none, Status::Rejected(Rejection::UnknownAddress));
    assert_eq!(poor, Status::OutOfGas);
    assert_eq!(missing, Status::Rejected(Rejection::UnknownMethod));
    assert_eq!(increment, Status::Success);
    assert!(calls.iter().all(|it| it.update == ParameterUpdate::None));
    assert_eq!(chain.stored(deployed(1, 0, &court()), &[0]), None);
    assert!(chain.stored(counter, b"count").is_some());
}

/// Whatever an engine reports, the input of the call is bounded.
#[test]
fn a_contract_receives_a_bounded_number_of_reports() {
    let (mut chain, _) = chain(vec![judge("judge")]);
    let most = vec![report(1); MAX_MISBEHAVIOUR];
    let more = [most.clone(), vec![report(2); 10]].concat();
    let outputs = [most, more].map(|reports| {
        let call = commit(&mut chain, reports).calls.remove(0);
        assert_eq!(call.receipt.status, Status::Success);
        call.receipt.output
    });
    assert_eq!(outputs[0], outputs[1]);
    // What the contract did not receive is in the block all the same.
    let roots: Vec<_> = chain
        .blocks
        .iter()
        .map(|it| it.1.misbehaviour_root)
        .collect();
    assert_ne!(roots[1], roots[2]);
    let received = Misbehaviour::encode_list(&chain.blocks[2].0.misbehaviour);
    let bytes = u32::from_le_bytes(outputs[0].clone().try_into().unwrap());
    assert_eq!(usize::try_from(bytes).unwrap(), 4 + received.len());
}

#[test]
fn a_call_that_receives_reports_has_a_capsule() {
    let later = ScheduledCall {
        phase: Phase::End,
        to: deployed(1, 1, COUNTER),
        ..judge("increment")
    };
    let (chain, counter) = chain(vec![
        ScheduledCall {
            to: deployed(1, 1, COUNTER),
            ..judge("increment")
        },
        judge("judge"),
        later,
    ]);
    let count = call(counter, "increment", &[], 0);
    let block = Block {
        misbehaviour: vec![report(1)],
        ..chain.next(vec![operations(2, 0, vec![count])])
    };
    let calls = chain.finalize(&block).unwrap().calls;
    let order: Vec<_> = calls.iter().map(|it| it.index).collect();
    assert_eq!(order, [1, 2, 0, 3]);
    for expected in calls {
        let capsule = chain
            .ledger()
            .call_capsule(chain.reader(), &block, expected.index);
        let fusee_contract::CapsuleOutcome::Included(found) = capsule.unwrap().unwrap().outcome()
        else {
            unreachable!("a system call is included")
        };
        assert_eq!(found.receipts, [expected.receipt]);
    }
    // Without reports, such a call is not due.
    let without = chain.next(Vec::new());
    let capsule = chain.ledger().call_capsule(chain.reader(), &without, 2);
    assert!(capsule.unwrap().is_err());
}

#[test]
fn a_call_that_would_miss_reports_is_refused() {
    let rare = ScheduledCall {
        every: 2.try_into().unwrap(),
        ..judge("judge")
    };
    let parameters = Parameters {
        calls: vec![judge("judge"), rare],
        ..parameters()
    };
    let refused = parameters.check().unwrap_err();
    assert_eq!(refused, ParametersError::MisbehaviourEvery { index: 1 });
}
