//! The token: deployed, used, refused, asked.

use expect_test::expect_file;
use fusee_contract::{Address, Status};

use crate::world::{GAS, TOKEN, World, alice, args, bob};

fn amount(units: u64) -> [u8; 8] {
    units.to_le_bytes()
}

fn balance(world: &World, token: Address, owner: Address) -> u64 {
    let receipt = world.query(token, "balance_of", owner.as_bytes());
    assert_eq!(receipt.status, Status::Success);
    u64::from_le_bytes(receipt.output.try_into().unwrap())
}

#[test]
fn transfer_moves_tokens_and_tells() {
    let mut world = World::new();
    let token = world.deploy(TOKEN, &amount(1_000));
    let receipt = world.call(
        alice(),
        token,
        "transfer",
        &args(&[bob().as_bytes(), &amount(250)]),
    );
    assert_eq!(receipt.status, Status::Success);
    assert_eq!(
        (
            balance(&world, token, alice()),
            balance(&world, token, bob())
        ),
        (750, 250)
    );
    let [event] = receipt.events.as_slice() else {
        panic!("{:?}", receipt.events)
    };
    assert_eq!(
        (event.address, event.topics[0].as_slice()),
        (token, b"transfer".as_slice())
    );
    assert_eq!(
        event.data,
        args(&[alice().as_bytes(), bob().as_bytes(), &amount(250)])
    );
    assert_eq!(
        world.query(token, "total_supply", &[]).output,
        amount(1_000)
    );
}

#[test]
fn transfer_of_more_than_there_is_reverts_with_a_message() {
    let mut world = World::new();
    let token = world.deploy(TOKEN, &amount(3));
    let receipt = world.call(
        alice(),
        token,
        "transfer",
        &args(&[bob().as_bytes(), &amount(10)]),
    );
    assert_eq!(receipt.status, Status::Reverted);
    assert_eq!(
        String::from_utf8(receipt.output).unwrap(),
        "insufficient balance: has 3, needs 10"
    );
    assert!(receipt.events.is_empty());
    assert_eq!(balance(&world, token, alice()), 3);
    assert_eq!(
        world.account(alice()).nonce,
        2,
        "a transaction that reverts counts"
    );
}

#[test]
fn allowance_is_spent_by_transfer_from() {
    let mut world = World::new();
    let token = world.deploy(TOKEN, &amount(100));
    let approve = world.call(
        alice(),
        token,
        "approve",
        &args(&[bob().as_bytes(), &amount(40)]),
    );
    assert_eq!(approve.status, Status::Success);
    let spend = |world: &mut World, units| {
        let input = args(&[alice().as_bytes(), bob().as_bytes(), &amount(units)]);
        world.call(bob(), token, "transfer_from", &input).status
    };
    assert_eq!(spend(&mut world, 30), Status::Success);
    assert_eq!(spend(&mut world, 30), Status::Reverted);
    assert_eq!(balance(&world, token, bob()), 30);
}

#[test]
fn out_of_gas_uses_all_gas_and_changes_nothing() {
    let mut world = World::new();
    let token = world.deploy(TOKEN, &amount(100));
    let input = args(&[bob().as_bytes(), &amount(1)]);
    // The first transfer finds no balance under bob's key; from the second on they cost the same.
    world.call(alice(), token, "transfer", &input);
    let enough = world
        .call(alice(), token, "transfer", &input)
        .gas_used
        .units();
    assert_eq!(balance(&world, token, bob()), 2);
    // Every limit up to what it needs: from the price of the transaction with its 40 bytes of
    // input, over making an instance, to the last unit. Less is invalid.
    for gas in [10_160, 12_000, enough / 2, enough - 1] {
        let receipt = world.call_with(alice(), token, "transfer", &input, 0, gas);
        assert_eq!(
            (receipt.status, receipt.gas_used.units()),
            (Status::OutOfGas, gas),
            "with {gas} gas"
        );
        assert!(receipt.events.is_empty() && receipt.output.is_empty());
    }
    assert_eq!(balance(&world, token, bob()), 2);
    assert_eq!(
        world
            .call_with(alice(), token, "transfer", &input, 0, enough)
            .status,
        Status::Success
    );
}

#[test]
fn query_writes_nothing() {
    let mut world = World::new();
    let token = world.deploy(TOKEN, &amount(100));
    let before = world.state.clone();
    let receipt = world.query(token, "transfer", &args(&[bob().as_bytes(), &amount(0)]));
    assert_eq!(
        receipt.status,
        Status::Trapped(fusee_engine::Trap::SyscallRefused)
    );
    assert!(world.state.iter().eq(before.iter()));
}

#[test]
fn gas_of_the_token_is_golden() {
    let mut world = World::new();
    let mut table = String::new();
    let token = world.deploy(TOKEN, &amount(1_000));
    let to_bob = args(&[bob().as_bytes(), &amount(5)]);
    for (method, input) in [
        ("transfer", to_bob.as_slice()),
        ("transfer", to_bob.as_slice()),
        ("approve", to_bob.as_slice()),
        ("balance_of", bob().as_bytes().as_slice()),
        ("total_supply", &[]),
        ("transfer", &[]),
    ] {
        let receipt = world.call_with(alice(), token, method, input, 0, GAS);
        table.push_str(&format!(
            "{method} {} {}\n",
            receipt.status.name(),
            receipt.gas_used
        ));
    }
    expect_file!["golden/token_gas.txt"].assert_eq(&table);
}
