//! Blocks: what their transactions come to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use expect_test::expect_file;
use fusee_contract::{Rejection, Status};
use fusee_engine::Gas;
use fusee_ledger::{
    Block, Header, LedgerError, Misplaced, Operation, Payment, Refused, SecretKey,
    SignedTransaction, keys,
};
use fusee_state::{Direction, KeyRange, StateError, StateReader, Value};

use crate::{
    chain::{
        COUNTER, Chain, FUNDS, TOKEN, account, body, call, changed, deploy, deployed, fails,
        interpreted, key, ledgers, operations, proposer, tokens_to, transfer,
    },
    chain_samples::parameters,
    samples::rules,
};

fn chain() -> Chain {
    Chain::new(interpreted(), parameters())
}

#[test]
fn a_transfer_moves_a_balance_and_pays_a_fee() {
    let mut chain = chain();
    let outcomes = chain.run(vec![transfer(1, 0), transfer(2, 0)]);
    let fees: u128 = outcomes.iter().map(|outcome| outcome.result.fee).sum();
    for (outcome, number) in outcomes.iter().zip([1, 2]) {
        let result = &outcome.result;
        assert_eq!((result.code, result.status()), (0, Some(Status::Success)));
        assert_eq!(result.fee, u128::from(result.gas_used.units()));
        assert_eq!(result.gas_limit, Gas::new(2_000_000));
        assert_eq!(chain.balance(account(number)), FUNDS - 250 - result.fee);
        assert_eq!(chain.nonce(account(number)), 1);
    }
    assert_eq!(chain.balance(account(9)), 500);
    assert_eq!(chain.balance(proposer()), fees);
    let (_, header) = &chain.blocks[0];
    assert_eq!((header.height, header.fees), (1, fees));
    assert_eq!(header.gas_declared, Gas::new(4_000_000));
    assert_eq!(u128::from(header.gas_used.units()), fees);
    assert_eq!(header.parent.as_bytes(), &chain.genesis.identity());
}

#[test]
fn a_contract_is_deployed_and_called_in_one_transaction() {
    let mut chain = chain();
    let token = deployed(1, 0, TOKEN);
    let supply = 1_000_u64.to_le_bytes();
    let both = vec![deploy(TOKEN, &supply), tokens_to(2, token, 250)];
    let outcomes = chain.run(vec![
        operations(1, 0, both),
        operations(2, 0, vec![tokens_to(3, token, 50)]),
    ]);
    assert_eq!(outcomes[0].result.receipts.len(), 2);
    assert_eq!(outcomes[0].result.receipts[0].deployed, Some(token));
    let tokens = [1, 2, 3].map(|number| chain.tokens(token, account(number)));
    assert_eq!(tokens, [750, 200, 50]);
}

#[test]
fn a_failure_keeps_the_fee_and_gives_back_the_value() {
    let mut chain = chain();
    let contract = deployed(1, 0, &fails());
    chain.run(vec![operations(1, 0, vec![deploy(&fails(), &[])])]);
    let before = chain.balance(account(2));
    let write_and_trap = vec![
        call(contract, "works", &[], 0),
        Operation::Transfer {
            to: account(9),
            value: 5,
        },
        call(contract, "traps", &[], 7),
        call(contract, "works", &[], 0),
    ];
    let outcomes = chain.run(vec![operations(2, 0, write_and_trap)]);
    let result = &outcomes[0].result;
    assert_eq!((result.code, result.receipts.len()), (0, 3));
    assert!(matches!(result.status(), Some(Status::Trapped(_))));
    assert_eq!(chain.balance(account(2)), before - result.fee);
    assert_eq!(chain.balance(account(9)), 0);
    assert_eq!(chain.balance(contract), 0);
    assert_eq!(chain.nonce(account(2)), 1);
    assert_eq!(chain.stored(contract, &[0]), None);
    // The whole gas limit.
    let outcomes = chain.run(vec![operations(
        2,
        1,
        vec![call(contract, "spins", &[], 0)],
    )]);
    assert_eq!(outcomes[0].result.status(), Some(Status::OutOfGas));
    assert_eq!(outcomes[0].result.fee, 20_000_000);
    let nobody = call(account(8), "run", &[], 3);
    let outcomes = chain.run(vec![operations(2, 2, vec![nobody])]);
    let rejected = Status::Rejected(Rejection::UnknownAddress);
    assert_eq!(outcomes[0].result.status(), Some(rejected));
}

#[test]
fn code_that_is_refused_is_explained() {
    let mut chain = chain();
    let outcomes = chain.run(vec![operations(1, 0, vec![deploy(b"\0asm", &[])])]);
    let refused = Status::Rejected(Rejection::RefusedCode);
    assert_eq!(outcomes[0].result.status(), Some(refused));
    assert!(outcomes[0].refusal.is_some());
}

#[test]
fn a_fee_payer_pays_and_the_sender_sends() {
    let mut chain = chain();
    let mut body = body(1, 0);
    body.fee_payer = Some(account(2));
    let id = body.id();
    let by_payer = Some(key(2).sign(&id));
    let both = SignedTransaction::new(body, key(1).sign(&id), by_payer, &rules()).unwrap();
    let outcomes = chain.run(vec![both.encode()]);
    assert_eq!(outcomes[0].id, Some(id));
    assert_eq!(chain.balance(account(1)), FUNDS - 250);
    assert_eq!(chain.balance(account(2)), FUNDS - outcomes[0].result.fee);
    assert_eq!((chain.nonce(account(1)), chain.nonce(account(2))), (1, 0));
}

/// One of each kind that depends on the block or the state, and of those found before.
fn invalid() -> Vec<(u32, Vec<u8>)> {
    let mut forged = transfer(1, 0);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let mut other_account = body(1, 0);
    other_account.sender = account(2);
    let other_account = crate::chain::signed(1, other_account);
    let value = |value| {
        changed(1, 0, |body| {
            body.operations = vec![Operation::Transfer {
                to: account(9),
                value,
            }];
        })
    };
    vec![
        (2, vec![9, 9, 9]),
        (3, transfer(1, 0)[..100].to_vec()),
        (3, Vec::new()),
        (5, [transfer(1, 0), vec![0]].concat()),
        (14, other_account),
        (17, forged),
        (18, changed(1, 0, |body| body.chain_id = "other".to_owned())),
        (19, changed(1, 0, |body| body.expiry = 0)),
        (21, transfer(1, 1)),
        (23, changed(1, 0, |body| body.gas_price = 0)),
        (24, changed(1, 0, |body| body.gas_limit = Gas::new(100_000))),
        (
            25,
            changed(1, 0, |body| body.gas_limit = Gas::new(1_000_000_001)),
        ),
        (26, value(FUNDS)),
        (27, value(u128::MAX)),
        // The operations cost more than signature and bytes.
        (
            101,
            changed(1, 0, |body| body.gas_limit = Gas::new(185_000)),
        ),
        (
            106,
            operations(1, 0, vec![Operation::RemoveCode { code: [1; 32] }]),
        ),
    ]
}

#[test]
fn invalid_transactions_have_a_code_and_change_nothing() {
    let mut chain = chain();
    for (code, transaction) in invalid() {
        let block = chain.next(vec![transaction]);
        let finalized = chain.finalize(&block).unwrap();
        let outcome = &finalized.transactions[0];
        assert_eq!(outcome.result.code, code, "{outcome:?}");
        assert_eq!(outcome.invalid.as_ref().unwrap().code(), code);
        assert_eq!(outcome.result.gas_used, Gas::ZERO);
        assert_eq!((outcome.result.fee, outcome.result.status()), (0, None));
        let changed: Vec<_> = finalized
            .changes
            .iter()
            .map(|(key, _)| key.to_vec())
            .collect();
        assert_eq!(changed, [keys::position()]);
        let refused = chain.ledger().process(chain.reader(), &block).unwrap();
        let Err(Refused::Invalid { index: 0, reason }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(reason.code(), code);
    }
    // Beside each other, before and after a valid one.
    let mut all = invalid();
    all.push((0, transfer(1, 0)));
    all.push((20, changed(1, 0, |body| body.gas_price = 2)));
    let (codes, transactions): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    assert_eq!(chain.codes(transactions), codes);
    assert_eq!(chain.nonce(account(1)), 1);
}

#[test]
fn a_transaction_is_included_once() {
    let mut chain = chain();
    let once = transfer(1, 0);
    assert_eq!(chain.codes(vec![once.clone(), once.clone()]), [0, 20]);
    assert_eq!(chain.codes(vec![once, transfer(1, 1)]), [20, 0]);
    assert_eq!(chain.balance(account(9)), 500);
}

#[test]
fn nonces_go_up_within_a_block() {
    let mut chain = chain();
    let transactions = [0, 2, 1, 3, 2].map(|nonce| transfer(1, nonce));
    assert_eq!(chain.codes(transactions.to_vec()), [0, 21, 0, 21, 0]);
    assert_eq!(chain.nonce(account(1)), 3);
}

/// What comes in during a block can be spent in it.
#[test]
fn transactions_see_those_before_them() {
    let mut chain = chain();
    let to_five = changed(1, 0, |body| {
        body.operations = vec![Operation::Transfer {
            to: account(5),
            value: 10_000_000,
        }];
    });
    assert_eq!(chain.codes(vec![transfer(5, 0), to_five]), [26, 0]);
    assert_eq!(chain.codes(vec![transfer(5, 0)]), [0]);
}

#[test]
fn development_accounts_need_rules_that_admit_them() {
    let alice = SecretKey::development("alice");
    let mut alices = body(1, 0);
    alices.sender = alice.public_key().address();
    let authorization = alice.sign(&alices.id());
    let alices = SignedTransaction::new(alices, authorization, None, &rules()).unwrap();
    let mut chain = chain();
    assert_eq!(chain.codes(vec![alices.encode()]), [26]);
    let mut parameters = parameters();
    parameters.activations[0].ledger_rules = fusee_ledger::LedgerRules::v1().id();
    let mut chain = Chain::new(interpreted(), parameters);
    assert_eq!(chain.codes(vec![alices.encode()]), [12]);
}

#[test]
fn only_the_next_block_is_executed() {
    let mut chain = chain();
    chain.run(Vec::new());
    let misplaced = |block: &Block, expected: Misplaced| {
        let error = chain.finalize(block).unwrap_err();
        assert!(matches!(error, LedgerError::Misplaced(found) if found == expected));
        let refused = chain.ledger().process(chain.reader(), block).unwrap();
        assert_eq!(refused, Err(Refused::Misplaced(expected)));
    };
    let next = chain.next(Vec::new());
    for found in [1, 3] {
        let expected = Misplaced::Height { found, expected: 2 };
        let height = found;
        misplaced(
            &Block {
                height,
                ..next.clone()
            },
            expected,
        );
    }
    let last = chain.blocks[0].0.time;
    let found = last - 1;
    let expected = Misplaced::Time { found, last };
    misplaced(
        &Block {
            time: found,
            ..next.clone()
        },
        expected,
    );
    assert!(chain.finalize(&Block { time: last, ..next }).is_ok());
}

fn describe(header: &Header) -> String {
    let roots = [
        header.transactions_root,
        header.receipts_root,
        header.state_root,
    ];
    let [transactions, receipts, state] = roots.map(hex::encode);
    format!(
        "block {}\n  hash {}\n  parent {}\n  transactions {transactions}\n  receipts {receipts}\n  \
         state {state}\n  gas {} of {}, fees {}\n",
        header.height,
        header.hash(),
        header.parent,
        header.gas_used,
        header.gas_declared,
        header.fees
    )
}

/// Blocks of everything on every engine, by their headers.
#[test]
fn every_engine_and_number_of_threads_makes_the_golden_headers() {
    let mut chain = Chain::new(ledgers(&[]), parameters());
    let (token, counter) = (deployed(1, 0, TOKEN), deployed(2, 0, COUNTER));
    let supply = 1_000_u64.to_le_bytes();
    chain.run(Vec::new());
    chain.run(vec![
        operations(1, 0, vec![deploy(TOKEN, &supply)]),
        operations(
            2,
            0,
            vec![deploy(COUNTER, &[]), call(counter, "increment", &[], 0)],
        ),
        operations(3, 0, vec![deploy(&fails(), &[])]),
    ]);
    let fails = deployed(3, 0, &fails());
    let mut transactions = Vec::new();
    for nonce in 1..4 {
        transactions.push(operations(1, nonce, vec![tokens_to(2, token, 10)]));
        transactions.push(operations(2, nonce, vec![tokens_to(3, token, 7)]));
        transactions.push(operations(
            3,
            nonce,
            vec![call(counter, "increment", &[], 0)],
        ));
        transactions.push(operations(
            4,
            nonce - 1,
            vec![call(counter, "increment", &[], 0)],
        ));
    }
    transactions.extend(invalid().into_iter().map(|(_, transaction)| transaction));
    transactions.push(operations(4, 3, vec![call(fails, "traps", &[], 1)]));
    transactions.push(operations(4, 4, vec![call(fails, "spins", &[], 0)]));
    chain.run(transactions);
    assert_eq!(
        chain.stored(counter, b"count").unwrap(),
        7_u64.to_le_bytes()
    );
    let mut text = String::new();
    for (_, header) in &chain.blocks {
        text.push_str(&describe(header));
    }
    expect_file!["golden/chain.txt"].assert_eq(&text);
}

#[test]
fn an_interrupt_is_an_error_of_the_host() {
    let mut chain = chain();
    chain.run(vec![operations(1, 0, vec![deploy(&fails(), &[])])]);
    let spins = call(deployed(1, 0, &fails()), "spins", &[], 0);
    let block = chain.next(vec![operations(1, 1, vec![spins])]);
    let interrupt = fusee_engine::Interrupt::new();
    let ledger = chain.ledger().clone().interrupted_by(interrupt.clone());
    assert!(ledger.finalize(chain.reader(), &block).is_ok());
    interrupt.trigger();
    let error = ledger.finalize(chain.reader(), &block).unwrap_err();
    assert!(matches!(error, LedgerError::Contract(_)), "{error:?}");
}

/// A state that counts the reads of each key.
struct Counting {
    state: Arc<dyn StateReader>,
    reads: Mutex<BTreeMap<Vec<u8>, usize>>,
}

impl StateReader for Counting {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        let mut reads = self.reads.lock().unwrap();
        *reads.entry(key.to_vec()).or_default() += 1;
        self.state.read(key)
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        self.state.seek(range, direction)
    }
}

/// What admits a transaction is not read again by what executes it.
#[test]
fn a_transaction_reads_each_value_of_the_state_once() {
    let mut quotas = parameters();
    quotas.payment = Payment::Quotas {
        gas: Gas::new(10_000_000),
        window: 10.try_into().unwrap(),
    };
    for parameters in [parameters(), quotas] {
        let price = parameters.minimum_price();
        let mut chain = Chain::new(interpreted(), parameters);
        // So that there is a nonce.
        let body = |nonce| changed(1, nonce, |body| body.gas_price = price);
        assert_eq!(chain.codes(vec![body(0)]), [0]);
        let counting = Arc::new(Counting {
            state: chain.reader(),
            reads: Mutex::default(),
        });
        let block = chain.next(vec![body(1)]);
        let finalized = chain.ledger().finalize(counting.clone(), &block).unwrap();
        assert_eq!(finalized.transactions[0].result.code, 0);
        let reads = counting.reads.lock().unwrap();
        let of_transactions = reads.iter().filter(|(key, _)| key[0] != keys::CHAIN);
        for (key, count) in of_transactions {
            assert_eq!(*count, 1, "{}", String::from_utf8_lossy(key));
        }
        let nonce = fusee_contract::keys::nonce(account(1));
        assert_eq!(reads.get(&nonce), Some(&1));
    }
}
