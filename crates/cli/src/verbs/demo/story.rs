//! The steps of the demo, in order.
//!
//! Tokens and their exchange, a failure of each kind, and a contract that runs a program of a user.

use super::{
    guests::{EXCHANGE, SCRIPTS, SUM, TOKEN},
    step::{Step, Work},
};

/// A gas limit with which a transfer is valid, but runs out of gas.
const LITTLE_GAS: u64 = 270_000;

pub(super) fn steps() -> Vec<Step> {
    let call = |title, contract, method| Step::new(title, Work::Call(contract, method));
    let query = |title, contract, method| Step::new(title, Work::Query(contract, method));
    let deploy = |title, file, name| Step::new(title, Work::Deploy(file, name));
    vec![
        deploy("Alice issues a token, GOLD", &TOKEN, "gold").args(&["1000000"]),
        deploy("Bob issues another one, SILVER", &TOKEN, "silver")
            .args(&["4000000"])
            .from("bob"),
        deploy("Alice opens an exchange of both", &EXCHANGE, "exchange")
            .args(&["@gold", "@silver"]),
        call("Bob sends Alice 400,000 SILVER", "silver", "transfer")
            .args(&["@alice", "400000"])
            .from("bob"),
        call("Alice allows the exchange to take GOLD", "gold", "approve")
            .args(&["@exchange", "100000"]),
        call("And SILVER", "silver", "approve").args(&["@exchange", "400000"]),
        call(
            "Alice provides both: the exchange calls transfer_from of each token",
            "exchange",
            "provide",
        )
        .args(&["100000", "400000"]),
        call("Bob allows it to take 4,000 SILVER", "silver", "approve")
            .args(&["@exchange", "4000"])
            .from("bob"),
        call(
            "Bob wants 1,000 GOLD for them, and the price is higher: a revert with a message",
            "exchange",
            "swap",
        )
        .args(&["@silver", "4000", "1000"])
        .from("bob")
        .expect("reverted"),
        call("Bob is content with 980", "exchange", "swap")
            .args(&["@silver", "4000", "980"])
            .from("bob"),
        call(
            "A transfer runs out of gas: nothing is moved",
            "gold",
            "transfer",
        )
        .args(&["@carol", "5"])
        .gas(LITTLE_GAS)
        .expect("out_of_gas"),
        query("A query must not write: it traps", "gold", "approve")
            .args(&["@carol", "5"])
            .expect("trapped"),
        query("What Bob bought", "gold", "balance_of").args(&["@bob"]),
        deploy(
            "Carol deploys a contract that runs scripts of its users",
            &SCRIPTS,
            "scripts",
        )
        .from("carol"),
        call(
            "Dave publishes one, which adds its inputs up",
            "scripts",
            "publish",
        )
        .file(&SUM)
        .from("dave"),
        call(
            "Erin runs it on 40, in a VM within the contract, with a gas limit of its own",
            "scripts",
            "run",
        )
        .args(&["0", "0x28", "1000000"])
        .from("erin"),
    ]
}
