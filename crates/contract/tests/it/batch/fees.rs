//! Fees: reserved before anything runs, kept for the gas that was used, given back otherwise.

use fusee_abi::{self as abi, status};
use fusee_conformance::Random;
use fusee_contract::{
    Address, Batch, BatchOperation, ContractRules, GasFee, IncludedBatch, InvalidTransaction,
    Status, set_balances,
};
use fusee_engine::Gas;

use crate::{
    asks::Asks,
    world::{CALLER, COUNTER, FUNDS, GAS, World, alice, bob},
};

use super::{
    ask, asks_contract, balances, batch, call, deploy, everybody, free, send, sends, transfer,
    try_send, world,
};

const LIMIT: u64 = 200_000;
const PRICE: u128 = 3;
/// The price of the gas limit.
const RESERVED: u128 = 600_000;

fn paid_by(payer: Address, operations: Vec<BatchOperation>) -> Batch {
    Batch {
        gas: Gas::new(LIMIT),
        fee: Some(GasFee {
            payer,
            price: PRICE,
        }),
        ..batch(operations)
    }
}

/// Sends a batch, and returns what everybody's balance has changed by.
fn changes(world: &mut World, batch: &Batch, contract: Address) -> (IncludedBatch, [i128; 3]) {
    let everybody = everybody(contract);
    let before = balances(world, &everybody);
    let included = send(world, batch);
    let after = balances(world, &everybody);
    let changes = [0, 1, 2]
        .map(|at: usize| i128::try_from(after[at]).unwrap() - i128::try_from(before[at]).unwrap());
    (included, changes)
}

#[test]
fn the_payer_pays_for_the_gas_that_was_used() {
    let mut world = world();
    let counter = world.deploy(COUNTER, &[]);
    for (payer, pays) in [(alice(), [1, 0]), (bob(), [0, 1])] {
        let operations = vec![free(call(counter, "increment", &[])), transfer(bob(), 5)];
        let batch = Batch {
            overhead: Gas::new(1_234),
            ..paid_by(payer, operations)
        };
        let (included, changes) = changes(&mut world, &batch, counter);
        assert_eq!(included.operation, None);
        assert!(included.gas_used < batch.gas);
        let fee = i128::try_from(included.fee).unwrap();
        let [by_alice, by_bob] = pays.map(|pays| pays * fee);
        assert_eq!(changes, [-5 - by_alice, 5 - by_bob, 0]);
    }
}

#[test]
fn a_failure_keeps_the_fee_and_gives_the_value_back() {
    let mut world = world();
    let caller = world.deploy(CALLER, &[]);
    for (fails, uses_all) in [
        (free(call(caller, "write_then_trap", &[])), false),
        (free(call(caller, "write_then_loop", &[])), true),
        (free(deploy(b"no program", &[])), false),
        (transfer(bob(), u128::MAX), false),
    ] {
        for payer in [alice(), bob()] {
            let operations = vec![transfer(bob(), 70), fails.clone()];
            let batch = paid_by(payer, operations);
            let (included, changes) = changes(&mut world, &batch, caller);
            assert_eq!(included.operation, Some(1));
            assert_eq!(included.fee == RESERVED, uses_all);
            let fee = i128::try_from(included.fee).unwrap();
            let expected = match payer == alice() {
                true => [-fee, 0, 0],
                false => [0, -fee, 0],
            };
            assert_eq!(changes, expected);
            world
                .state
                .apply(&set_balances(&[(alice(), FUNDS), (bob(), FUNDS)]));
        }
    }
}

/// The payer is a contract that runs: it sees, and can send, what is not reserved.
#[test]
fn nobody_can_spend_what_is_reserved() {
    let mut world = world();
    let contract = asks_contract(&mut world);
    let rest = 1_000;
    let insufficient = i64::from(status::INSUFFICIENT_BALANCE);
    for (value, reply) in [(rest, 0), (rest + 1, insufficient)] {
        world
            .state
            .apply(&set_balances(&[(contract, RESERVED + rest)]));
        let mut looks = Asks::default();
        let address = looks.put(contract.as_bytes());
        let room = looks.room(16);
        looks.ask(abi::BALANCE, &[address.at(), room.at()]);
        let sends = sends(bob(), value);
        let operations = vec![ask(contract, &looks), ask(contract, &sends)];
        let batch = paid_by(contract, operations);
        let included = send(&mut world, &batch);
        assert_eq!(included.operation, None);
        let answers = looks.decode(&included.receipts[0]);
        assert_eq!(answers.bytes(room), rest.to_le_bytes());
        let answers = sends.decode(&included.receipts[1]);
        assert_eq!(answers.results, [0, reply]);
        let sent = if reply == 0 { value } else { 0 };
        let balance = RESERVED + rest - sent - included.fee;
        assert_eq!(world.account(contract).balance, balance);
    }
}

/// The sender's later operations cannot spend it either.
#[test]
fn values_are_what_the_fee_leaves() {
    let mut world = world();
    let left = FUNDS - RESERVED;
    for (value, operation) in [(left - 1, None), (left, Some(1))] {
        let batch = paid_by(alice(), vec![transfer(bob(), 1), transfer(bob(), value)]);
        assert_eq!(send(&mut world, &batch).operation, operation);
        world
            .state
            .apply(&set_balances(&[(alice(), FUNDS), (bob(), FUNDS)]));
    }
    // The first value is known before anything runs.
    let invalid = try_send(
        &mut world,
        &paid_by(alice(), vec![transfer(bob(), left + 1)]),
    );
    let expected = InvalidTransaction::ValueAboveBalance {
        value: left + 1,
        balance: left,
    };
    assert_eq!(invalid.unwrap_err().reason, expected);
}

#[test]
fn a_price_of_zero_depends_on_no_balance() {
    let mut world = world();
    let counter = world.deploy(COUNTER, &[]);
    let mut batch = paid_by(bob(), vec![free(call(counter, "increment", &[]))]);
    batch.fee = Some(GasFee {
        payer: bob(),
        price: 0,
    });
    let with = send(&mut world, &batch);
    batch.fee = None;
    let without = send(&mut world, &batch);
    assert_eq!(with.reads, without.reads);
    assert_eq!((with.fee, without.fee), (0, 0));
}

/// A payer keeps what its storage holds.
#[test]
fn a_deposit_pays_no_fee() {
    let mut world = World::with_rules(&ContractRules::v2().with_deposit(10));
    let contract = asks_contract(&mut world);
    world
        .state
        .apply(&set_balances(&[(contract, RESERVED + 680)]));
    // 64 bytes for the entry, 1 for the key and 3 for the value.
    let receipt = world.call(
        alice(),
        contract,
        "ask",
        &super::stores(b"k", b"val").input(),
    );
    assert_eq!(receipt.status, Status::Success);
    let batch = paid_by(contract, vec![transfer(bob(), 1)]);
    send(&mut world, &batch);
    world
        .state
        .apply(&set_balances(&[(contract, RESERVED + 679)]));
    let expected = InvalidTransaction::FeeAboveBalance {
        fee: RESERVED,
        balance: RESERVED - 1,
    };
    let invalid = try_send(&mut world, &batch).unwrap_err();
    assert_eq!((invalid.reason, invalid.operation), (expected, None));
}

/// Random batches of transfers, calls with value, deployments and failures: no unit appears or
/// disappears but the fee.
#[test]
fn no_money_is_made_or_lost() {
    let mut world = world();
    let mut random = Random::new(17);
    let contracts = [asks_contract(&mut world), asks_contract(&mut world)];
    let caller = world.deploy(CALLER, &[]);
    let addresses = [alice(), bob(), contracts[0], contracts[1]];
    let [mut failed, mut invalid] = [0, 0];
    for _ in 0..60 {
        let mut below = |bound: u64| random.below(bound);
        let pick = |number: u64| addresses[usize::try_from(number).unwrap() % 4];
        let operation = |below: &mut dyn FnMut(u64) -> u64| {
            let value = u128::from(below(400_000));
            let action = match below(6) {
                0 | 1 => call(pick(below(2)), "", &[]),
                2 | 3 => {
                    let script = sends(pick(below(4)), u128::from(below(300_000)));
                    call(pick(2 + below(2)), "ask", &script.input())
                }
                4 => return free(deploy(COUNTER, &[])),
                _ if below(3) > 0 => return free(call(contracts[0], "ask", &[])),
                _ => call(caller, "write_then_trap", &[]),
            };
            BatchOperation { action, value }
        };
        let operations = (0..=below(3)).map(|_| operation(&mut below)).collect();
        let batch = Batch {
            from: pick(below(2)),
            operations,
            gas: Gas::new(100_000 + below(GAS / 100)),
            overhead: Gas::new(below(10_000)),
            fee: (below(4) > 0).then(|| GasFee {
                payer: pick(below(4)),
                price: below(3).into(),
            }),
        };
        let sum = |world: &World| balances(world, &addresses).iter().sum::<u128>();
        let before = sum(&world);
        match try_send(&mut world, &batch) {
            Ok(included) => {
                failed += usize::from(included.operation.is_some());
                assert_eq!(sum(&world), before - included.fee);
            }
            Err(_) => invalid += 1,
        }
    }
    // Each kind was there.
    assert!(
        failed > 5 && invalid > 5 && failed + invalid < 50,
        "{failed} {invalid}"
    );
}
