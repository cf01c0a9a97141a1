//! The registry on every machine, and its upgrade.

use std::collections::{BTreeMap, btree_map::Entry};

use fusee_testkit::{
    Fuzz, GasSnapshot, Machine, Program, Status, on_every_machine, on_machine, program,
};
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

/// Also of names that were registered before the upgrade.
#[test]
fn a_name_changes_hands_only_after_its_end() {
    on_every_machine(|chain| {
        let (alice, bob) = (chain.account("alice", 0), chain.account("bob", 0));
        let contract = chain.deploy(alice, &FIRST, &[]);
        // Names that random calls register, too.
        for name in ["a", "0"] {
            let register = RegistryClient::at(contract).register(name.to_owned());
            chain.call(alice, register);
        }
        chain.try_upgrade(alice, contract, &SECOND, &[]).unwrap();
        let registry = registry_2::RegistryClient::at(contract);
        // The upgrade was in the last block, a second ago.
        let ends = chain.block().time - 1_000 + PERIOD;
        let mut names = BTreeMap::from(["a", "0"].map(|name| (name.to_owned(), (alice, ends))));
        let fuzz = Fuzz {
            contract,
            accounts: &[alice, bob],
            seed: 7,
            calls: 200,
        };
        let (mut taken, mut moved, mut now) = (0, 0, chain.block().time);
        chain.fuzz(fuzz, |chain, call| {
            let random = (call.method == "register").then(|| {
                let name = call.arguments["name"].as_str().expect("a name");
                (name.to_owned(), call.from, call.status == Status::Success)
            });
            let mut registered: Vec<_> = random.map(|it| (it, now)).into_iter().collect();
            // Most random texts are no names, so one is asked for by each, twice in turn.
            if call.number.is_multiple_of(10) {
                let from = if call.number % 40 < 20 { alice } else { bob };
                let (name, time) = ("a".to_owned(), chain.block().time);
                let result = chain.try_call(from, registry.register(name.clone()));
                registered.push(((name, from, result.is_ok()), time));
            }
            for ((name, from, is_registered), time) in registered {
                let before = names.get(&name).copied();
                let other = before.filter(|(owner, ends)| *owner != from && time < *ends);
                if is_registered {
                    assert_eq!(other, None, "it is somebody else's until its end");
                    moved += u32::from(before.is_some_and(|(owner, _)| owner != from));
                    names.insert(name, (from, time + PERIOD));
                } else if before.is_some() {
                    assert!(other.is_some(), "it is free, or the caller's");
                    taken += 1;
                }
            }
            chain.advance_time(PERIOD / 15);
            now = chain.block().time;
            for (name, (owner, ends)) in &names {
                assert_eq!(chain.query(registry.ends(name.clone())), Some(*ends));
                let owner = (now < *ends).then_some(*owner);
                assert_eq!(chain.query(registry.owner_of(name.clone())), owner);
            }
            let count = u64::try_from(names.len()).expect("fits");
            assert_eq!(chain.query(registry.count()), count);
        });
        assert!(taken > 0 && moved > 0, "{names:?} {taken} {moved}");
    });
}

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let mut gas = GasSnapshot::new();
        let alice = chain.account("alice", 0);
        let address = chain.deploy(alice, &FIRST, &[]);
        let name = || "fusee".to_owned();
        chain.call(alice, RegistryClient::at(address).register(name()));
        gas.record("register", chain.gas_used());
        // Per mille: compilers change.
        gas.check("tests/gas.txt", 20).unwrap();

        let mut gas = GasSnapshot::new();
        chain.try_upgrade(alice, address, &SECOND, &[]).unwrap();
        gas.record("migrate", chain.gas_used());
        let registry = registry_2::RegistryClient::at(address);
        chain.call(alice, registry.register(name()));
        gas.record("register", chain.gas_used());
        gas.check("../registry-2/tests/gas.txt", 20).unwrap();
    });
}
