//! Whatever differs between two machines fails the test.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use auction::{Auction, AuctionClient};
use fusee_sdk::Address;
use fusee_testkit::{Chain, Machine, Program, on_every_machine, program};
use registry::{Registry, RegistryClient};
use token::{Token, TokenClient};

const AUCTION: Program = program!(Auction => "example-auction");
const REGISTRY: Program = program!(Registry => "example-registry");
const TOKEN: Program = program!(Token => "example-token");

/// A token of Alice, with a supply of 1,000.
pub(crate) fn deployed(chain: &mut Chain) -> (Address, Address, TokenClient) {
    let (alice, bob) = (chain.account("alice", 100), chain.account("bob", 100));
    let token = chain.deploy(alice, &TOKEN, &TokenClient::deploy(1_000).input());
    (alice, bob, TokenClient::at(token))
}

/// What a test fails with. `None` if it passes.
pub(crate) fn failure(test: impl FnOnce()) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(test)).err()?;
    let text = |payload: Box<dyn Any + Send>| match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().unwrap().to_string(),
    };
    Some(text(payload))
}

/// Runs the test on every machine, and says whether it should have failed: one machine alone
/// differs from none.
fn fails_with(told: &str, test: impl Fn(&mut Chain)) {
    let has_wasm = TOKEN.code(Machine::Wasmtime).is_ok();
    match failure(|| on_every_machine(test)) {
        Some(found) => assert!(found.contains(told), "{found}"),
        None => assert!(!has_wasm, "the difference was not found"),
    }
}

#[test]
fn another_amount_in_a_transaction_is_told() {
    fails_with("native and wasmtime differ: transaction 3", |chain| {
        let (alice, bob, token) = deployed(chain);
        let amount = u64::from(chain.machine() == Machine::Native);
        chain.call(alice, token.transfer(bob, amount));
    });
}

#[test]
fn a_transaction_more_is_told() {
    fails_with("there are 3 transactions, and 2", |chain| {
        let (alice, bob, token) = deployed(chain);
        if chain.machine() == Machine::Native {
            chain.call(alice, token.transfer(bob, 1));
        }
    });
}

/// A branch that was discarded counts as well.
#[test]
fn a_difference_before_a_restoring_is_told() {
    fails_with("native and wasmtime differ: transaction 3", |chain| {
        let (alice, bob, token) = deployed(chain);
        let before = chain.snapshot();
        let amount = u64::from(chain.machine() == Machine::Native);
        chain.call(alice, token.transfer(bob, amount));
        chain.restore(&before);
        chain.call(alice, token.transfer(bob, 5));
    });
}

/// How long an auction takes is in its storage alone.
#[test]
fn another_storage_is_told() {
    fails_with("the storage is", |chain| {
        let alice = chain.account("alice", 0);
        let duration = 1_000 + u64::from(chain.machine() == Machine::Native);
        chain.deploy(alice, &AUCTION, &AuctionClient::deploy(duration).input());
    });
}

/// A storage that was discarded counts as well.
#[test]
fn another_storage_before_a_restoring_is_told() {
    fails_with("the storage is", |chain| {
        let alice = chain.account("alice", 0);
        let before = chain.snapshot();
        let duration = 1_000 + u64::from(chain.machine() == Machine::Native);
        chain.deploy(alice, &AUCTION, &AuctionClient::deploy(duration).input());
        chain.restore(&before);
        chain.deploy(alice, &AUCTION, &AuctionClient::deploy(5).input());
    });
}

/// Both are refused with one message, and the longer one costs more.
#[test]
fn other_gas_on_the_two_engines_for_wasm_is_told() {
    fails_with("the gas of wasmtime and wasmi differs", |chain| {
        let alice = chain.account("alice", 0);
        let registry = RegistryClient::at(chain.deploy(alice, &REGISTRY, &[]));
        let name = match chain.machine() {
            Machine::Wasmi => "No name",
            _ => "Neither is this a name",
        };
        let failure = chain.try_call(alice, registry.register(name.into()));
        failure.unwrap_err();
    });
}
