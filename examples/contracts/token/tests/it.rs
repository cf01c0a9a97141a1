//! The token on every machine.

use fusee_sdk::Address;
use fusee_testkit::{
    Chain, Fuzz, GasSnapshot, Machine, Program, on_every_machine, on_machine, program,
};
use serde_json::json;
use token::{Error, Token, TokenClient};

const TOKEN: Program = program!(Token);

/// A chain with a token whose supply of 1,000 is Alice's.
fn deployed(chain: &mut Chain) -> (Address, Address, TokenClient) {
    let (alice, bob) = (chain.account("alice", 100), chain.account("bob", 100));
    let token = chain.deploy(alice, &TOKEN, &TokenClient::deploy(1_000).input());
    (alice, bob, TokenClient::at(token))
}

#[test]
fn a_transfer_moves_tokens_and_tells_it() {
    on_every_machine(|chain| {
        let (alice, bob, token) = deployed(chain);
        chain.call(alice, token.transfer(bob, 250));
        let hex = |address: Address| format!("0x{}", hex::encode(address.as_bytes()));
        let fields = json!({"from": hex(alice), "to": hex(bob), "amount": 250});
        assert_eq!(chain.events(), [("transfer".to_owned(), fields)]);
        assert_eq!(chain.query(token.balance_of(alice)), 750);
        assert_eq!(chain.query(token.balance_of(bob)), 250);
        assert_eq!(chain.query(token.total_supply()), 1_000);
    });
}

#[test]
fn a_transfer_to_oneself_changes_nothing() {
    on_every_machine(|chain| {
        let (alice, _, token) = deployed(chain);
        chain.call(alice, token.transfer(alice, 1_000));
        assert_eq!(chain.query(token.balance_of(alice)), 1_000);
    });
}

#[test]
fn a_transfer_of_too_much_is_reverted_with_both_numbers() {
    on_every_machine(|chain| {
        let (_, bob, token) = deployed(chain);
        let poor = Error::InsufficientBalance { has: 0, needs: 1 };
        let failure = chain.try_call(bob, token.transfer(bob, 1)).unwrap_err();
        assert_eq!(failure, poor.to_string());
        assert_eq!(failure, "insufficient balance: has 0, needs 1");
    });
}

#[test]
fn an_allowance_is_used_up() {
    on_every_machine(|chain| {
        let (alice, bob, token) = deployed(chain);
        chain.call(alice, token.approve(bob, 10));
        chain.call(bob, token.transfer_from(alice, bob, 7));
        assert_eq!(chain.query(token.allowance(alice, bob)), 3);
        let failure = chain.try_call(bob, token.transfer_from(alice, bob, 4));
        let poor = Error::InsufficientAllowance { has: 3, needs: 4 };
        assert_eq!(failure.unwrap_err(), poor.to_string());
        assert_eq!(chain.query(token.balance_of(bob)), 7);
    });
}

#[test]
fn random_calls_keep_the_supply() {
    on_every_machine(|chain| {
        let (alice, bob, token) = deployed(chain);
        let fuzz = Fuzz {
            contract: *token.total_supply().target(),
            accounts: &[alice, bob],
            seed: 7,
            calls: 200,
        };
        let mut greatest = 0;
        chain.fuzz(fuzz, |chain, _| {
            let balances = [alice, bob].map(|account| chain.query(token.balance_of(account)));
            let sum: u128 = balances.into_iter().map(u128::from).sum();
            assert_eq!(sum, 1_000, "the balances add up to the supply");
            assert_eq!(chain.query(token.total_supply()), 1_000);
            greatest = greatest.max(balances[1]);
        });
        assert!(greatest > 0, "a random transfer succeeds");
    });
}

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let (alice, bob, token) = deployed(chain);
        let mut gas = GasSnapshot::new();
        gas.record("deploy", chain.gas_used());
        chain.call(alice, token.transfer(bob, 250));
        gas.record("transfer", chain.gas_used());
        chain.call(alice, token.approve(bob, 10));
        gas.record("approve", chain.gas_used());
        chain.call(bob, token.transfer_from(alice, bob, 7));
        gas.record("transfer_from", chain.gas_used());
        // Per mille: compilers change.
        gas.check("tests/gas.txt", 20).unwrap();
    });
}
