//! Limits of blocks: what a block has no room for.

use fusee_engine::Gas;
use fusee_ledger::{BlockLimits, Refused};

use crate::{
    chain::{Chain, changed, interpreted, transfer},
    chain_samples::parameters,
};

/// A chain with the limits changed.
fn chain(change: impl FnOnce(&mut BlockLimits)) -> Chain {
    let mut parameters = parameters();
    change(&mut parameters.limits);
    Chain::new(interpreted(), parameters)
}

/// The second of three transactions of different senders has no room.
#[track_caller]
fn check(mut chain: Chain, transactions: [Vec<u8>; 3], limit: &str) {
    let block = chain.next(transactions.to_vec());
    let refused = chain.ledger().process(chain.reader(), &block).unwrap();
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!(
            "transaction 1 of the block is invalid: the block is full: its limit of {limit} does \
             not admit this transaction"
        )
    );
    let prepared = chain
        .ledger()
        .prepare(chain.reader(), block.clone(), u64::MAX)
        .unwrap();
    assert!(prepared.transactions.len() < 3);
    let accepted = chain.ledger().process(chain.reader(), &prepared).unwrap();
    assert!(accepted.is_ok());
    let codes = chain.codes(transactions.to_vec());
    assert_eq!(codes[..2], [0, 30]);
}

#[test]
fn a_block_has_so_many_transactions() {
    let chain = chain(|limits| limits.transactions = 1);
    check(
        chain,
        [1, 2, 3].map(|number| transfer(number, 0)),
        "transactions",
    );
}

#[test]
fn a_block_has_so_many_bytes() {
    let bytes = u64::try_from(transfer(1, 0).len()).unwrap();
    let chain = chain(|limits| limits.bytes = 2 * bytes - 1);
    check(chain, [1, 2, 3].map(|number| transfer(number, 0)), "bytes");
}

/// The gas limits count, and not what is used. A smaller transaction still has room.
#[test]
fn a_block_declares_so_much_gas() {
    let chain = chain(|limits| limits.gas = Gas::new(3_000_000));
    let small = changed(3, 0, |body| body.gas_limit = Gas::new(1_000_000));
    check(
        chain,
        [transfer(1, 0), transfer(2, 0), small.clone()],
        "gas",
    );
    let mut chain = self::chain(|limits| limits.gas = Gas::new(3_000_000));
    let transactions = vec![transfer(1, 0), transfer(2, 0), small];
    assert_eq!(chain.codes(transactions), [0, 30, 0]);
    assert_eq!(chain.blocks[0].1.gas_declared, Gas::new(3_000_000));
}

/// What is invalid without the state takes no gas of the block; what the state makes invalid does,
/// so that limits do not depend on results.
#[test]
fn declared_gas_does_not_depend_on_the_state() {
    let mut chain = chain(|limits| limits.gas = Gas::new(3_000_000));
    let expired = changed(1, 0, |body| body.expiry = 0);
    assert_eq!(chain.codes(vec![expired, transfer(1, 0)]), [19, 0]);
    assert_eq!(chain.codes(vec![transfer(1, 5), transfer(2, 0)]), [21, 30]);
}

#[test]
fn a_proposal_has_the_bytes_that_consensus_admits() {
    let chain = chain(|_| {});
    let transactions = [1, 2, 3].map(|number| transfer(number, 0));
    let bytes = u64::try_from(transactions[0].len()).unwrap();
    let block = chain.next(transactions.to_vec());
    let prepare = |max_bytes| {
        let ledger = chain.ledger();
        let prepared = ledger.prepare(chain.reader(), block.clone(), max_bytes);
        prepared.unwrap().transactions
    };
    assert_eq!(prepare(2 * bytes), transactions[..2]);
    assert_eq!(prepare(0), Vec::<Vec<u8>>::new());
}

/// No byte of what has no place is read.
#[test]
fn a_block_over_its_limits_is_refused_before_signatures_are_verified() {
    let chain = chain(|limits| limits.transactions = 1);
    let mut forged = transfer(1, 0);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let block = chain.next(vec![forged, transfer(2, 0)]);
    let refused = chain.ledger().process(chain.reader(), &block).unwrap();
    let Err(Refused::Invalid { index: 1, reason }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(reason.code(), 30);
}

/// A block of a network takes the slowest engine a second. If a new calibration changes what a gas
/// takes, the constant follows: of new chains alone.
#[test]
fn the_gas_of_a_networks_block_is_a_second_of_the_interpreter() {
    let calibration = include_str!("../../../../docs/calibration.md");
    let mut rows = calibration.lines().map(|line| line.split('|'));
    let mut of_wasmi = rows.find_map(|mut cells| {
        let is_wasmi = cells.nth(1)?.trim() == "wasmi";
        is_wasmi.then_some(cells)
    });
    let nanoseconds: f64 = {
        let cells = of_wasmi.as_mut().expect("the page has a row of wasmi");
        cells.nth(2).unwrap().trim().parse().unwrap()
    };
    let gas: u32 = BlockLimits::INTERPRETED_SECOND.units().try_into().unwrap();
    let seconds = f64::from(gas) * nanoseconds / 1e9;
    assert!((0.8..1.1).contains(&seconds), "{seconds} s");
}
