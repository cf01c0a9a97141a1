//! Events with topics: what contracts emit, what receipts keep, and the limits.

use expect_test::expect_file;
use fusee_abi as abi;
use fusee_contract::{Address, ContractRules, EncodingError, Event, Receipt, Status};
use fusee_engine::{Gas, Trap};

use crate::{
    asks::{Asks, deploy},
    world::{World, alice},
};

fn world() -> World {
    World::in_both_formats(&ContractRules::v2())
}

/// A list of topics, as a contract passes it.
fn list(topics: &[&[u8]]) -> Vec<u8> {
    let topic = |topic: &&[u8]| {
        let length = u32::try_from(topic.len()).unwrap();
        [&length.to_le_bytes(), *topic].concat()
    };
    topics.iter().flat_map(topic).collect()
}

/// A script that emits an event.
fn emits(topics: &[u8], data: &[u8]) -> Asks {
    let mut asks = Asks::default();
    let [topics, data] = [topics, data].map(|bytes| asks.put(bytes));
    let arguments = [topics.at(), topics.len(), data.at(), data.len()];
    asks.ask(abi::EVENT_EMIT_TOPICS, &arguments);
    asks
}

fn limits(change: impl FnOnce(&mut fusee_contract::Extensions)) -> ContractRules {
    let mut rules = ContractRules::v2();
    change(rules.extensions.as_mut().unwrap());
    rules
}

#[test]
fn an_event_has_up_to_four_topics() {
    let mut world = world();
    let contracts = deploy(&mut world);
    let longest = [7; 256];
    let topics: [&[u8]; 4] = [b"transfer", b"", &longest, b"to"];
    for contract in contracts {
        for count in 0..=4 {
            let asks = emits(&list(&topics[..count]), b"data");
            let receipt = asks.call(&mut world, contract);
            let event = Event {
                address: contract,
                topics: topics[..count].iter().map(|topic| topic.to_vec()).collect(),
                data: b"data".to_vec(),
            };
            assert_eq!(receipt.status, Status::Success);
            assert_eq!(receipt.events, [event], "{count} topics");
        }
    }
}

#[test]
fn a_list_of_topics_that_is_too_long_or_torn_traps() {
    let mut world = world();
    let contracts = deploy(&mut world);
    let five = list(&[b"1", b"2", b"3", b"4", b"5"]);
    let too_long = list(&[&[7; 257]]);
    let mut torn = list(&[b"first", b"second"]);
    torn.pop();
    for (topics, trap) in [
        (five, Trap::DataLimit),
        (too_long, Trap::DataLimit),
        (vec![0; 4 * 260 + 1], Trap::DataLimit),
        (vec![0xff; 8], Trap::DataLimit),
        (torn, Trap::MemoryOutOfBounds),
        (vec![0; 3], Trap::MemoryOutOfBounds),
        (vec![1, 0, 0, 0], Trap::MemoryOutOfBounds),
    ] {
        for contract in contracts {
            let receipt = emits(&topics, b"").call(&mut world, contract);
            assert_eq!(receipt.status, Status::Trapped(trap), "{topics:?}");
            assert_eq!(receipt.events, []);
        }
    }
}

#[test]
fn a_read_only_call_emits_nothing() {
    let mut world = world();
    for contract in deploy(&mut world) {
        let input = emits(&list(&[b"topic"]), b"").input();
        let receipt = world.query(contract, "ask", &input);
        assert_eq!(receipt.status, Status::Trapped(Trap::SyscallRefused));
    }
}

#[test]
fn topics_are_paid_by_their_bytes() {
    let mut world = world();
    for contract in deploy(&mut world) {
        let mut used = |topics: &[&[u8]], data: &[u8]| {
            // As long an input whatever is emitted: inputs are paid, too.
            let mut asks = Asks::default();
            let list = list(topics);
            let room = asks.room(4_096);
            let [topics, data] = [list.as_slice(), data].map(|bytes| asks.put(bytes));
            let arguments = [topics.at(), topics.len(), data.at(), data.len()];
            asks.ask(abi::EVENT_EMIT_TOPICS, &arguments);
            let rest = 2_048 - (data.at() - room.at() - 4_096) - data.len().next_multiple_of(8);
            asks.room(rest.try_into().unwrap());
            asks.call(&mut world, contract).gas_used.units()
        };
        let nothing = used(&[], b"");
        assert_eq!(used(&[&[1; 100]], b"") - nothing, 104 * 8);
        assert_eq!(used(&[&[1; 100], b""], &[2; 500]) - nothing, 608 * 8);
    }
}

/// At the limit, and past it; of events of either syscall, and without those that were reverted.
#[test]
fn a_transaction_has_so_many_events() {
    let rules = limits(|limits| limits.events = 5);
    let mut world = World::in_both_formats(&rules);
    let [wasm, polkavm] = deploy(&mut world);
    for (caller, callee) in [(wasm, polkavm), (polkavm, wasm)] {
        for (own, more, status) in [
            (3, 2, Status::Success),
            (4, 2, Status::Trapped(Trap::DataLimit)),
        ] {
            let mut inner = Asks::default();
            for _ in 0..2 {
                inner.ask(abi::EVENT_EMIT_TOPICS, &[0, 0, 0, 0]);
            }
            let mut reverted = inner.clone();
            reverted.revert();
            let mut asks = Asks::default();
            asks.ask_in(callee, &reverted).ask_in(callee, &inner);
            for _ in 0..own {
                asks.ask(abi::EVENT_EMIT, &[0, 0, 0, 0]);
            }
            let receipt = asks.call(&mut world, caller);
            assert_eq!(receipt.status, status, "{own} and {more}");
            let kept = if status == Status::Success { 5 } else { 0 };
            assert_eq!(receipt.events.len(), kept);
        }
    }
}

#[test]
fn a_transaction_has_so_many_bytes_of_events() {
    let rules = limits(|limits| limits.event_bytes = 100);
    let mut world = World::in_both_formats(&rules);
    let [wasm, polkavm] = deploy(&mut world);
    for (caller, callee) in [(wasm, polkavm), (polkavm, wasm)] {
        for (bytes, status) in [
            (40, Status::Success),
            (41, Status::Trapped(Trap::DataLimit)),
        ] {
            let mut reverted = emits(&list(&[b"0123456789"]), &[1; 50]);
            reverted.revert();
            // 60 bytes, and then the rest.
            let inner = emits(&list(&[b"01234", b"56789"]), &[1; 50]);
            let mut asks = Asks::default();
            asks.ask_in(callee, &reverted).ask_in(callee, &inner);
            let data = asks.room(bytes);
            asks.ask(abi::EVENT_EMIT, &[data.at(), 2, data.at(), data.len() - 2]);
            let receipt = asks.call(&mut world, caller);
            assert_eq!(receipt.status, status, "{bytes}");
            if status == Status::Success {
                assert_eq!(asks.decode(&receipt).results[..2], [-2, 256 + 80]);
                assert_eq!(receipt.events.len(), 2);
            }
        }
    }
}

fn receipt(topics: &[&[&[u8]]]) -> Receipt {
    let event = |topics: &&[&[u8]]| Event {
        address: Address::new([0x11; 32]),
        topics: topics.iter().map(|topic| topic.to_vec()).collect(),
        data: b"data".to_vec(),
    };
    Receipt {
        status: Status::Success,
        gas_limit: Gas::new(7),
        gas_used: Gas::new(5),
        output: b"output".to_vec(),
        events: topics.iter().map(event).collect(),
        deployed: None,
    }
}

/// Receipts whose events have one topic each have the encoding that they always had.
#[test]
fn receipts_with_several_topics_have_an_encoding_of_their_own() {
    let mut text = String::new();
    for (name, topics, version) in [
        ("no event", &[][..], 1),
        ("one topic", &[&[&b"topic"[..]][..]], 1),
        ("one topic each", &[&[b"topic"], &[b""]], 1),
        ("two topics", &[&[b"topic", b"more"]], 2),
        ("no topic", &[&[]], 2),
        ("one and two", &[&[b"topic"], &[b"topic", b"more"]], 2),
    ] {
        let receipt = receipt(topics);
        let bytes = receipt.encode();
        assert_eq!(bytes[0], version, "{name}");
        assert_eq!(Receipt::decode(&bytes).unwrap(), receipt, "{name}");
        for end in 0..bytes.len() {
            assert!(Receipt::decode(&bytes[..end]).is_err(), "{name} {end}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(Receipt::decode(&longer).is_err(), "{name}");
        text.push_str(&format!("{name}: {}\n", hex::encode(bytes)));
    }
    expect_file!["golden/receipts_2.txt"].assert_eq(&text);
}

#[test]
fn a_receipt_has_no_second_encoding() {
    // No event, in version 2: the same bytes but for the version.
    let mut bytes = receipt(&[]).encode();
    bytes[0] = 2;
    let refused = Receipt::decode(&bytes).unwrap_err();
    assert!(matches!(refused, EncodingError::Malformed(_)), "{refused}");
    // A count of events that no bytes stand behind.
    let mut bytes = receipt(&[&[]]).encode();
    let count = bytes.len() - (4 + 32 + 4 + 8) - 1;
    bytes[count..count + 4].copy_from_slice(&[0xff; 4]);
    assert!(Receipt::decode(&bytes).is_err());
}

#[test]
fn a_contract_of_version_1_emits_as_before() {
    let mut world = World::new();
    let contract = world.deploy_wat(
        r#"(module (import "fusee" "event_emit" (func $emit (param i32 i32 i32 i32)))
          (memory (export "memory") 1)
          (func (export "go") (local $left i32) (local.set $left (i32.const 2000))
            (loop $again
              (call $emit (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))
              (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#,
    );
    let receipt = world.call(alice(), contract, "go", &[]);
    assert_eq!(
        (receipt.status, receipt.events.len()),
        (Status::Success, 2_000)
    );
}
