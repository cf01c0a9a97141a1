//! The counter on every machine.

use counter::{Counter, CounterClient, Error};
use fusee_sdk::Address;
use fusee_testkit::{Chain, Program, on_every_machine, program};

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
