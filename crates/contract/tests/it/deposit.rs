//! The deposit for storage: held by the contract's balance, and given back on removal.

use std::collections::BTreeMap;

use fusee_abi::{
    self as abi,
    status::{INSUFFICIENT_BALANCE, INSUFFICIENT_DEPOSIT},
};
use fusee_contract::{Address, ContractRules, Extensions, Status, keys, set_balances};
use fusee_engine::Trap;
use fusee_state::StateReader;

use crate::{
    asks::{Asks, Region, deploy},
    world::{GAS, World, alice, bob},
};

/// The deposit for a byte.
const BYTE: u64 = 10;
const ENTRY: u128 = 64;
const REFUSED: Status = Status::Trapped(Trap::SyscallRefused);

fn rules() -> ContractRules {
    ContractRules::v2().with_deposit(BYTE)
}

fn world() -> World {
    World::in_both_formats(&rules())
}

/// Deploys the contract in both formats, and gives each a balance.
fn funded(world: &mut World, balance: u128) -> [Address; 2] {
    let contracts = deploy(world);
    for contract in contracts {
        fund(world, contract, balance);
    }
    contracts
}

fn fund(world: &mut World, contract: Address, balance: u128) {
    let balance = world.account(contract).balance + balance;
    world.state.apply(&set_balances(&[(contract, balance)]));
}

fn write(asks: &mut Asks, number: u32, key: &[u8], value: &[u8]) {
    let [key, value] = [key, value].map(|bytes| asks.put(bytes));
    let arguments = [key.at(), key.len(), value.at(), value.len()];
    asks.ask(number, &arguments);
}

fn remove(asks: &mut Asks, key: &[u8]) {
    let key = asks.put(key);
    asks.ask(abi::STORAGE_REMOVE, &[key.at(), key.len()]);
}

fn deposit(asks: &mut Asks) -> Region {
    let room = asks.room(16);
    asks.ask(abi::DEPOSIT, &[room.at()]);
    room
}

/// Sends value to bob.
fn send(asks: &mut Asks, value: u128) {
    let to = asks.put(bob().as_bytes());
    let options = asks.put(&[[0xff; 8].as_slice(), &value.to_le_bytes()].concat());
    asks.ask(abi::CALL, &[to.at(), 0, 0, 0, 0, options.at()]);
}

/// What the state counts for a contract.
fn counted(world: &World, contract: Address) -> u128 {
    let value = world.state.read(&keys::stored_bytes(contract)).unwrap();
    value.map_or(0, |value| {
        // The version of the encoding, and a u64.
        let (version, bytes) = value.split_first().unwrap();
        assert_eq!(*version, 1);
        u64::from_le_bytes(bytes.try_into().unwrap()).into()
    })
}

#[test]
fn entries_hold_a_deposit_until_they_are_removed() {
    let mut world = world();
    for contract in funded(&mut world, 10_000) {
        let mut asks = Asks::default();
        write(&mut asks, abi::STORAGE_WRITE, b"key", &[1; 33]);
        let one = deposit(&mut asks);
        write(&mut asks, abi::STORAGE_TRY_WRITE, b"", b"");
        let two = deposit(&mut asks);
        write(&mut asks, abi::STORAGE_WRITE, b"key", &[1; 13]);
        let shorter = deposit(&mut asks);
        remove(&mut asks, b"key");
        remove(&mut asks, b"key");
        let rest = deposit(&mut asks);
        asks.ask(abi::STORAGE_REMOVE_RANGE, &[0, 0, 0, 0, 9]);
        let none = deposit(&mut asks);
        let answers = asks.answers(&mut world, contract);
        for (region, bytes) in [
            (one, 100),
            (two, 164),
            (shorter, 144),
            (rest, 64),
            (none, 0),
        ] {
            let amount: u128 = bytes * u128::from(BYTE);
            assert_eq!(answers.bytes(region), amount.to_le_bytes(), "{bytes} bytes");
        }
        // No bytes are no entry in the state.
        assert_eq!(
            world.state.read(&keys::stored_bytes(contract)).unwrap(),
            None
        );
        assert_eq!(world.account(contract).balance, 10_000);
    }
}

#[test]
fn a_balance_covers_so_many_bytes_and_no_more() {
    let mut world = world();
    // A key of 3 bytes and a value of 33, with the 64 of an entry; and nearly one more.
    for contract in funded(&mut world, 1_009) {
        let mut asks = Asks::default();
        for (length, result) in [
            (34, INSUFFICIENT_DEPOSIT),
            (33, 0),
            (34, INSUFFICIENT_DEPOSIT),
        ] {
            write(&mut asks, abi::STORAGE_TRY_WRITE, b"key", &vec![2; length]);
            let mut another = asks.clone();
            write(&mut another, abi::STORAGE_WRITE, b"key", &vec![2; length]);
            let expected = if result == 0 {
                Status::Success
            } else {
                REFUSED
            };
            assert_eq!(another.call(&mut world, contract).status, expected);
            let answers = asks.answers(&mut world, contract);
            assert_eq!(answers.results.last(), Some(&result.into()), "{length}");
            // Leaves the state as it was.
            let mut asks = Asks::default();
            asks.ask(abi::STORAGE_REMOVE_RANGE, &[0, 0, 0, 0, 9]);
            asks.answers(&mut world, contract);
        }
        // With a value that comes with the call, there is room for one byte more.
        let mut asks = Asks::default();
        let room = asks.room(16);
        asks.ask(abi::VALUE, &[room.at()]);
        write(&mut asks, abi::STORAGE_WRITE, b"key", &[2; 34]);
        let receipt = world.call_with(alice(), contract, "ask", &asks.input(), 1, GAS);
        assert_eq!(receipt.status, Status::Success);
        assert_eq!(counted(&world, contract) * u128::from(BYTE), 1_010);
    }
}

#[test]
fn what_is_held_cannot_be_sent() {
    let mut world = world();
    for contract in funded(&mut world, 1_500) {
        let mut asks = Asks::default();
        write(&mut asks, abi::STORAGE_WRITE, b"key", &[2; 33]);
        send(&mut asks, 501);
        send(&mut asks, 500);
        send(&mut asks, 1);
        send(&mut asks, 0);
        remove(&mut asks, b"key");
        send(&mut asks, 1_000);
        let before = world.account(bob()).balance;
        let answers = asks.answers(&mut world, contract);
        let refused = i64::from(INSUFFICIENT_BALANCE);
        assert_eq!(answers.results, [0, refused, 0, refused, 0, 1, 0]);
        assert_eq!(world.account(bob()).balance - before, 1_500);
        assert_eq!(world.account(contract).balance, 0);
    }
}

#[test]
fn a_call_that_fails_holds_nothing() {
    let mut world = world();
    let contracts = funded(&mut world, 1_000);
    for (caller, callee) in [(0, 1), (1, 0)] {
        let (caller, callee) = (contracts[caller], contracts[callee]);
        let mut inner = Asks::default();
        write(&mut inner, abi::STORAGE_WRITE, b"key", &[2; 33]);
        let mut reverted = inner.clone();
        reverted.revert();
        let mut asks = Asks::default();
        asks.ask_in(callee, &reverted).ask_in(callee, &inner);
        write(&mut asks, abi::STORAGE_WRITE, b"own", b"");
        asks.answers(&mut world, caller);
        assert_eq!(
            [caller, callee].map(|contract| counted(&world, contract)),
            [67, 100]
        );
        for contract in [caller, callee] {
            let mut asks = Asks::default();
            asks.ask(abi::STORAGE_REMOVE_RANGE, &[0, 0, 0, 0, 9]);
            asks.answers(&mut world, contract);
            assert_eq!(counted(&world, contract), 0);
        }
    }
}

/// After any operations, what is counted is what is stored.
#[test]
fn the_count_is_that_of_what_is_stored() {
    let mut world = world();
    let contracts = funded(&mut world, 4_000);
    let mut number = 11_u64;
    let mut below = |most: u64| {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from((number >> 33) % most).unwrap()
    };
    let mut refused = 0;
    for round in 0..16 {
        let contract = contracts[round % 2];
        let mut asks = Asks::default();
        for _ in 0..20 {
            let key = [0, 1, 2, 3][below(4)];
            match below(6) {
                0..4 => {
                    let value = vec![0; below(90)];
                    write(
                        &mut asks,
                        abi::STORAGE_TRY_WRITE,
                        &vec![key; below(3)],
                        &value,
                    );
                }
                4 => remove(&mut asks, &vec![key; below(3)]),
                _ => {
                    asks.ask(abi::STORAGE_REMOVE_RANGE, &[0, 0, 0, 0, 1]);
                }
            }
        }
        let answers = asks.answers(&mut world, contract);
        let missing = i64::from(INSUFFICIENT_DEPOSIT);
        refused += answers
            .results
            .iter()
            .filter(|result| **result == missing)
            .count();
        let entries: BTreeMap<Vec<u8>, usize> = world
            .state
            .iter()
            .filter(|(key, _)| {
                let parts = keys::parts(key).unwrap();
                parts.tag == keys::STORAGE && parts.owner == *contract.as_bytes()
            })
            .map(|(key, value)| (key[33..].to_vec(), value.len()))
            .collect();
        let bytes = entries.iter().map(|(key, value)| key.len() + value);
        let stored = u128::try_from(bytes.sum::<usize>()).unwrap();
        let stored = stored + ENTRY * u128::try_from(entries.len()).unwrap();
        assert_eq!(counted(&world, contract), stored, "{round}");
        assert!(stored * u128::from(BYTE) <= world.account(contract).balance);
    }
    assert!((10..200).contains(&refused), "{refused}");
    assert_eq!(ENTRY, u128::from(Extensions::ENTRY_BYTES));
}

/// Under a higher price, a contract keeps its entries, and can shorten and remove them.
#[test]
fn a_higher_price_takes_nothing_away() {
    let mut world = world();
    let contracts = funded(&mut world, 2_000);
    for contract in contracts {
        let mut asks = Asks::default();
        write(&mut asks, abi::STORAGE_WRITE, b"key", &[2; 33]);
        write(&mut asks, abi::STORAGE_WRITE, b"two", &[2; 33]);
        asks.answers(&mut world, contract);
    }
    world.adopt(&ContractRules::v2().with_deposit(BYTE * 100));
    for contract in contracts {
        let mut asks = Asks::default();
        write(&mut asks, abi::STORAGE_TRY_WRITE, b"two", &[3; 33]);
        write(&mut asks, abi::STORAGE_TRY_WRITE, b"two", &[3; 34]);
        write(&mut asks, abi::STORAGE_TRY_WRITE, b"two", &[3; 32]);
        send(&mut asks, 1);
        remove(&mut asks, b"key");
        let answers = asks.answers(&mut world, contract);
        let missing = i64::from(INSUFFICIENT_DEPOSIT);
        let balance = i64::from(INSUFFICIENT_BALANCE);
        assert_eq!(answers.results, [0, missing, 0, balance, 1]);
        assert_eq!(world.stored(contract, b"two"), Some(vec![3; 32]));
    }
    // Entries from before there was a deposit give back nothing, and hold nothing.
    world.adopt(&ContractRules::v2());
    let mut asks = Asks::default();
    write(&mut asks, abi::STORAGE_WRITE, b"uncounted", &[4; 500]);
    asks.answers(&mut world, contracts[0]);
    world.adopt(&rules());
    let before = counted(&world, contracts[0]);
    let mut asks = Asks::default();
    remove(&mut asks, b"uncounted");
    asks.answers(&mut world, contracts[0]);
    assert_eq!((before, counted(&world, contracts[0])), (99, 0));
}

/// Nothing tells an entry from before the deposit from a later one.
#[test]
fn an_entry_from_before_the_deposit_gives_back_as_many_bytes_as_there_are() {
    let mut world = world();
    let contracts = funded(&mut world, 20_000);
    for contract in contracts {
        world.adopt(&ContractRules::v2());
        let mut asks = Asks::default();
        write(&mut asks, abi::STORAGE_WRITE, b"old", &[1; 100]);
        write(&mut asks, abi::STORAGE_WRITE, b"older", &[1; 100]);
        asks.answers(&mut world, contract);
        assert_eq!(counted(&world, contract), 0);
        world.adopt(&rules());
        let mut asks = Asks::default();
        write(&mut asks, abi::STORAGE_WRITE, b"new", &[1; 200]);
        asks.answers(&mut world, contract);
        let whole = counted(&world, contract);
        for rest in [whole - (64 + 3 + 100), 0] {
            let mut asks = Asks::default();
            remove(&mut asks, if rest > 0 { b"old" } else { b"older" });
            asks.answers(&mut world, contract);
            assert_eq!(counted(&world, contract), rest);
        }
    }
}

/// An entry that is written anew is read before, at the price of a read.
#[test]
fn what_a_write_replaces_is_paid_as_a_read() {
    let mut world = world();
    let contracts = funded(&mut world, 20_000);
    let state = world.state.clone();
    let mut used = |rules: &ContractRules| {
        world.adopt(rules);
        world.state = state.clone();
        contracts.map(|contract| {
            let mut asks = Asks::default();
            write(&mut asks, abi::STORAGE_WRITE, b"key", &[2; 700]);
            let first = asks.call(&mut world, contract).gas_used.units();
            let second = asks.call(&mut world, contract).gas_used.units();
            [first, second]
        })
    };
    let price = *rules().program.prices().price(abi::STORAGE_READ).unwrap();
    let (with, without) = (used(&rules()), used(&ContractRules::v2()));
    for ([first, second], [free, again]) in with.into_iter().zip(without) {
        assert_eq!(free, again);
        assert_eq!(first - free, price.call(0).units());
        assert_eq!(second - free, price.call(700).units());
    }
}

#[test]
fn without_a_deposit_nothing_is_counted() {
    let mut world = World::in_both_formats(&ContractRules::v2());
    for contract in deploy(&mut world) {
        let mut asks = Asks::default();
        write(&mut asks, abi::STORAGE_TRY_WRITE, b"key", &[2; 33]);
        let none = deposit(&mut asks);
        remove(&mut asks, b"key");
        let transaction = fusee_contract::Transaction {
            from: alice(),
            action: fusee_contract::Action::Call {
                to: contract,
                method: "ask".to_owned(),
                input: asks.input(),
            },
            value: 0,
            gas: fusee_engine::Gas::new(GAS),
        };
        let included = world.try_send(transaction).unwrap();
        let answers = asks.decode(&included.receipt);
        assert_eq!(answers.results, [0, 0, 1]);
        assert_eq!(answers.bytes(none), [0; 16]);
        let key = keys::stored_bytes(contract);
        assert!(!included.reads.contains(&key));
        assert!(included.changes.iter().all(|(changed, _)| changed != key));
    }
}

#[test]
fn a_read_only_call_writes_nothing() {
    let mut world = world();
    for contract in funded(&mut world, 1_000) {
        let mut asks = Asks::default();
        write(&mut asks, abi::STORAGE_TRY_WRITE, b"key", b"");
        assert_eq!(world.query(contract, "ask", &asks.input()).status, REFUSED);
    }
}

#[test]
fn rules_with_a_deposit_are_rules_of_their_own() {
    let (v2, with) = (ContractRules::v2(), rules());
    assert_ne!(v2.id(), with.id());
    assert_eq!(with.name, "contract-2-deposit-10");
    // What programs may do is the same, so compiled programs are.
    assert_eq!(v2.program.id(), with.program.id());
    assert_eq!(ContractRules::v1().with_deposit(BYTE), ContractRules::v1());
}
