//! What operations that all succeed do.

use fusee_contract::{Action, Address, Event, Receipt, Status, Transaction, keys};
use fusee_engine::{CodeHash, Gas};
use fusee_state::StateReader;

use crate::world::{COUNTER, FUNDS, GAS, TOKEN, alice, bob};

use super::{
    BatchOperation, ask, asks_contract, balances, batch, call, deploy, everybody, free, send,
    sends, statuses, stores, transfer, world,
};

/// A batch does what its operations would do alone, one after the other, and costs as much but for
/// the base price of a transaction.
#[test]
fn operations_do_what_they_would_do_alone() {
    let mut world = world();
    let counter = world.deploy(COUNTER, &[]);
    let asks = asks_contract(&mut world);
    let operations = vec![
        free(call(counter, "increment", &[])),
        transfer(bob(), 7),
        ask(asks, &stores(b"key", b"value")),
        free(call(counter, "increment", &[])),
        free(call(counter, "value", &[])),
    ];
    let before = world.state.clone();
    let alone: Vec<Receipt> = operations
        .iter()
        .map(|BatchOperation { action, value }| {
            world.send(Transaction {
                from: alice(),
                action: action.clone(),
                value: *value,
                gas: Gas::new(GAS),
            })
        })
        .collect();
    let sequential = std::mem::replace(&mut world.state, before);
    let included = send(&mut world, &batch(operations));

    let base = 10_000;
    for (index, (together, alone)) in included.receipts.iter().zip(&alone).enumerate() {
        let saved = if index == 0 { 0 } else { base };
        assert_eq!(together.gas_used.units(), alone.gas_used.units() - saved);
        assert_eq!(together.output, alone.output);
        assert_eq!(together.events, alone.events);
    }
    assert_eq!(included.receipts[4].output, 2_u64.to_le_bytes());
    assert_eq!(included.receipts[2].events.len(), 1);
    // The state differs in the nonce alone.
    let nonce = keys::nonce(alice());
    let entries = |state: &fusee_state::MemoryState| {
        let entries = state.iter().filter(|(key, _)| *key != nonce.as_slice());
        entries
            .map(|(key, value)| (key.to_vec(), value.to_vec()))
            .collect::<Vec<_>>()
    };
    assert_eq!(entries(&world.state), entries(&sequential));
}

#[test]
fn events_are_those_of_their_operation() {
    let mut world = world();
    let asks = asks_contract(&mut world);
    let mut twice = stores(b"b", b"2");
    twice.ask_in(Address::SYSTEM, &twice.clone());
    let operations = vec![
        ask(asks, &stores(b"a", b"1")),
        transfer(bob(), 1),
        ask(asks, &twice),
        ask(asks, &stores(b"c", b"3")),
    ];
    let included = send(&mut world, &batch(operations));
    let events = |topic: &[u8], data: &[u8]| {
        vec![Event {
            address: asks,
            topics: vec![topic.to_vec()],
            data: data.to_vec(),
        }]
    };
    let found: Vec<_> = included
        .receipts
        .into_iter()
        .map(|receipt| receipt.events)
        .collect();
    let expected = [
        events(b"a", b"1"),
        Vec::new(),
        events(b"b", b"2"),
        events(b"c", b"3"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_operation_spends_what_one_before_it_brought_in() {
    let mut world = world();
    let asks = asks_contract(&mut world);
    let operations = vec![
        transfer(bob(), FUNDS - 100),
        BatchOperation {
            action: call(asks, "ask", &sends(alice(), 60).input()),
            value: 100,
        },
        transfer(bob(), 60),
    ];
    let included = send(&mut world, &batch(operations));
    assert_eq!(statuses(&included), [Status::Success; 3]);
    assert_eq!(
        balances(&world, &everybody(asks)),
        [0, FUNDS + FUNDS - 40, 40]
    );
}

#[test]
fn each_deployment_makes_a_contract_of_its_own() {
    let mut world = world();
    let nonce = world.account(alice()).nonce;
    let [counter, token] = [COUNTER, TOKEN].map(CodeHash::of);
    let create = |salt| {
        free(Action::Create {
            code: counter,
            salt,
            admin: Some(bob()),
            input: Vec::new(),
        })
    };
    let supply = 1_000_u64.to_le_bytes();
    let operations = vec![
        free(deploy(COUNTER, &[])),
        free(deploy(COUNTER, &[])),
        create(None),
        create(Some([7; 32])),
        free(deploy(TOKEN, &supply)),
    ];
    let included = send(&mut world, &batch(operations));
    let deployed: Vec<_> = included
        .receipts
        .iter()
        .map(|receipt| receipt.deployed.unwrap())
        .collect();
    let expected = [
        Address::of_contract(alice(), nonce, counter),
        Address::of_contract_in_batch(alice(), nonce, 1, counter),
        Address::of_contract_in_batch(alice(), nonce, 2, counter),
        Address::of_salted_contract(alice(), &[7; 32]),
        Address::of_contract_in_batch(alice(), nonce, 4, token),
    ];
    assert_eq!(deployed, expected);
    for contract in &deployed[..4] {
        let receipt = world.call(alice(), *contract, "increment", &[]);
        assert_eq!(receipt.status, Status::Success);
        let receipt = world.query(*contract, "value", &[]);
        assert_eq!(receipt.output, 1_u64.to_le_bytes());
    }
    // The use of the code counts all of them: version 1, the uploader, and 4 contracts.
    let code_use = world.state.read(&keys::code_use(counter)).unwrap().unwrap();
    assert_eq!(code_use[33..41], 4_u64.to_le_bytes());
}

/// Pinned: nodes must agree on addresses.
#[test]
fn addresses_of_contracts_in_batches_do_not_change() {
    let address = |operation| {
        let code = CodeHash::from_bytes([2; 32]);
        Address::of_contract_in_batch(Address::new([1; 32]), 3, operation, code)
    };
    let first = Address::of_contract(Address::new([1; 32]), 3, CodeHash::from_bytes([2; 32]));
    assert_eq!(address(0), first);
    expect_test::expect![[r#"
        dca06494b3123adcd9d259742e44cca59b4cb49802e6520c8bafd4e0592d661a
        66757365652073797374656d0000000000000000000000000000000000000000
    "#]]
    .assert_eq(&format!("{}\n{}\n", address(1), Address::SYSTEM));
}

#[test]
fn what_an_operation_makes_the_next_one_uses() {
    let mut world = world();
    let nonce = world.account(alice()).nonce;
    let code = CodeHash::of(COUNTER);
    let created = Address::of_salted_contract(alice(), &[1; 32]);
    let deployed = Address::of_contract_in_batch(alice(), nonce, 3, code);
    let operations = vec![
        free(Action::Upload {
            code: COUNTER.to_vec(),
        }),
        free(Action::Create {
            code,
            salt: Some([1; 32]),
            admin: Some(alice()),
            input: Vec::new(),
        }),
        free(call(created, "increment", &[])),
        free(deploy(COUNTER, &[])),
        free(call(deployed, "increment", &[])),
        free(Action::SetAdmin {
            contract: created,
            admin: Some(bob()),
        }),
        free(call(created, "increment", &[])),
    ];
    let included = send(&mut world, &batch(operations));
    assert_eq!(statuses(&included), [Status::Success; 7]);
    assert_eq!(included.receipts[0].output, code.as_bytes());
    let count = |contract| world.query(contract, "value", &[]).output;
    assert_eq!(count(created), 2_u64.to_le_bytes());
    assert_eq!(count(deployed), 1_u64.to_le_bytes());
}
