//! Fees and quotas: who pays for gas, and where it goes.

use fusee_contract::Address;
use fusee_engine::Gas;
use fusee_ledger::{FeeDestination, Payment};

use crate::{
    chain::{Chain, FUNDS, account, changed, interpreted, key, proposer, transfer},
    chain_samples::{genesis, parameters},
    samples::address,
};

fn chain(payment: Payment) -> Chain {
    let mut parameters = parameters();
    parameters.payment = payment;
    Chain::new(interpreted(), parameters)
}

fn fees(destination: FeeDestination) -> Payment {
    Payment::Fees {
        minimum_price: 1,
        destination,
    }
}

fn quotas(gas: u64) -> Payment {
    Payment::Quotas {
        gas: Gas::new(gas),
        window: 10.try_into().unwrap(),
    }
}

/// The balance of an account after a block that paid fees. Checks that all balances and the burned
/// fees add up to the sum before the block.
fn after_a_block(destination: FeeDestination, of: Address) -> u128 {
    let mut chain = chain(fees(destination));
    chain.run(vec![
        transfer(1, 0),
        changed(2, 0, |body| body.gas_price = 3),
    ]);
    let (_, header) = &chain.blocks[0];
    assert!(header.fees > u128::from(header.gas_used.units()));
    let senders = [1, 2, 3, 4, 9].map(account);
    let everybody = senders.into_iter().chain([proposer(), address(4)]);
    let sum: u128 = everybody.map(|it| chain.balance(it)).sum();
    let burned = match destination {
        FeeDestination::Burned => header.fees,
        _ => 0,
    };
    assert_eq!(sum + burned, 4 * FUNDS);
    chain.balance(of)
}

#[test]
fn fees_go_where_the_parameters_say() {
    let by_proposer = after_a_block(FeeDestination::Proposer, proposer());
    assert!(by_proposer > 0);
    assert_eq!(
        after_a_block(FeeDestination::Treasury(address(4)), address(4)),
        by_proposer
    );
    assert_eq!(
        after_a_block(FeeDestination::Treasury(address(4)), proposer()),
        0
    );
    assert_eq!(after_a_block(FeeDestination::Burned, proposer()), 0);
}

/// The proposer has its fees after the block, and not within it.
#[test]
fn fees_are_credited_at_the_end() {
    let mut chain = chain(fees(FeeDestination::Proposer));
    let mut block = chain.next(vec![transfer(1, 0), transfer(5, 0)]);
    block.proposer = account(5);
    let outcomes = chain.commit(block).transactions;
    assert_eq!(outcomes[1].result.code, 26);
    assert_eq!(chain.balance(account(5)), outcomes[0].result.fee);
    // A proposer that sends pays itself.
    let mut block = chain.next(vec![transfer(2, 0)]);
    block.proposer = account(2);
    chain.commit(block);
    assert_eq!(chain.balance(account(2)), FUNDS - 250);
}

#[test]
fn gas_at_price_zero_is_free_where_the_minimum_is_zero() {
    let mut chain = chain(Payment::Fees {
        minimum_price: 0,
        destination: FeeDestination::Proposer,
    });
    let free = changed(1, 0, |body| body.gas_price = 0);
    assert_eq!(chain.codes(vec![free]), [0]);
    assert_eq!(chain.balance(account(1)), FUNDS - 250);
    assert_eq!(chain.blocks[0].1.fees, 0);
}

fn free(number: u8, nonce: u64) -> Vec<u8> {
    changed(number, nonce, |body| body.gas_price = 0)
}

#[test]
fn a_quota_is_used_and_comes_back_with_the_next_window() {
    // The first transfer takes some 200,000 gas of 2,300,000, and the second one does not fit.
    let mut chain = chain(quotas(2_300_000));
    let codes = chain.codes(vec![free(1, 0), free(1, 1), free(2, 0), transfer(3, 0)]);
    assert_eq!(codes, [0, 0, 0, 28]);
    assert_eq!(chain.balance(account(1)), FUNDS - 500);
    // The gas that was used counts, and not the limits.
    let outcomes = chain.run(vec![free(1, 2)]);
    let reason = outcomes[0].invalid.as_ref().unwrap().to_string();
    assert!(
        reason.starts_with("the gas limit is 2000000, the quota of the sender has 1"),
        "{reason}"
    );
    assert!(reason.ends_with("left until height 10"), "{reason}");
    assert_eq!(outcomes[0].result.code, 29);
    for _ in 3..10 {
        chain.run(Vec::new());
    }
    assert_eq!(chain.codes(vec![free(1, 2)]), [0]);
    assert_eq!(chain.blocks.last().unwrap().0.height, 10);
    assert_eq!(chain.blocks.last().unwrap().1.fees, 0);
}

#[test]
fn an_account_can_have_a_quota_of_its_own() {
    let mut parameters = parameters();
    parameters.payment = quotas(0);
    let funds = [1, 2].map(|number| (account(number), FUNDS));
    let mut genesis = genesis(parameters, &funds);
    genesis.accounts.get_mut(&account(1)).unwrap().quota = Some(Gas::new(5_000_000));
    let mut chain = Chain::of(interpreted(), genesis);
    assert_eq!(chain.codes(vec![free(2, 0), free(1, 0)]), [29, 0]);
    // It can be lent.
    let mut body = crate::chain::body(2, 0);
    (body.gas_price, body.fee_payer) = (0, Some(account(1)));
    let id = body.id();
    let by_payer = Some(key(1).sign(&id));
    let rules = crate::samples::rules();
    let lent = fusee_ledger::SignedTransaction::new(body, key(2).sign(&id), by_payer, &rules);
    assert_eq!(chain.codes(vec![lent.unwrap().encode()]), [0]);
}
