//! The exchange on every machine, with two real tokens.

use exchange::{Error, Exchange, ExchangeClient};
use fusee_sdk::Address;
use fusee_testkit::{
    Chain, Fuzz, GasSnapshot, Machine, Program, Status, on_every_machine, on_machine, program,
};
use token::{Token, TokenClient};

const EXCHANGE: Program = program!(Exchange);
const TOKEN: Program = program!(Token => "example-token");

struct World {
    alice: Address,
    bob: Address,
    first: TokenClient,
    second: TokenClient,
    exchange: ExchangeClient,
}

/// Alice has all of two tokens, and lets an exchange move them. Bob has 1,000 of the first one.
fn world(chain: &mut Chain) -> World {
    let (alice, bob) = (chain.account("alice", 0), chain.account("bob", 0));
    let supply = TokenClient::deploy(1_000_000).input();
    let [first, second] = [(); 2].map(|()| chain.deploy(alice, &TOKEN, &supply));
    let exchange = chain.deploy(
        alice,
        &EXCHANGE,
        &ExchangeClient::deploy(first, second).input(),
    );
    let [first, second] = [first, second].map(TokenClient::at);
    for token in [first, second] {
        chain.call(alice, token.approve(exchange, 1_000_000));
        chain.call(bob, token.approve(exchange, 1_000_000));
    }
    chain.call(alice, first.transfer(bob, 1_000));
    let exchange = ExchangeClient::at(exchange);
    World {
        alice,
        bob,
        first,
        second,
        exchange,
    }
}

#[test]
fn a_swap_keeps_the_product_of_the_reserves() {
    on_every_machine(|chain| {
        let World {
            alice,
            bob,
            first,
            second,
            exchange,
        } = world(chain);
        assert_eq!(chain.call(alice, exchange.provide(10_000, 40_000)), 20_000);
        let sold = *first.total_supply().target();
        assert_eq!(chain.query(exchange.price(sold, 1_000)), 3_626);
        assert_eq!(chain.call(bob, exchange.swap(sold, 1_000, 3_626)), 3_626);
        assert_eq!(chain.query(second.balance_of(bob)), 3_626);
        assert_eq!(chain.query(first.balance_of(bob)), 0);
        let (left, right) = chain.query(exchange.reserves());
        assert_eq!((left, right), (11_000, 36_374));
        assert!(left * right >= 10_000 * 40_000);
        // The fee belongs to the provider.
        assert_eq!(
            chain.call(alice, exchange.withdraw(20_000)),
            (11_000, 36_374)
        );
        assert_eq!(chain.query(exchange.reserves()), (0, 0));
    });
}

#[test]
fn what_a_token_refuses_is_told_and_changes_nothing() {
    on_every_machine(|chain| {
        let World {
            alice,
            bob,
            first,
            exchange,
            ..
        } = world(chain);
        chain.call(alice, exchange.provide(10_000, 10_000));
        let sold = *first.total_supply().target();
        let failure = chain
            .try_call(bob, exchange.swap(sold, 1_001, 0))
            .unwrap_err();
        assert_eq!(failure, "insufficient balance: has 1000, needs 1001");
        assert_eq!(chain.query(exchange.reserves()), (10_000, 10_000));
        let failure = chain
            .try_call(bob, exchange.swap(sold, 1_000, 1_000))
            .unwrap_err();
        assert_eq!(
            failure,
            Error::TooFew {
                amount: 906,
                least: 1_000
            }
            .to_string()
        );
        let failure = chain.try_call(bob, exchange.swap(bob, 1, 0)).unwrap_err();
        assert_eq!(failure, Error::UnknownToken.to_string());
        let failure = chain.try_call(bob, exchange.withdraw(1)).unwrap_err();
        assert_eq!(
            failure,
            Error::InsufficientShares { has: 0, needs: 1 }.to_string()
        );
    });
}

#[test]
fn the_second_provider_pays_in_the_ratio_of_the_reserves() {
    on_every_machine(|chain| {
        let World {
            alice,
            bob,
            first,
            second,
            exchange,
        } = world(chain);
        chain.call(alice, exchange.provide(1_000, 2_000));
        chain.call(alice, second.transfer(bob, 5_000));
        let shares = chain.call(bob, exchange.provide(500, 5_000));
        assert_eq!(shares, chain.query(exchange.shares_of(bob)));
        let (left, right) = chain.query(exchange.reserves());
        assert!(
            (left, right) == (1_500, 3_000) || left * 2 >= right,
            "{left} {right}"
        );
        assert_eq!(chain.query(first.balance_of(bob)), 1_000 + 1_000 - left);
        let nothing = chain.try_call(bob, exchange.provide(0, 5)).unwrap_err();
        assert_eq!(nothing, Error::NothingProvided.to_string());
    });
}

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let World {
            alice,
            bob,
            first,
            exchange,
            ..
        } = world(chain);
        let mut gas = GasSnapshot::new();
        chain.call(alice, exchange.provide(10_000, 40_000));
        gas.record("provide", chain.gas_used());
        let sold = *first.total_supply().target();
        chain.call(bob, exchange.swap(sold, 1_000, 0));
        gas.record("swap", chain.gas_used());
        chain.call(alice, exchange.withdraw(20_000));
        gas.record("withdraw", chain.gas_used());
        // Per mille: compilers change.
        gas.check("tests/gas.txt", 20).unwrap();
    });
}

#[test]
fn no_random_call_makes_shares_worth_less() {
    on_every_machine(|chain| {
        let World {
            alice,
            bob,
            first,
            second,
            exchange,
        } = world(chain);
        chain.call(alice, second.transfer(bob, 1_000));
        chain.call(alice, exchange.provide(1_000, 4_000));
        let contract = *exchange.reserves().target();
        let tokens = [first, second];
        // The tokens are arguments of swaps. As senders they have nothing to exchange.
        let [sold, other] = tokens.map(|token| *token.total_supply().target());
        let accounts = [alice, bob, sold, other];
        let fuzz = Fuzz {
            contract,
            accounts: &accounts,
            seed: 7,
            calls: 500,
        };
        let product = |(left, right): (u64, u64)| u128::from(left) * u128::from(right);
        let shares = |chain: &Chain| {
            let shares = accounts.map(|account| chain.query(exchange.shares_of(account)));
            shares.into_iter().map(u128::from).sum::<u128>()
        };
        let mut before = (product((1_000, 4_000)), shares(chain));
        let mut succeeded = std::collections::BTreeSet::new();
        chain.fuzz(fuzz, |chain, call| {
            let reserves = chain.query(exchange.reserves());
            let has = tokens.map(|token| chain.query(token.balance_of(contract)));
            assert_eq!(reserves, (has[0], has[1]), "it has its reserves");
            let now = (product(reserves), shares(chain));
            // What a share is of the square root of the product.
            assert!(
                now.0 * before.1 * before.1 >= before.0 * now.1 * now.1,
                "the product by shares fell from {before:?} to {now:?}"
            );
            before = now;
            if call.status == Status::Success {
                succeeded.insert(call.method.clone());
            }
        });
        for method in ["provide", "swap", "withdraw"] {
            assert!(succeeded.contains(method), "{method} succeeds once");
        }
    });
}
