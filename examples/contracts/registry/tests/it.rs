//! The registry on every machine, and its upgrade.

use std::collections::{BTreeMap, btree_map::Entry};

use fusee_testkit::{Fuzz, Program, Status, on_every_machine, program};
use registry::{Error, Registry, RegistryClient};
use registry_2::PERIOD;

const FIRST: Program = program!(Registry);
const SECOND: Program = program!(registry_2::Registry => "example-registry-2");

#[test]
fn a_name_belongs_to_whom_registered_it_first() {
    on_every_machine(|chain| {
        let (alice, bob) = (chain.account("alice", 0), chain.account("bob", 0));
        let registry = RegistryClient::at(chain.deploy(alice, &FIRST, &[]));
        let name = || "fusee".to_owned();
        chain.call(alice, registry.register(name()));
        assert_eq!(chain.query(registry.owner_of(name())), Some(alice));
        let failure = chain.try_call(bob, registry.register(name())).unwrap_err();
        let taken = Error::Taken {
            name: name(),
            owner: alice,
        };
        assert_eq!(failure, taken.to_string());
        let failure = chain.try_call(bob, registry.register("A name".to_owned()));
        assert_eq!(failure.unwrap_err(), Error::NotAName.to_string());
        assert_eq!(chain.query(registry.count()), 1);
    });
}

#[test]
fn an_upgrade_keeps_what_is_stored() {
    on_every_machine(|chain| {
        let (alice, bob) = (chain.account("alice", 0), chain.account("bob", 0));
        let address = chain.deploy(alice, &FIRST, &[]);
        let name = || "fusee".to_owned();
        chain.call(alice, RegistryClient::at(address).register(name()));

        let failure = chain.try_upgrade(bob, address, &SECOND, &[]).unwrap_err();
        assert!(matches!(failure.status, Status::Rejected(_)), "{failure}");
        let migrated = chain.block().time;
        chain.try_upgrade(alice, address, &SECOND, &[]).unwrap();

        let registry = registry_2::RegistryClient::at(address);
        assert_eq!(chain.query(registry.owner_of(name())), Some(alice));
        // A transaction of Bob's came before, in a block of its own.
        assert_eq!(
            chain.query(registry.ends(name())),
            Some(migrated + 1_000 + PERIOD)
        );
        chain.try_call(bob, registry.register(name())).unwrap_err();
        chain.advance_time(PERIOD);
        assert_eq!(chain.query(registry.owner_of(name())), None);
        chain.call(bob, registry.register(name()));
        assert_eq!(chain.query(registry.owner_of(name())), Some(bob));
        assert_eq!(chain.query(registry.count()), 1);
        // There is no way back: the first version lacks a method.
        let failure = chain.try_upgrade(alice, address, &FIRST, &[]).unwrap_err();
        assert!(matches!(failure.status, Status::Rejected(_)), "{failure}");
    });
}

#[test]
fn a_registered_name_keeps_its_owner() {
    on_every_machine(|chain| {
        let (alice, bob) = (chain.account("alice", 0), chain.account("bob", 0));
        let contract = chain.deploy(alice, &FIRST, &[]);
        let registry = RegistryClient::at(contract);
        let fuzz = Fuzz {
            contract,
            accounts: &[alice, bob],
            seed: 7,
            calls: 300,
        };
        let (mut owners, mut taken) = (BTreeMap::new(), 0);
        chain.fuzz(fuzz, |chain, call| {
            if call.method == "register" {
                let name = call.arguments["name"].as_str().expect("a name").to_owned();
                let is_registered = call.status == Status::Success;
                match owners.entry(name) {
                    Entry::Occupied(_) => {
                        taken += 1;
                        assert!(!is_registered, "it is taken");
                    }
                    Entry::Vacant(free) if is_registered => {
                        free.insert(call.from);
                    }
                    Entry::Vacant(_) => {}
                }
            }
            for (name, owner) in &owners {
                assert_eq!(chain.query(registry.owner_of(name.clone())), Some(*owner));
            }
            let count = u64::try_from(owners.len()).expect("fits");
            assert_eq!(chain.query(registry.count()), count);
        });
        assert!(owners.len() > 2 && taken > 0, "{owners:?} {taken}");
    });
}
