//! Transactions that no block can hold: told apart from those that fail, and without any effect.

use fusee_contract::{Action, Address, ContractRules, InvalidTransaction, Status, Transaction};
use fusee_engine::Gas;

use crate::world::{CALLER, COUNTER, FUNDS, GAS, World, alice, bob};

fn call(to: Address, method: &str, input: Vec<u8>) -> Action {
    Action::Call {
        to,
        method: method.to_owned(),
        input,
    }
}

fn deploy(code: Vec<u8>, input: Vec<u8>) -> Action {
    Action::Deploy { code, input }
}

/// Sends a transaction, which has to be invalid on every lane, with this message, and to change
/// nothing.
fn check(
    world: &mut World,
    (action, value, gas): (Action, u128, u64),
    expected: InvalidTransaction,
    message: &str,
) {
    let before = world.state.clone();
    let transaction = Transaction {
        from: bob(),
        action,
        value,
        gas: Gas::new(gas),
    };
    let invalid = world.try_send(transaction).unwrap_err();
    assert_eq!(invalid, expected);
    assert_eq!(invalid.to_string(), message);
    assert_eq!(world.state, before, "not even the nonce changes");
}

#[test]
fn a_gas_limit_below_the_intrinsic_gas_is_invalid() {
    let mut world = World::new();
    let counter = world.deploy(COUNTER, &[]);
    let too_low = |limit, intrinsic| InvalidTransaction::GasLimitTooLow {
        limit: Gas::new(limit),
        intrinsic: Gas::new(intrinsic),
    };
    check(
        &mut world,
        (call(counter, "increment", vec![0; 10]), 0, 10_039),
        too_low(10_039, 10_040),
        "the gas limit is 10039, the transaction costs 10040 gas before anything runs",
    );
    check(
        &mut world,
        (deploy(vec![0; 100], vec![0; 1]), 0, 0),
        too_low(0, 15_004),
        "the gas limit is 0, the transaction costs 15004 gas before anything runs",
    );
    // The last unit makes it valid: it is included, and runs out of gas.
    let receipt = world.call_with(bob(), counter, "increment", &[0; 10], 0, 10_040);
    assert_eq!(receipt.status, Status::OutOfGas);
    assert_eq!(receipt.gas_used, Gas::new(10_040));
    assert_eq!(world.account(bob()).nonce, 1);
}

#[test]
fn a_value_above_the_balance_is_invalid() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    for action in [
        call(caller, "who", Vec::new()),
        call(alice(), "", Vec::new()),
        deploy(COUNTER.to_vec(), Vec::new()),
    ] {
        check(
            &mut world,
            (action, FUNDS + 1, GAS),
            InvalidTransaction::ValueAboveBalance {
                value: FUNDS + 1,
                balance: FUNDS,
            },
            "the value is 1000001, the sender's balance is 1000000",
        );
    }
    let all = world.call_with(bob(), caller, "who", &[], FUNDS, GAS);
    assert_eq!(all.status, Status::Success);
}

#[test]
fn an_input_a_method_or_code_above_the_limits_is_invalid() {
    let mut world = World::new();
    let limits = ContractRules::v1().limits;
    let most = usize::try_from(limits.data_bytes).unwrap();
    for action in [
        call(alice(), "", vec![0; most + 1]),
        deploy(COUNTER.to_vec(), vec![0; most + 1]),
    ] {
        check(
            &mut world,
            (action, 0, GAS),
            InvalidTransaction::InputTooLarge {
                bytes: 1_048_577,
                limit: 1_048_576,
            },
            "the input has 1048577 bytes, the rules admit 1048576",
        );
    }
    check(
        &mut world,
        (call(alice(), &"m".repeat(257), Vec::new()), 0, GAS),
        InvalidTransaction::MethodTooLong {
            bytes: 257,
            limit: 256,
        },
        "the method's name has 257 bytes, the rules admit 256",
    );
    check(
        &mut world,
        (deploy(vec![0; 2_621_441], Vec::new()), 0, 2 * GAS),
        InvalidTransaction::CodeTooLarge {
            bytes: 2_621_441,
            limit: 2_621_440,
        },
        "the code has 2621441 bytes, the rules admit 2621440",
    );
    // As much as the rules admit is valid.
    let receipt = world.call(bob(), alice(), &"m".repeat(256), &vec![0; most]);
    assert!(matches!(receipt.status, Status::Rejected(_)), "{receipt:?}");
}
