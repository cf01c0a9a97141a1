//! Transient storage: shared by the calls of a transaction, reverted with a call, gone at its end.

use fusee_abi::{self as abi, status::ABSENT};
use fusee_contract::{Address, ContractRules, Extensions, Status};
use fusee_engine::Trap;

use crate::{
    asks::{Asks, Region, deploy},
    world::World,
};

const FAILED: i64 = -3;
const REVERTED: i64 = -2;

fn world() -> World {
    World::in_both_formats(&ContractRules::v2())
}

fn write(asks: &mut Asks, key: &[u8], value: &[u8]) {
    let [key, value] = [key, value].map(|bytes| asks.put(bytes));
    let arguments = [key.at(), key.len(), value.at(), value.len()];
    asks.ask(abi::TRANSIENT_WRITE, &arguments);
}

fn remove(asks: &mut Asks, key: &[u8]) {
    let key = asks.put(key);
    asks.ask(abi::TRANSIENT_REMOVE, &[key.at(), key.len()]);
}

/// Reads up to 8 bytes.
fn read(asks: &mut Asks, key: &[u8]) -> Region {
    let key = asks.put(key);
    let room = asks.room(8);
    asks.ask(abi::TRANSIENT_READ, &[key.at(), key.len(), room.at(), 8]);
    room
}

/// Both contracts, each once as the caller.
fn ways(world: &mut World) -> [[Address; 2]; 2] {
    let [wasm, polkavm] = deploy(world);
    [[wasm, polkavm], [polkavm, wasm]]
}

#[test]
fn a_value_lasts_for_the_transaction() {
    let mut world = world();
    for [contract, _] in ways(&mut world) {
        let mut asks = Asks::default();
        let before = read(&mut asks, b"key");
        write(&mut asks, b"key", b"first");
        write(&mut asks, b"key", b"second, longer");
        let second = read(&mut asks, b"key");
        write(&mut asks, b"", b"");
        read(&mut asks, b"");
        remove(&mut asks, b"key");
        remove(&mut asks, b"key");
        read(&mut asks, b"key");
        write(&mut asks, b"key", b"third");
        let state = world.state.clone();
        let answers = asks.answers(&mut world, contract);
        let absent = i64::from(ABSENT);
        assert_eq!(answers.results, [absent, 0, 0, 14, 0, 0, 1, 0, absent, 0]);
        assert_eq!(answers.bytes(before), [0xee; 8]);
        assert_eq!(answers.bytes(second), b"second, ");
        // The next one begins without, and the state has the nonce alone.
        assert_eq!(asks.answers(&mut world, contract), answers);
        assert_eq!(world.state.iter().count(), state.iter().count());
    }
}

#[test]
fn contracts_have_their_own_and_find_it_again() {
    let mut world = world();
    for [caller, callee] in ways(&mut world) {
        let mut writes = Asks::default();
        write(&mut writes, b"key", b"callee");
        let mut reads = Asks::default();
        read(&mut reads, b"key");
        let mut asks = Asks::default();
        write(&mut asks, b"key", b"of caller");
        asks.ask_in(callee, &reads).ask_in(callee, &writes);
        let data = asks.room(8);
        asks.ask(abi::RETURN_DATA_READ, &[data.at(), 8]);
        asks.ask_in(callee, &reads);
        asks.ask(abi::RETURN_DATA_READ, &[data.at(), 8]);
        let own = read(&mut asks, b"key");
        let answers = asks.answers(&mut world, caller);
        // The first of the callee's results is how long what it last read was.
        assert_eq!(answers.bytes(data), 6_i64.to_le_bytes());
        assert_eq!(answers.bytes(own), b"of calle");
    }
}

#[test]
fn a_call_that_fails_leaves_what_was_before() {
    let mut world = world();
    for [caller, callee] in ways(&mut world) {
        let mut first = Asks::default();
        write(&mut first, b"key", b"kept");
        let mut reverts = Asks::default();
        write(&mut reverts, b"key", b"reverted");
        write(&mut reverts, b"more", b"reverted");
        reverts.revert();
        let mut traps = Asks::default();
        remove(&mut traps, b"key");
        traps.ask(99, &[]);
        let mut reads = Asks::default();
        read(&mut reads, b"more");
        let kept = read(&mut reads, b"key");
        let mut asks = Asks::default();
        asks.ask_in(callee, &first)
            .ask_in(callee, &reverts)
            .ask_in(callee, &traps)
            .ask_in(callee, &reads);
        let data = asks.room(8 * 32 + 64);
        asks.ask(abi::RETURN_DATA_READ, &[data.at(), data.len()]);
        let answers = asks.answers(&mut world, caller);
        assert_eq!(answers.results[1..3], [REVERTED, FAILED]);
        let output = answers.bytes(data);
        assert_eq!(output[..8], i64::from(ABSENT).to_le_bytes());
        assert_eq!(output[8..16], 4_i64.to_le_bytes());
        let mut receipt = world.query(callee, "ask", &reads.input());
        receipt.output = output[..256 + reads.area_bytes()].to_vec();
        assert_eq!(reads.decode(&receipt).bytes(kept), b"kept\xee\xee\xee\xee");
    }
}

#[test]
fn a_read_only_call_reads_and_does_not_write() {
    let mut world = world();
    for [contract, _] in ways(&mut world) {
        let mut reads = Asks::default();
        read(&mut reads, b"key");
        let receipt = world.query(contract, "ask", &reads.input());
        assert_eq!(reads.decode(&receipt).results, [i64::from(ABSENT)]);
        let [mut writes, mut removes] = [Asks::default(), Asks::default()];
        write(&mut writes, b"key", b"value");
        remove(&mut removes, b"key");
        for asks in [writes, removes] {
            let receipt = world.query(contract, "ask", &asks.input());
            assert_eq!(receipt.status, Status::Trapped(Trap::SyscallRefused));
        }
    }
}

/// At the limit and past it: of all contracts together, and without what was reverted.
#[test]
fn a_transaction_has_so_many_bytes_of_it() {
    let entry = Extensions::ENTRY_BYTES;
    let mut rules = ContractRules::v2();
    rules.extensions.as_mut().unwrap().transient_bytes = 3 * entry + 100;
    let mut world = World::in_both_formats(&rules);
    for [caller, callee] in ways(&mut world) {
        for (more, status) in [
            (17, Status::Success),
            (18, Status::Trapped(Trap::DataLimit)),
        ] {
            let mut inner = Asks::default();
            write(&mut inner, b"callee", &[1; 44]);
            let mut reverted = inner.clone();
            reverted.revert();
            let mut asks = Asks::default();
            asks.ask_in(callee, &reverted).ask_in(callee, &inner);
            // The callee's 50 bytes, and 33. A shorter value makes room, and so does a removal, but
            // a removed key counts.
            write(&mut asks, b"one", &[1; 47]);
            write(&mut asks, b"one", &[1; 10]);
            write(&mut asks, b"removed ten", &[1; 20]);
            remove(&mut asks, b"removed ten");
            remove(&mut asks, b"removed ten");
            remove(&mut asks, b"never");
            write(&mut asks, b"one", &vec![1; 19 + more]);
            assert_eq!(asks.call(&mut world, caller).status, status, "{more}");
        }
    }
}

#[test]
fn keys_and_values_are_limited_as_in_storage() {
    let mut world = world();
    let limits = ContractRules::v2().limits;
    let (key, value) = (limits.key_bytes.into(), limits.value_bytes.into());
    for [contract, _] in ways(&mut world) {
        for (number, arguments, status) in [
            (abi::TRANSIENT_WRITE, [0, key, 0, value], Status::Success),
            (abi::TRANSIENT_WRITE, [0, key + 1, 0, 0], past()),
            (abi::TRANSIENT_WRITE, [0, 0, 0, value + 1], past()),
            (abi::TRANSIENT_READ, [0, key, 0, 0], Status::Success),
            (abi::TRANSIENT_READ, [0, key + 1, 0, 0], past()),
            (abi::TRANSIENT_REMOVE, [0, key, 0, 0], Status::Success),
            (abi::TRANSIENT_REMOVE, [0, key + 1, 0, 0], past()),
        ] {
            let mut asks = Asks::default();
            let room = asks.room(135_000).at();
            let [_, key, _, value] = arguments;
            asks.hide().ask(number, &[room, key, room, value]);
            assert_eq!(asks.call(&mut world, contract).status, status, "{number}");
        }
    }
}

const fn past() -> Status {
    Status::Trapped(Trap::DataLimit)
}

#[test]
fn it_is_paid_by_its_bytes() {
    let mut world = world();
    let rules = ContractRules::v2();
    for [contract, _] in ways(&mut world) {
        let mut used = |key: u64, value: u64| {
            let mut asks = Asks::default();
            let room = asks.room(2_000).at();
            asks.ask(abi::TRANSIENT_WRITE, &[room, key, room, value]);
            let write = asks.call(&mut world, contract).gas_used.units();
            asks.ask(abi::TRANSIENT_READ, &[room, key, room, 0]);
            let read = asks.call(&mut world, contract).gas_used.units();
            asks.ask(abi::TRANSIENT_REMOVE, &[room, key, 0, 0]);
            let remove = asks.call(&mut world, contract).gas_used.units();
            [write, read - write, remove - read]
        };
        let (few, many) = (used(0, 0), used(100, 1_000));
        let prices = [
            abi::TRANSIENT_WRITE,
            abi::TRANSIENT_READ,
            abi::TRANSIENT_REMOVE,
        ];
        for (at, number) in prices.into_iter().enumerate() {
            let more = rules.program.prices().price(number).unwrap().length(1_100);
            assert_eq!(many[at] - few[at], more.units(), "{number}");
        }
    }
}
