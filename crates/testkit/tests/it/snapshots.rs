//! Snapshots: everything goes back to where it was.

use fusee_testkit::{Program, on_every_machine, program};
use registry::{Registry, RegistryClient};

use crate::differences::deployed;

const FIRST: Program = program!(Registry => "example-registry");
const SECOND: Program = program!(registry_2::Registry => "example-registry-2");

#[test]
fn a_snapshot_has_storage_time_and_the_last_receipt() {
    on_every_machine(|chain| {
        let (alice, bob, token) = deployed(chain);
        chain.call(alice, token.transfer(bob, 10));
        let (before, block) = (chain.snapshot(), chain.block().clone());
        let (events, gas) = (chain.events(), chain.gas_used());
        chain.advance(7);
        chain.call(alice, token.approve(bob, 5));
        assert_eq!(chain.query(token.allowance(alice, bob)), 5);
        assert_ne!(chain.events(), events);

        chain.restore(&before);
        assert_eq!(chain.block(), &block);
        assert_eq!(chain.query(token.allowance(alice, bob)), 0);
        assert_eq!(chain.query(token.balance_of(bob)), 10);
        assert_eq!((chain.events(), chain.gas_used()), (events, gas));
    });
}

#[test]
fn two_branches_can_be_gone_to_in_any_order() {
    on_every_machine(|chain| {
        let (alice, bob, token) = deployed(chain);
        let beginning = chain.snapshot();
        chain.call(alice, token.transfer(bob, 1));
        let one = chain.snapshot();
        chain.restore(&beginning);
        chain.call(alice, token.transfer(bob, 2));
        chain.call(alice, token.transfer(bob, 2));
        let two = chain.snapshot();
        for (branch, has) in [(&one, 1), (&two, 4), (&one, 1), (&beginning, 0)] {
            chain.restore(branch);
            assert_eq!(chain.query(token.balance_of(bob)), has);
            let events = chain.events().len();
            assert_eq!(
                events,
                usize::from(has > 0),
                "of the last transaction there"
            );
        }
    });
}

/// The address of a deployment depends on their number, which goes back as well.
#[test]
fn a_deployment_after_restoring_has_the_address_of_the_discarded_one() {
    on_every_machine(|chain| {
        let alice = chain.account("alice", 0);
        let before = chain.snapshot();
        let first = chain.deploy(alice, &FIRST, &[]);
        chain.restore(&before);
        assert!(chain.storage(first).is_empty());
        assert_eq!(chain.deploy(alice, &FIRST, &[]), first);
    });
}

/// The second version has a method that the first one lacks, which random calls find.
#[test]
fn the_interface_of_an_upgrade_is_discarded_with_it() {
    on_every_machine(|chain| {
        let alice = chain.account("alice", 0);
        let registry = chain.deploy(alice, &FIRST, &[]);
        chain.call(alice, RegistryClient::at(registry).register("fusee".into()));
        let before = chain.snapshot();
        chain.try_upgrade(alice, registry, &SECOND, &[]).unwrap();
        let upgraded = methods_called(chain, registry);
        assert!(upgraded.contains("ends"), "{upgraded:?}");
        chain.restore(&before);
        let called = methods_called(chain, registry);
        assert!(!called.contains("ends"), "{called:?}");
        assert!(called.contains("count"), "{called:?}");
    });
}

/// The methods that random calls choose from, by name.
fn methods_called(
    chain: &mut fusee_testkit::Chain,
    contract: fusee_sdk::Address,
) -> std::collections::BTreeSet<String> {
    let alice = chain.account("alice", 0);
    let mut methods = std::collections::BTreeSet::new();
    let fuzz = fusee_testkit::Fuzz {
        contract,
        accounts: &[alice],
        seed: 1,
        calls: 40,
    };
    chain.fuzz(fuzz, |_, call| {
        methods.insert(call.method.clone());
    });
    methods
}
