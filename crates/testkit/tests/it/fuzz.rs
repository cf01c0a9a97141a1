//! Random calls: what they find, and what they say then.

use std::collections::BTreeSet;

use fusee_testkit::{Chain, Fuzz, Machine, Status};

use crate::differences::{deployed, failure};

#[test]
fn an_assertion_that_fails_is_told_with_the_call_and_the_seed() {
    let mut chain = Chain::new(Machine::Native);
    let (alice, bob, token) = deployed(&mut chain);
    let mut last = None;
    let fuzz = Fuzz {
        contract: *token.total_supply().target(),
        accounts: &[alice, bob],
        seed: 11,
        calls: 500,
    };
    let told = failure(|| {
        chain.fuzz(fuzz, |chain, call| {
            last = Some(call.clone());
            let balance = chain.query(token.balance_of(bob));
            assert_eq!(balance, 0, "Bob has tokens");
        });
    });
    let (told, last) = (told.expect("a random transfer succeeds"), last.unwrap());
    assert!(told.contains("Bob has tokens"), "{told}");
    let place = format!(
        "after call {} of 500, with the seed 11: {last}",
        last.number
    );
    assert!(told.contains(&place), "{told}");
    assert!(told.contains("transfer"), "{told}");
    assert_eq!(last.status, Status::Success);
    // The same calls again, as many as it took: the last one is that one.
    let mut again = Chain::new(Machine::Native);
    deployed(&mut again);
    let mut found = None;
    let fuzz = Fuzz {
        calls: last.number,
        ..fuzz
    };
    again.fuzz(fuzz, |_, call| found = Some(call.to_string()));
    assert_eq!(found, Some(last.to_string()));
}

#[test]
fn every_method_is_called_and_the_assertion_sees_each_call() {
    let mut chain = Chain::new(Machine::Native);
    let (alice, bob, token) = deployed(&mut chain);
    let fuzz = Fuzz {
        contract: *token.total_supply().target(),
        accounts: &[alice, bob],
        seed: 3,
        calls: 100,
    };
    let (mut methods, mut numbers, mut failed) = (BTreeSet::new(), Vec::new(), 0);
    chain.fuzz(fuzz, |_, call| {
        methods.insert(call.method.clone());
        numbers.push(call.number);
        failed += u32::from(call.status != Status::Success);
    });
    let all = [
        "allowance",
        "approve",
        "balance_of",
        "total_supply",
        "transfer",
        "transfer_from",
    ];
    assert!(methods.iter().eq(all), "{methods:?}");
    assert!(numbers.into_iter().eq(1..=100));
    assert!((1..100).contains(&failed), "{failed}");
}
