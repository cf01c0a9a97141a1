//! Proposals: what is prepared is accepted, and random blocks keep the sum of all balances.

use std::{collections::BTreeMap, slice, sync::LazyLock};

use fusee_contract::{Address, keys};
use fusee_engine::Gas;
use fusee_ledger::{
    FeeDestination, Ledger, Operation, Parameters, Payment, Phase, ScheduledCall, SignedTransaction,
};
use proptest::{collection::vec, prelude::*};

use crate::{
    chain::{
        Chain, account, call, changed, deploy, deployed, fails, ledgers, operations, proposer,
        transfer,
    },
    chain_samples::parameters,
    samples::address,
};

/// Made once: what they compiled stays.
static LEDGERS: LazyLock<Vec<(String, Ledger)>> = LazyLock::new(|| ledgers(&["wasmi", "wasmtime"]));

/// A transaction that may be anything: of an account, with a nonce around the next one.
#[derive(Clone, Debug)]
enum Candidate {
    Transfer {
        from: u8,
        nonce: u64,
        to: u8,
        value: u128,
        gas: u64,
        price: u128,
    },
    Call {
        from: u8,
        nonce: u64,
        method: usize,
        value: u128,
        gas: u64,
    },
    Forged {
        from: u8,
        nonce: u64,
        at: prop::sample::Index,
    },
    Bytes(Vec<u8>),
}

const METHODS: [&str; 4] = ["works", "traps", "spins", "nothing"];

impl Candidate {
    fn encode(&self, contract: Address) -> Vec<u8> {
        match self.clone() {
            Candidate::Transfer {
                from,
                nonce,
                to,
                value,
                gas,
                price,
            } => changed(from, nonce, |body| {
                body.gas_limit = Gas::new(gas);
                body.gas_price = price;
                let to = account(to);
                body.operations = vec![Operation::Transfer { to, value }];
            }),
            Candidate::Call {
                from,
                nonce,
                method,
                value,
                gas,
            } => changed(from, nonce, |body| {
                body.gas_limit = Gas::new(gas);
                let to = account(9);
                body.operations = vec![
                    Operation::Transfer { to, value },
                    call(contract, METHODS[method], &[], value),
                ];
            }),
            Candidate::Forged { from, nonce, at } => {
                let mut bytes = transfer(from, nonce);
                let at = at.index(bytes.len());
                bytes[at] ^= 1;
                bytes
            }
            Candidate::Bytes(bytes) => bytes,
        }
    }
}

fn candidate() -> impl Strategy<Value = Candidate> {
    let from = || 1_u8..6;
    let nonce = || 0_u64..4;
    let gas = || prop_oneof![150_000_u64..260_000, 260_000_u64..3_000_000];
    let value = || prop_oneof![0_u128..1_000, 0_u128..40_000_000, Just(u128::MAX / 2)];
    let transfer = (from(), nonce(), 1_u8..10, value(), gas(), 0_u128..4);
    prop_oneof![
        6 => transfer.prop_map(|(from, nonce, to, value, gas, price)| {
            Candidate::Transfer { from, nonce, to, value, gas, price }
        }),
        4 => (from(), nonce(), 0_usize..4, value(), gas()).prop_map(
            |(from, nonce, method, value, gas)| Candidate::Call { from, nonce, method, value, gas }
        ),
        1 => (from(), nonce(), any::<prop::sample::Index>())
            .prop_map(|(from, nonce, at)| Candidate::Forged { from, nonce, at }),
        1 => vec(any::<u8>(), 0..80).prop_map(Candidate::Bytes),
    ]
}

fn destination() -> impl Strategy<Value = FeeDestination> {
    prop_oneof![
        Just(FeeDestination::Proposer),
        Just(FeeDestination::Treasury(address(4))),
        Just(FeeDestination::Burned),
    ]
}

/// A chain of poor accounts, small blocks, and a contract.
fn chain(destination: FeeDestination) -> (Chain, Address) {
    let contract = deployed(6, 0, &fails());
    let scheduled = |method: &str| ScheduledCall {
        phase: Phase::Begin,
        every: 2.try_into().unwrap(),
        to: contract,
        method: method.to_owned(),
        input: Vec::new(),
        gas: Gas::new(50_000),
        updates_parameters: false,
    };
    let mut parameters = Parameters {
        payment: Payment::Fees {
            minimum_price: 1,
            destination,
        },
        calls: vec![scheduled("works"), scheduled("traps")],
        ..parameters()
    };
    parameters.limits.gas = Gas::new(30_000_000);
    parameters.limits.bytes = 3_000;
    parameters.limits.transactions = 12;
    let mut funds = [1, 2, 3, 4]
        .map(|number| (account(number), 20_000_000))
        .to_vec();
    funds.push((account(6), 1 << 40));
    let genesis = crate::chain_samples::genesis(parameters, &funds);
    let mut chain = Chain::of(LEDGERS.clone(), genesis);
    let outcomes = chain.run(vec![operations(6, 0, vec![deploy(&fails(), &[])])]);
    assert_eq!(outcomes[0].result.receipts[0].deployed, Some(contract));
    (chain, contract)
}

/// All balances together.
fn sum(chain: &Chain) -> u128 {
    let entries = chain.state.iter();
    let balances = entries.filter(|(key, _)| key[0] == keys::BALANCE);
    balances
        .map(|(_, value)| u128::from_le_bytes(value[1..].try_into().unwrap()))
        .sum()
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..Default::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// Whatever the candidates are. And nothing that is prepared was not a candidate.
    #[test]
    fn what_is_prepared_is_accepted(
        candidates in vec(candidate(), 0..25),
        max_bytes in 0_u64..4_000,
        destination in destination(),
    ) {
        let (mut chain, contract) = chain(destination);
        let candidates: Vec<_> = candidates.iter().map(|it| it.encode(contract)).collect();
        let block = chain.next(candidates.clone());
        let mut prepared = Vec::new();
        for (name, ledger) in &chain.ledgers {
            let block = ledger.prepare(chain.reader(), block.clone(), max_bytes).unwrap();
            let processed = ledger.process(chain.reader(), &block).unwrap();
            prop_assert!(processed.is_ok(), "{name}: {:?}", processed.err());
            prepared.push(block);
        }
        prepared.dedup();
        prop_assert_eq!(prepared.len(), 1);
        let block = prepared.remove(0);
        let bytes: usize = block.transactions.iter().map(Vec::len).sum();
        prop_assert!(bytes <= usize::try_from(max_bytes).unwrap());
        prop_assert!(block.transactions.iter().all(|it| candidates.contains(it)));
        let processed = chain.ledger().process(chain.reader(), &block).unwrap().unwrap();
        prop_assert_eq!(chain.commit(block), processed);
    }

    /// Fees and values move between balances, or are burned, whatever blocks have.
    #[test]
    fn the_sum_of_all_balances_is_constant(
        blocks in vec(vec(candidate(), 0..15), 1..4),
        destination in destination(),
    ) {
        let (mut chain, contract) = chain(destination);
        let mut expected = sum(&chain);
        for candidates in blocks {
            let transactions = candidates.iter().map(|it| it.encode(contract));
            let nonces: BTreeMap<_, _> = (1..7).map(|it| (account(it), chain.nonce(account(it)))).collect();
            let block = chain.next(transactions.collect());
            let outcomes = chain.commit(block.clone()).transactions;
            let (_, header) = chain.blocks.last().unwrap();
            if destination == FeeDestination::Burned {
                expected -= header.fees;
            }
            prop_assert_eq!(sum(&chain), expected);
            let fees: u128 = outcomes.iter().map(|outcome| outcome.result.fee).sum();
            prop_assert_eq!(fees, header.fees);
            // Each included transaction advances the nonce of its sender by one.
            let mut expected = nonces;
            for (bytes, outcome) in block.transactions.iter().zip(&outcomes) {
                prop_assert_eq!(outcome.result.code == 0, outcome.invalid.is_none());
                if outcome.invalid.is_none() {
                    let rules = crate::samples::rules();
                    let transaction = SignedTransaction::decode(bytes, &rules).unwrap();
                    *expected.get_mut(&transaction.body().sender).unwrap() += 1;
                }
            }
            for (address, nonce) in expected {
                prop_assert_eq!(chain.nonce(address), nonce);
            }
        }
        chain.replay(LEDGERS.clone());
    }

    /// No bytes make a block fail.
    #[test]
    fn any_bytes_are_finalized(
        transactions in vec(vec(any::<u8>(), 0..300), 0..8),
        cuts in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let (chain, _) = chain(FeeDestination::Proposer);
        let mut transactions = transactions;
        for (cut, at, byte) in cuts {
            let mut bytes = transfer(1, 0);
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
            bytes.truncate(cut.index(bytes.len() + 1));
            transactions.push(bytes);
        }
        let finalized = chain.finalize(&chain.next(transactions.clone())).unwrap();
        prop_assert_eq!(finalized.transactions.len(), transactions.len());
        let none = chain.finalize(&chain.next(Vec::new())).unwrap();
        if finalized.transactions.iter().all(|outcome| outcome.invalid.is_some()) {
            prop_assert_eq!(finalized.changes, none.changes);
        }
    }
}

/// Of one sender, the transactions come in the order of their nonces, in the places of the sender.
#[test]
fn nonces_are_put_in_order() {
    let chain = Chain::new(LEDGERS.clone(), parameters());
    let dear = changed(1, 1, |body| body.gas_price = 9);
    let block = chain.next(vec![
        transfer(1, 2),
        transfer(2, 1),
        dear.clone(),
        transfer(1, 0),
        transfer(1, 1),
        transfer(2, 0),
        transfer(3, 1),
    ]);
    let prepared = chain
        .ledger()
        .prepare(chain.reader(), block, u64::MAX)
        .unwrap();
    let expected = [
        transfer(1, 0),
        transfer(2, 0),
        dear,
        transfer(1, 2),
        transfer(2, 1),
    ];
    assert_eq!(prepared.transactions, expected);
    assert_eq!(prepared.proposer, proposer());
}

/// What waits is checked against the state and a window of nonces, each transaction on its own.
#[test]
fn waiting_transactions_are_checked() {
    let mut chain = Chain::new(LEDGERS.clone(), parameters());
    chain.run(vec![transfer(1, 0)]);
    let too_little = changed(3, 0, |body| body.gas_limit = Gas::new(185_000));
    let transactions = [
        transfer(1, 0),
        transfer(1, 1),
        transfer(1, 1),
        transfer(1, 3),
        transfer(1, 4),
        transfer(5, 0),
        too_little,
        vec![1],
    ];
    let checked = chain
        .ledger()
        .check(&chain.reader(), &transactions, 2)
        .unwrap();
    let codes = checked
        .iter()
        .map(|it| it.as_ref().map_or_else(fusee_ledger::Invalid::code, |_| 0));
    assert_eq!(codes.collect::<Vec<_>>(), [20, 0, 0, 0, 21, 26, 101, 3]);
    assert_eq!(checked[1].as_ref().unwrap().encode(), transactions[1]);
}

/// A ledger that has checked a transaction does not verify it again, those beside it do: the blocks
/// are the same, also where one has another signature of the same body.
#[test]
fn a_transaction_that_was_checked_lends_its_validity_to_no_other_signature() {
    let mut chain = Chain::new(LEDGERS.clone(), parameters());
    let valid = transfer(1, 0);
    let checked = chain
        .ledger()
        .check(&chain.reader(), slice::from_ref(&valid), 2);
    checked.unwrap().pop().unwrap().unwrap();
    let mut forged = valid.clone();
    *forged.last_mut().unwrap() ^= 1;
    let block = chain.next(vec![forged.clone()]);
    let refused = chain.ledger().process(chain.reader(), &block).unwrap();
    refused.unwrap_err();
    let proposal = chain.next(vec![forged.clone(), valid.clone()]);
    let prepared = chain.ledger().prepare(chain.reader(), proposal, u64::MAX);
    assert_eq!(prepared.unwrap().transactions, slice::from_ref(&valid));
    let outcomes = chain.run(vec![forged, valid]);
    let invalid = outcomes.iter().map(|outcome| outcome.invalid.is_some());
    assert_eq!(invalid.collect::<Vec<_>>(), [true, false]);
}
