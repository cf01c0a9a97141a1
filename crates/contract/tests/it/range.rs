//! Ranges of a contract's storage: searched in order, and removed, against a sorted map.

use std::collections::BTreeMap;

use fusee_abi::{self as abi, status::ABSENT};
use fusee_contract::{Address, ContractRules, Status, keys};
use fusee_engine::Trap;

use crate::{
    asks::{Asks, Region, deploy},
    world::{World, alice},
};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// The bytes of a buffer that holds any entry of these tests.
const ROOM: usize = 64;

fn world() -> World {
    World::in_both_formats(&ContractRules::v2())
}

/// Numbers that look random, the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % most
    }

    /// A short key of few bytes, so that keys meet, and are prefixes of each other.
    fn key(&mut self) -> Vec<u8> {
        let length = self.below(4);
        (0..length)
            .map(|_| [0, 1, 0xff][usize::try_from(self.below(3)).unwrap()])
            .collect()
    }
}

fn write(asks: &mut Asks, key: &[u8], value: &[u8]) {
    let [key, value] = [key, value].map(|bytes| asks.put(bytes));
    let arguments = [key.at(), key.len(), value.at(), value.len()];
    asks.ask(abi::STORAGE_WRITE, &arguments);
}

fn search(asks: &mut Asks, number: u32, start: &[u8], end: &[u8]) -> Region {
    let [start, end] = [start, end].map(|bytes| asks.put(bytes));
    let room = asks.room(ROOM);
    let arguments = [
        start.at(),
        start.len(),
        end.at(),
        end.len(),
        room.at(),
        room.len(),
    ];
    asks.ask(number, &arguments);
    room
}

fn remove_range(asks: &mut Asks, start: &[u8], end: &[u8], most: u64) {
    let [start, end] = [start, end].map(|bytes| asks.put(bytes));
    let arguments = [start.at(), start.len(), end.at(), end.len(), most];
    asks.ask(abi::STORAGE_REMOVE_RANGE, &arguments);
}

/// Whether a range that a contract passes has a key.
fn is_in(key: &[u8], start: &[u8], end: &[u8]) -> bool {
    key >= start && (end.is_empty() || key < end)
}

/// An entry as the contract receives it.
fn entry(key: &[u8], value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(key.len()).unwrap();
    [&length.to_le_bytes(), key, value].concat()
}

/// What a search of the model comes to: the result, and what is in the buffer.
fn found(model: &Model, number: u32, start: &[u8], end: &[u8]) -> (i64, Vec<u8>) {
    let mut entries = model.iter().filter(|(key, _)| is_in(key, start, end));
    let first = match number {
        abi::STORAGE_NEXT => entries.next(),
        _ => entries.next_back(),
    };
    let mut buffer = vec![0xee; ROOM];
    let Some((key, value)) = first else {
        return (ABSENT.into(), buffer);
    };
    let entry = entry(key, value);
    buffer[..entry.len()].copy_from_slice(&entry);
    (entry.len().try_into().unwrap(), buffer)
}

/// What an operation comes to: its result, and what is in its buffer.
type Expected = (i64, Option<(Region, Vec<u8>)>);

/// Adds some operations to a script, does the same to the model, and returns what each comes to.
fn operations(numbers: &mut Numbers, asks: &mut Asks, model: &mut Model) -> Vec<Expected> {
    let mut expected = Vec::new();
    for _ in 0..28 {
        let (start, end) = (numbers.key(), numbers.key());
        match numbers.below(8) {
            0..3 => {
                let value = vec![7; usize::try_from(numbers.below(9)).unwrap()];
                write(asks, &start, &value);
                model.insert(start, value);
                expected.push((0, None));
            }
            3 => {
                let key = asks.put(&start);
                asks.ask(abi::STORAGE_REMOVE, &[key.at(), key.len()]);
                expected.push((i64::from(model.remove(&start).is_some()), None));
            }
            4 => {
                let most = numbers.below(3);
                remove_range(asks, &start, &end, most);
                let keys = model.keys().filter(|key| is_in(key, &start, &end));
                let keys: Vec<_> = keys.take(most.try_into().unwrap()).cloned().collect();
                expected.push((keys.len().try_into().unwrap(), None));
                for key in keys {
                    model.remove(&key);
                }
            }
            choice => {
                let number = [abi::STORAGE_NEXT, abi::STORAGE_PREVIOUS][usize::from(choice > 5)];
                let room = search(asks, number, &start, &end);
                let (result, buffer) = found(model, number, &start, &end);
                expected.push((result, Some((room, buffer))));
            }
        }
    }
    expected
}

#[test]
fn a_contract_finds_and_removes_what_a_sorted_map_has() {
    let mut world = world();
    let contracts = deploy(&mut world);
    // Neighbours, whose storage is before and after, or is not, as addresses are hashes.
    let mut models = [Model::new(), Model::new()];
    let mut numbers = Numbers(7);
    for round in 0..24 {
        let at = round % 2;
        let mut asks = Asks::default();
        let mut model = models[at].clone();
        let expected = operations(&mut numbers, &mut asks, &mut model);
        let reverts = round % 5 == 4;
        if reverts {
            asks.revert();
            let receipt = asks.call(&mut world, contracts[at]);
            assert_eq!(receipt.status, Status::Reverted, "{round}");
        } else {
            let answers = asks.answers(&mut world, contracts[at]);
            for (position, (result, buffer)) in expected.into_iter().enumerate() {
                assert_eq!(answers.results[position], result, "{round}: {position}");
                if let Some((room, buffer)) = buffer {
                    assert_eq!(answers.bytes(room), buffer, "{round}: {position}");
                }
            }
            models[at] = model;
        }
        for (contract, model) in contracts.iter().zip(&models) {
            assert!(stored(&world, *contract).eq(model.clone()), "{round}");
        }
    }
    assert!(models.iter().all(|model| model.len() > 3), "{models:?}");
}

fn stored(world: &World, contract: Address) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    world.state.iter().filter_map(move |(key, value)| {
        let parts = keys::parts(key).unwrap();
        let is_own = parts.tag == keys::STORAGE && parts.owner == *contract.as_bytes();
        is_own.then(|| (parts.rest.to_vec(), value.to_vec()))
    })
}

#[test]
fn the_end_of_storage_is_behind_all_its_keys() {
    for (address, end) in [
        ([0; 32], [[b's'; 1].as_slice(), &[0; 31], &[1]].concat()),
        ([0xff; 32], [[b't'; 1].as_slice(), &[0; 32]].concat()),
    ] {
        let address = Address::new(address);
        assert_eq!(keys::storage_end(address), end);
        assert!(keys::storage(address, &[0xff; 1_024]) < end);
    }
}

/// A search of a caller and of a callee are searches of their own, and a transaction reads the
/// ranges that it searched.
#[test]
fn a_search_stays_in_the_contracts_own_storage_and_is_read() {
    let mut world = world();
    let [wasm, polkavm] = deploy(&mut world);
    for (contract, other) in [(wasm, polkavm), (polkavm, wasm)] {
        let mut asks = Asks::default();
        write(&mut asks, b"key", b"value");
        asks.answers(&mut world, other);
        let mut asks = Asks::default();
        remove_range(&mut asks, b"", b"", 9);
        search(&mut asks, abi::STORAGE_NEXT, b"", b"");
        search(&mut asks, abi::STORAGE_PREVIOUS, b"", b"");
        let transaction = fusee_contract::Transaction {
            from: alice(),
            action: fusee_contract::Action::Call {
                to: contract,
                method: "ask".to_owned(),
                input: asks.input(),
            },
            value: 0,
            gas: fusee_engine::Gas::new(crate::world::GAS),
        };
        let included = world.try_send(transaction).unwrap();
        let results = asks.decode(&included.receipt).results;
        assert_eq!(results[1..], [ABSENT.into(), ABSENT.into()]);
        let range = (keys::storage(contract, b""), keys::storage_end(contract));
        let ranges = included.reads.ranges();
        let mut ranges = ranges.map(|(start, end)| (start.to_vec(), end.to_vec()));
        assert!(ranges.all(|(start, end)| start >= range.0 && end <= range.1));
        assert!(
            included
                .reads
                .contains(&keys::storage(contract, b"any key"))
        );
        assert!(!included.reads.contains(&keys::storage(other, b"key")));
    }
}

#[test]
fn a_buffer_that_is_too_small_has_the_beginning_of_the_entry() {
    let mut world = world();
    for contract in deploy(&mut world) {
        let mut asks = Asks::default();
        write(&mut asks, b"key", b"value");
        let room = asks.room(12);
        for capacity in [0, 6] {
            asks.ask(abi::STORAGE_NEXT, &[0, 0, 0, 0, room.at(), capacity]);
        }
        let answers = asks.answers(&mut world, contract);
        assert_eq!(answers.results, [0, 12, 12]);
        assert_eq!(answers.bytes(room), b"\x03\0\0\0ke\xee\xee\xee\xee\xee\xee");
    }
}

#[test]
fn a_read_only_call_searches_and_does_not_remove() {
    let mut world = world();
    for contract in deploy(&mut world) {
        let mut asks = Asks::default();
        write(&mut asks, b"key", b"value");
        asks.answers(&mut world, contract);
        let mut asks = Asks::default();
        let room = search(&mut asks, abi::STORAGE_NEXT, b"", b"");
        let receipt = world.query(contract, "ask", &asks.input());
        assert_eq!(&asks.decode(&receipt).bytes(room)[4..12], b"keyvalue");
        remove_range(&mut asks, b"", b"", 0);
        let receipt = world.query(contract, "ask", &asks.input());
        assert_eq!(receipt.status, Status::Trapped(Trap::SyscallRefused));
    }
}

#[test]
fn the_keys_of_a_range_are_limited() {
    let mut world = world();
    let most = u64::from(ContractRules::v2().limits.key_bytes);
    for contract in deploy(&mut world) {
        for (start, end, status) in [
            (most, most, Status::Success),
            (most + 1, 0, Status::Trapped(Trap::DataLimit)),
            (0, most + 1, Status::Trapped(Trap::DataLimit)),
        ] {
            for number in [
                abi::STORAGE_NEXT,
                abi::STORAGE_PREVIOUS,
                abi::STORAGE_REMOVE_RANGE,
            ] {
                let mut asks = Asks::default();
                let room = asks.room(2_000).at();
                asks.ask(number, &[room, start, room, end, room, 8]);
                assert_eq!(asks.call(&mut world, contract).status, status, "{number}");
            }
        }
    }
}

/// Each key that a search comes to is paid: entries, and keys that the transaction removed.
#[test]
fn a_search_is_paid_by_its_steps_and_bytes() {
    let mut world = world();
    let rules = ContractRules::v2();
    let price = |number| *rules.program.prices().price(number).unwrap();
    let (next, remove) = (price(abi::STORAGE_NEXT), price(abi::STORAGE_REMOVE_RANGE));
    for contract in deploy(&mut world) {
        let mut fill = Asks::default();
        for at in 0..10_u8 {
            write(&mut fill, &[at; 3], &[at; 20]);
        }
        fill.answers(&mut world, contract);
        let state = world.state.clone();
        // How much more gas a script takes with a last call than without, and its result.
        let mut used = |removed: u64, most: Option<u64>| {
            world.state = state.clone();
            let mut asks = Asks::default();
            let room = asks.room(64);
            asks.ask(abi::STORAGE_REMOVE_RANGE, &[0, 0, 0, 0, removed]);
            match most {
                Some(most) => asks.ask(abi::STORAGE_REMOVE_RANGE, &[0, 0, 0, 0, most]),
                None => asks.ask(abi::STORAGE_NEXT, &[0, 0, 0, 0, room.at(), 0]),
            };
            let receipt = asks.call(&mut world, contract);
            let results = asks.decode(&receipt).results;
            (receipt.gas_used.units(), results)
        };
        let (one, _) = used(0, None);
        let entry_bytes = 23;
        for removed in [1, 5, 9] {
            let (gas, results) = used(removed, None);
            assert_eq!(results, [removed.cast_signed(), 27]);
            // The first step of the removal is in its base price.
            let removal =
                remove.base.units() * (removed - 1) + remove.length(entry_bytes * removed).units();
            let search = next.base.units() * removed;
            assert_eq!(gas - one, removal + search, "{removed} removed");
        }
        let (none, _) = used(0, Some(0));
        for (most, count) in [(1, 1), (4, 4), (10, 10), (11, 10), (1_000, 10)] {
            let (gas, results) = used(0, Some(most));
            assert_eq!(results, [0, count]);
            let count = count.cast_unsigned();
            let end = u64::from(most > 10);
            let steps = remove.base.units() * (count + end - 1);
            let bytes = remove.length(entry_bytes * count).units();
            assert_eq!(gas - none, steps + bytes, "at most {most}");
        }
        world.state = state;
    }
}

/// A removal that the gas does not suffice for removes nothing.
#[test]
fn a_removal_without_the_gas_is_reverted() {
    let mut world = world();
    for contract in deploy(&mut world) {
        let mut asks = Asks::default();
        for at in 0..20_u8 {
            write(&mut asks, &[at], &[at; 100]);
        }
        asks.answers(&mut world, contract);
        let mut asks = Asks::default();
        remove_range(&mut asks, b"", b"", u32::MAX.into());
        let input = asks.input();
        let state = world.state.clone();
        let enough = world
            .call(alice(), contract, "ask", &input)
            .gas_used
            .units();
        assert_eq!(stored(&world, contract).count(), 0);
        world.state = state;
        for less in [1, 5_000, 60_000] {
            let receipt = world.call_with(alice(), contract, "ask", &input, 0, enough - less);
            assert_eq!(receipt.status, Status::OutOfGas, "{less}");
            assert_eq!(stored(&world, contract).count(), 20);
        }
    }
}
