//! Capsules of what blocks execute, replayed on every lane.

use fusee_contract::{
    Address, Capsule, CapsuleOutcome, CapsuleRun, CapsuleSubject, ChangesDigest, ContractRules,
    Receipt, Status,
};
use fusee_engine::{CodeHash, Gas, Interrupt};
use fusee_ledger::{
    Block, FeeDestination, LedgerError, NoCapsule, Operation, Parameters, Payment, Phase,
    ScheduledCall, SignedTransaction, keys,
};
use fusee_state::Diff;

use crate::{
    chain::{
        COUNTER, Chain, TOKEN, account, body, call, changed, deploy, deployed, fails, interpreted,
        key, ledgers, operations, proposer, tokens_to, transfer,
    },
    chain_samples::parameters,
    samples::rules,
};

fn with_uploads(payment: Payment) -> Parameters {
    let mut parameters = parameters();
    parameters.activations[0].contract_rules = ContractRules::v2().id();
    parameters.payment = payment;
    parameters
}

/// Fees that nobody receives, so that a block of one transaction changes nothing else.
const BURNED: Payment = Payment::Fees {
    minimum_price: 1,
    destination: FeeDestination::Burned,
};

/// A chain with a token, a counter and a contract that fails.
fn chain(parameters: Parameters) -> Chain {
    let mut chain = Chain::new(ledgers(&[]), parameters);
    let price = chain.genesis.parameters.minimum_price();
    let deploys = [
        deploy(TOKEN, &1_000_000_u64.to_le_bytes()),
        deploy(COUNTER, &[]),
        deploy(&fails(), &[]),
    ];
    let deploys = (0..).zip(deploys).map(|(nonce, operation)| {
        changed(1, nonce, |body| {
            body.gas_limit = Gas::new(20_000_000);
            body.gas_price = price;
            body.operations = vec![operation];
        })
    });
    assert_eq!(chain.codes(deploys.collect()), [0, 0, 0]);
    chain
}

/// The addresses of its contracts.
fn contracts() -> [Address; 3] {
    [
        deployed(1, 0, TOKEN),
        deployed(1, 1, COUNTER),
        deployed(1, 2, &fails()),
    ]
}

/// A transaction whose gas account 4 pays.
fn paid_by_another(number: u8, nonce: u64, operations: Vec<Operation>) -> Vec<u8> {
    let mut body = body(number, nonce);
    (body.operations, body.fee_payer) = (operations, Some(account(4)));
    body.gas_price = 3;
    let id = body.id();
    let payer = Some(key(4).sign(&id));
    let signed = SignedTransaction::new(body, key(number).sign(&id), payer, &rules());
    signed.unwrap().encode()
}

/// Transactions of every kind, which depend on each other. The fourth one is invalid.
fn transactions() -> Vec<Vec<u8>> {
    let [token, counter, fails] = contracts();
    let count = || call(counter, "increment", &[], 0);
    let pay = |value| Operation::Transfer {
        to: account(9),
        value,
    };
    let code = wat::parse_str("(module (memory (export \"memory\") 1))").unwrap();
    vec![
        transfer(2, 0),
        operations(1, 3, vec![tokens_to(2, token, 500), count()]),
        operations(2, 1, vec![tokens_to(3, token, 200), pay(7), count()]),
        transfer(2, 9),
        // Fails in the middle.
        operations(3, 0, vec![count(), call(fails, "traps", &[], 0), count()]),
        paid_by_another(3, 1, vec![tokens_to(2, token, 1), count()]),
        operations(2, 2, vec![Operation::Upload { code }, deploy(COUNTER, &[])]),
        // Runs out of gas with a value on its way.
        operations(3, 2, vec![pay(5), call(fails, "spins", &[], 0)]),
        operations(2, 3, vec![count()]),
    ]
}

/// The capsule of a transaction, by every ledger the same, which replays on each lane.
fn capsule(chain: &Chain, block: &Block, index: usize) -> Result<Capsule, NoCapsule> {
    let of = |ledger: &fusee_ledger::Ledger| ledger.capsule(chain.reader(), block, index).unwrap();
    let first = of(chain.ledger());
    for (name, ledger) in &chain.ledgers {
        match (&first, of(ledger)) {
            (Ok(first), Ok(found)) => assert_eq!(found.encode(), first.encode(), "{name}"),
            (first, found) => assert_eq!(found.err(), first.as_ref().err().cloned(), "{name}"),
        }
    }
    let bytes = first?.encode().unwrap();
    let capsule = Capsule::decode(&bytes).unwrap();
    check_replays(chain, &capsule);
    Ok(capsule)
}

fn check_replays(chain: &Chain, capsule: &Capsule) {
    for (name, ledger) in &chain.ledgers {
        let parameters = &chain.genesis.parameters;
        let rules = ledger.rulebook().at(parameters, 1).unwrap();
        let interrupt = Interrupt::new();
        let outcome = capsule.replay(&rules.contracts, &interrupt);
        assert_eq!(outcome, Ok(capsule.outcome()), "{name}");
        let sides = [CapsuleRun::Recorded, CapsuleRun::Replay(&rules.contracts)];
        assert_eq!(capsule.first_difference(sides, &interrupt), Ok(None));
    }
}

/// The changes of a block without what it changes itself.
fn of_transactions(changes: Diff) -> Diff {
    let is_own = |key: &[u8]| key == keys::position();
    changes
        .into_iter()
        .filter(|(key, _)| !is_own(key))
        .collect()
}

#[test]
fn a_capsule_has_receipts_gas_fee_and_changes_of_its_transaction() {
    let together = chain(with_uploads(BURNED));
    let block = together.next(transactions());
    let outcomes = together.finalize(&block).unwrap().transactions;
    let codes: Vec<_> = outcomes.iter().map(|it| it.result.code).collect();
    assert_eq!(codes, [0, 0, 0, 21, 0, 0, 0, 0, 0]);
    let statuses: Vec<_> = outcomes.iter().map(|it| it.result.receipts.len()).collect();
    assert_eq!(statuses, [1, 2, 3, 0, 2, 2, 2, 2, 1]);
    assert_eq!(outcomes[7].result.status(), Some(Status::OutOfGas));

    // In blocks of their own, the changes are those of one transaction.
    let mut alone = chain(with_uploads(BURNED));
    for (index, transaction) in transactions().into_iter().enumerate() {
        let next = alone.next(vec![transaction]);
        let finalized = alone.commit(next);
        let changes = ChangesDigest::of(&of_transactions(finalized.changes));
        let result = &outcomes[index].result;
        if result.code != 0 {
            let reason = Box::new(outcomes[index].invalid.clone().unwrap());
            let expected = NoCapsule::Invalid { index, reason };
            assert_eq!(capsule(&together, &block, index).unwrap_err(), expected);
            continue;
        }
        let capsule = capsule(&together, &block, index).unwrap();
        let CapsuleOutcome::Included(found) = capsule.outcome() else {
            panic!("{index}: {:?}", capsule.outcome());
        };
        assert_eq!(found.receipts, result.receipts, "{index}");
        assert_eq!(found.gas_used, result.gas_used, "{index}");
        assert_eq!(found.fee, result.fee, "{index}");
        assert_eq!(found.changes, changes, "{index}");
        assert_eq!(capsule.block().height, block.height);
        assert_eq!(capsule.block().proposer, proposer());
    }
}

#[test]
fn a_capsule_names_the_payer_and_what_bytes_and_signatures_cost() {
    let chain = chain(with_uploads(BURNED));
    let [_, counter, _] = contracts();
    let count = call(counter, "increment", &[], 0);
    let block = chain.next(vec![paid_by_another(2, 0, vec![count])]);
    let capsule = capsule(&chain, &block, 0).unwrap();
    let CapsuleSubject::Batch(batch) = capsule.subject() else {
        panic!("{capsule:?}");
    };
    let fee = batch.fee.unwrap();
    assert_eq!((fee.payer, fee.price), (account(4), 3));
    let transaction = SignedTransaction::decode(&block.transactions[0], &rules()).unwrap();
    assert_eq!(batch.overhead, rules().intrinsic_gas(&transaction));
}

/// The quota is the ledger's, so the capsule does not have it.
#[test]
fn a_capsule_has_no_quota() {
    let payment = Payment::Quotas {
        gas: Gas::new(1_000_000_000),
        window: 10.try_into().unwrap(),
    };
    let chain = chain(with_uploads(payment));
    let [_, counter, _] = contracts();
    let counts = changed(2, 0, |body| {
        body.gas_price = 0;
        body.operations = vec![call(counter, "increment", &[], 0)];
    });
    let block = chain.next(vec![counts]);
    let finalized = chain.finalize(&block).unwrap();
    let capsule = capsule(&chain, &block, 0).unwrap();
    let CapsuleOutcome::Included(found) = capsule.outcome() else {
        panic!("{:?}", capsule.outcome());
    };
    assert_eq!(found.fee, 0);
    assert_eq!(found.receipts, finalized.transactions[0].result.receipts);
    let changes = of_transactions(finalized.changes).into_iter();
    let quota = keys::quota_use(account(2));
    let (of_quota, others): (Vec<_>, Vec<_>) = changes.partition(|(key, _)| *key == quota);
    assert_eq!(of_quota.len(), 1);
    assert_eq!(found.changes, ChangesDigest::of(&Diff::from_iter(others)));
}

#[test]
fn what_has_no_capsule_is_said() {
    let chain = Chain::new(interpreted(), with_uploads(BURNED));
    let block = chain.next(vec![transfer(1, 0), b"none".to_vec()]);
    let of = |index| capsule(&chain, &block, index).unwrap_err().to_string();
    assert_eq!(of(2), "the block has no transaction 2, it has 2");
    assert!(of(usize::MAX).ends_with("it has 2"));
    assert!(
        of(1).starts_with("transaction 1 of the block is invalid, so nothing of it runs: the"),
        "{}",
        of(1)
    );
    let later = Block {
        height: block.height + 1,
        ..block.clone()
    };
    let misplaced = chain.ledger().capsule(chain.reader(), &later, 0);
    assert!(matches!(misplaced, Err(LedgerError::Misplaced(_))));
    let no_call = chain.ledger().call_capsule(chain.reader(), &block, 0);
    assert_eq!(
        no_call.unwrap().unwrap_err().to_string(),
        "no scheduled call 0 is due at height 1"
    );
}

/// Calls of both phases count on the calls and transactions before them.
#[test]
fn scheduled_calls_have_capsules() {
    let counter = Address::of_contract(account(1), 1, CodeHash::of(COUNTER));
    let scheduled = |phase, every: u64, method: &str| ScheduledCall {
        phase,
        every: every.try_into().unwrap(),
        to: counter,
        method: method.to_owned(),
        input: Vec::new(),
        gas: Gas::new(100_000),
        updates_parameters: false,
    };
    let mut parameters = with_uploads(Payment::Fees {
        minimum_price: 1,
        destination: FeeDestination::Proposer,
    });
    parameters.calls = vec![
        scheduled(Phase::End, 1, "increment"),
        scheduled(Phase::Begin, 1, "increment"),
        scheduled(Phase::Begin, 7, "increment"),
        scheduled(Phase::Begin, 1, "increment"),
        scheduled(Phase::End, 1, "nothing"),
        scheduled(Phase::End, 1, "increment"),
    ];
    let chain = chain(parameters);
    let count = call(counter, "increment", &[], 0);
    let block = chain.next(vec![operations(2, 0, vec![count])]);
    let finalized = chain.finalize(&block).unwrap();
    let indices: Vec<_> = finalized.calls.iter().map(|call| call.index).collect();
    assert_eq!(indices, [1, 3, 0, 4, 5]);
    let outputs = |receipt: &Receipt| receipt.output.first().copied();
    let outputs: Vec<_> = finalized
        .calls
        .iter()
        .map(|it| outputs(&it.receipt))
        .collect();
    // The first block has counted twice, and the transaction counts between the phases.
    assert_eq!(outputs, [Some(3), Some(4), Some(6), None, Some(7)]);
    for expected in &finalized.calls {
        for (name, ledger) in &chain.ledgers {
            let recorded = ledger.call_capsule(chain.reader(), &block, expected.index);
            let capsule = recorded.unwrap().unwrap();
            let CapsuleOutcome::Included(found) = capsule.outcome() else {
                panic!("{:?}", capsule.outcome());
            };
            let expected = std::slice::from_ref(&expected.receipt);
            assert_eq!(found.receipts, expected, "{name}");
            check_replays(&chain, &capsule);
        }
    }
    let not_due = chain.ledger().call_capsule(chain.reader(), &block, 2);
    let expected = NoCapsule::NoCall {
        index: 2,
        height: 2,
    };
    assert_eq!(not_due.unwrap().unwrap_err(), expected);
}

/// Sends a unit to account 9, and outputs what the call returned.
fn sends() -> Vec<u8> {
    let to: String = account(9)
        .as_bytes()
        .iter()
        .map(|byte| format!("\\{byte:02x}"))
        .collect();
    let wat = format!(
        r#"(module
            (import "fusee" "call"
                (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
            (import "fusee" "output_write" (func $output (param i32 i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "{to}\ff\ff\ff\ff\00\00\00\00\01")
            (func (export "send")
                (i32.store (i32.const 64) (call $call (i32.const 0) (i32.const 0) (i32.const 0)
                    (i32.const 0) (i32.const 0) (i32.const 32)))
                (call $output (i32.const 64) (i32.const 4))))"#
    );
    wat::parse_str(wat).unwrap()
}

/// A call of the end can send what the transactions of its block have paid.
#[test]
fn a_call_of_the_end_has_the_fees_of_its_block() {
    let treasury = deployed(1, 0, &sends());
    let mut parameters = with_uploads(Payment::Fees {
        minimum_price: 1,
        destination: FeeDestination::Treasury(treasury),
    });
    parameters.calls = vec![ScheduledCall {
        phase: Phase::End,
        every: 1.try_into().unwrap(),
        to: treasury,
        method: "send".to_owned(),
        input: Vec::new(),
        gas: Gas::new(1_000_000),
        updates_parameters: false,
    }];
    let chain = Chain::new(interpreted(), parameters);
    let block = chain.next(vec![operations(1, 0, vec![deploy(&sends(), &[])])]);
    let call = chain.finalize(&block).unwrap().calls.remove(0);
    assert_eq!(call.receipt.output, [0; 4], "{:?}", call.receipt);
    let recorded = chain.ledger().call_capsule(chain.reader(), &block, 0);
    let CapsuleOutcome::Included(found) = recorded.unwrap().unwrap().outcome() else {
        unreachable!("a system call is included")
    };
    assert_eq!(found.receipts, [call.receipt]);
}
