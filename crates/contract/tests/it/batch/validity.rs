//! Batches that no block can include. Each is found before its first operation begins.

use fusee_contract::{
    Action, Address, Batch, BatchOperation, ContractRules, GasFee, InvalidTransaction, Status,
};
use fusee_engine::Gas;

use crate::world::{COUNTER, FUNDS, World, alice, bob};

use super::{batch, call, free, send, transfer, try_send, world};

/// A batch that is invalid on every lane, with this message, which names the operation, and changes
/// nothing.
fn check(world: &mut World, batch: &Batch, expected: InvalidTransaction, message: &str) {
    let before = world.state.clone();
    let invalid = try_send(world, batch).unwrap_err();
    assert_eq!(invalid.reason, expected);
    assert_eq!(invalid.to_string(), message);
    assert_eq!(world.state, before, "not even the nonce changes");
}

#[test]
fn a_batch_has_operations() {
    check(
        &mut world(),
        &batch(Vec::new()),
        InvalidTransaction::NoOperations,
        "the batch has no operations",
    );
}

/// The gas limit covers the overhead and all inputs, with one base price.
#[test]
fn a_gas_limit_covers_what_is_certain() {
    let mut world = world();
    let counter = world.deploy(COUNTER, &[]);
    let least = 500 + 10_000 + 4 * 30;
    let limited = |gas| Batch {
        gas: Gas::new(gas),
        overhead: Gas::new(500),
        ..batch(vec![
            free(call(counter, "value", &[0; 10])),
            free(call(counter, "value", &[0; 20])),
        ])
    };
    let (_, contracts) = world.lanes().next().unwrap();
    assert_eq!(contracts.batch_intrinsic_gas(&limited(0)), Gas::new(least));
    for gas in [0, 499, least - 1] {
        let expected = InvalidTransaction::GasLimitTooLow {
            limit: Gas::new(gas),
            intrinsic: Gas::new(least),
        };
        let message = format!(
            "the gas limit is {gas}, the transaction costs {least} gas before anything runs"
        );
        check(&mut world, &limited(gas), expected, &message);
    }
    let included = send(&mut world, &limited(least));
    assert_eq!(included.receipts[0].status, Status::OutOfGas);
    assert_eq!(included.gas_used, Gas::new(least));
}

#[test]
fn an_operation_that_is_invalid_in_any_place_is_found_first() {
    let mut world = world();
    let second = |operation: BatchOperation| batch(vec![transfer(bob(), 1), operation]);
    check(
        &mut world,
        &second(free(call(bob(), &"m".repeat(257), &[]))),
        InvalidTransaction::MethodTooLong {
            bytes: 257,
            limit: 256,
        },
        "operation 1: the method's name has 257 bytes, the rules admit 256",
    );
    let handed = BatchOperation {
        action: Action::SetAdmin {
            contract: bob(),
            admin: None,
        },
        value: 2,
    };
    check(
        &mut world,
        &second(handed.clone()),
        InvalidTransaction::ValueWithoutCall { value: 2 },
        "operation 1: the value is 2, and nobody is called who could take it",
    );
    check(
        &mut World::with_rules(&ContractRules::v1()),
        &second(handed),
        InvalidTransaction::UnknownAction,
        "operation 1: the rules have no such action",
    );
}

#[test]
fn a_payer_has_the_price_of_the_gas_limit() {
    let mut world = world();
    let paid = |payer, gas, price| Batch {
        gas: Gas::new(gas),
        fee: Some(GasFee { payer, price }),
        ..batch(vec![transfer(bob(), 0)])
    };
    for payer in [alice(), bob()] {
        check(
            &mut world,
            &paid(payer, 50_000, 21),
            InvalidTransaction::FeeAboveBalance {
                fee: 1_050_000,
                balance: FUNDS,
            },
            "the gas limit costs 1050000, the payer can spend 1000000",
        );
    }
    check(
        &mut world,
        &paid(Address::SYSTEM, 50_000, 1),
        InvalidTransaction::FeeAboveBalance {
            fee: 50_000,
            balance: 0,
        },
        "the gas limit costs 50000, the payer can spend 0",
    );
    let price = u128::MAX / 49_999;
    check(
        &mut world,
        &paid(alice(), 50_000, price),
        InvalidTransaction::FeeTooLarge {
            price,
            gas: Gas::new(50_000),
        },
        &format!("the price is {price}, 50000 gas at this price exceed every balance"),
    );
    assert_eq!(send(&mut world, &paid(alice(), 50_000, 20)).operation, None);
}

/// The first value is known before anything runs. What a later one finds is not.
#[test]
fn the_first_value_is_covered() {
    let mut world = world();
    check(
        &mut world,
        &batch(vec![transfer(bob(), FUNDS + 1)]),
        InvalidTransaction::ValueAboveBalance {
            value: FUNDS + 1,
            balance: FUNDS,
        },
        "operation 0: the value is 1000001, the sender's balance is 1000000",
    );
    let later = batch(vec![transfer(bob(), 1), transfer(bob(), FUNDS)]);
    assert_eq!(send(&mut world, &later).operation, Some(1));
}
