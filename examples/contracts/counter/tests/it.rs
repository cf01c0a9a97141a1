//! The counter on every machine.

use counter::{Counter, CounterClient, Error};
use fusee_sdk::Address;
use fusee_testkit::{Chain, Fuzz, Program, Status, on_every_machine, program};

const COUNTER: Program = program!(Counter);

/// A chain with a counter, and an account.
fn deployed(chain: &mut Chain) -> (Address, CounterClient) {
    let alice = chain.account("alice", 100);
    let counter = chain.deploy(alice, &COUNTER, &[]);
    (alice, CounterClient::at(counter))
}

#[test]
fn it_counts() {
    on_every_machine(|chain| {
        let (alice, counter) = deployed(chain);
        assert_eq!(chain.call(alice, counter.add(2)), 2);
        assert_eq!(chain.call(alice, counter.add(3)), 5);
        assert_eq!(chain.query(counter.count()), 5);
        let (name, fields) = &chain.events()[0];
        assert_eq!(name, "counted");
        assert_eq!(fields["count"], 5);
    });
}

#[test]
fn a_number_that_is_too_large_is_refused_and_changes_nothing() {
    on_every_machine(|chain| {
        let (alice, counter) = deployed(chain);
        chain.call(alice, counter.add(2));
        let failure = chain.try_call(alice, counter.add(u64::MAX)).unwrap_err();
        assert_eq!(failure, Error::Full { count: 2 }.to_string());
        assert_eq!(chain.query(counter.count()), 2);
    });
}

#[test]
fn the_number_is_the_sum_of_what_was_added() {
    on_every_machine(|chain| {
        let (alice, counter) = deployed(chain);
        let mut sum = 0_u64;
        let fuzz = Fuzz {
            contract: *counter.count().target(),
            accounts: &[alice],
            seed: 7,
            calls: 100,
        };
        chain.fuzz(fuzz, |chain, call| {
            if call.method == "add" {
                let number = call.arguments["number"].as_str().expect("a number");
                let next = sum.checked_add(number.parse().expect("a number"));
                assert_eq!(call.status == Status::Success, next.is_some());
                sum = next.unwrap_or(sum);
            }
            assert_eq!(chain.query(counter.count()), sum);
        });
        assert!(sum > 0, "a random addition succeeds");
    });
}
