//! Capsules of batches and system calls. Beside these tests, each batch and each system call of the
//! tests in `batch` is recorded on one lane and replayed on all.

use fusee_contract::{
    Action, Address, Batch, BatchOperation, Capsule, CapsuleError, CapsuleRun, CapsuleSubject,
    ContractRules, Contracts, GasFee, SystemCall, keys,
};
use fusee_engine::{CodeHash, Gas, Interrupt};

use super::{Faulty, READS, contracts_on, loading, replaced};
use crate::world::{COUNTER, FUNDS, GAS, World, alice, bob, check_capsule};

const fn free(action: Action) -> BatchOperation {
    BatchOperation { action, value: 0 }
}

fn call(to: Address, method: &str) -> BatchOperation {
    free(Action::Call {
        to,
        method: method.to_owned(),
        input: Vec::new(),
    })
}

fn upload(code: &[u8]) -> BatchOperation {
    let code = code.to_vec();
    free(Action::Upload { code })
}

fn batch(operations: Vec<BatchOperation>) -> Batch {
    Batch {
        from: alice(),
        operations,
        gas: Gas::new(GAS),
        overhead: Gas::ZERO,
        fee: None,
    }
}

pub(super) fn recorded(world: &World, batch: &Batch) -> Capsule {
    let (_, contracts) = world.lanes().next().unwrap();
    let (result, capsule) = Capsule::record_batch(
        contracts,
        world.reader(),
        batch.clone(),
        &world.block,
        &Interrupt::new(),
    )
    .unwrap();
    let capsule = capsule.unwrap();
    check_capsule(
        &capsule,
        (&result.included().unwrap()).into(),
        world.lanes(),
    );
    capsule
}

/// A batch with a value, code, an input, a fee and an overhead, whose last operation does not
/// begin.
pub(super) fn several(world: &World, contract: Address) -> Capsule {
    let transfer = BatchOperation {
        value: 7,
        ..call(bob(), "")
    };
    let deploy = free(Action::Deploy {
        code: wat::parse_str(READS).unwrap(),
        input: Vec::new(),
    });
    let batch = Batch {
        gas: Gas::new(2_000_000),
        overhead: Gas::new(1_234),
        fee: Some(GasFee {
            payer: bob(),
            price: FUNDS / 4_000_000,
        }),
        ..batch(vec![
            transfer,
            deploy,
            call(contract, "load"),
            call(contract, "nothing"),
            call(contract, "load"),
        ])
    };
    recorded(world, &batch)
}

pub(super) fn system(world: &World, contract: Address) -> Capsule {
    let (_, contracts) = world.lanes().next().unwrap();
    let call = SystemCall {
        to: contract,
        method: "load".to_owned(),
        input: b"unused".to_vec(),
        gas: Gas::new(1_000_000),
    };
    let (included, capsule) = Capsule::record_system(
        contracts,
        world.reader(),
        call.clone(),
        &world.block,
        &Interrupt::new(),
    )
    .unwrap();
    check_capsule(&capsule, (&included).into(), world.lanes());
    assert_eq!(capsule.subject(), &CapsuleSubject::System(call));
    capsule
}

#[test]
fn a_capsule_holds_what_the_whole_batch_read() {
    let (world, _) = loading();
    let contract = Address::of_contract(alice(), 0, CodeHash::of(&wat::parse_str(READS).unwrap()));
    let capsule = several(&world, contract);
    let holds = |key: Vec<u8>| capsule.state().iter().any(|(found, _)| found == key);
    // The payer's balance, the receiver's, and what only the third operation reads.
    assert!(holds(keys::balance(bob())) && holds(keys::balance(alice())));
    assert!(holds(keys::storage(contract, b"a")));
    // Deployed by the second operation, and called by the third one: embedded once.
    let hash = CodeHash::of(&wat::parse_str(READS).unwrap());
    assert_eq!(capsule.sent_code(), [hash]);
    assert_eq!(capsule.code().len(), 1);
    let CapsuleSubject::Batch(batch) = capsule.subject() else {
        panic!("{capsule:?}");
    };
    assert_eq!(batch.operations.len(), 5);
    assert_eq!(capsule.subject().gas_limit(), Gas::new(2_000_000));
}

#[test]
fn a_difference_names_its_operation() {
    let (mut world, _) = loading();
    let code = wat::parse_str(READS).unwrap();
    let contract = Address::of_contract(alice(), 0, CodeHash::of(&code));
    let counter = world.deploy(COUNTER, &[]);
    let increment = call(counter, "increment");
    let capsule = recorded(
        &world,
        &batch(vec![call(bob(), ""), increment, call(contract, "load")]),
    );
    let (_, sound) = world.lanes().last().unwrap();
    let find = |faulty: &Contracts| {
        let sides = [CapsuleRun::Recorded, CapsuleRun::Replay(sound)].map(|one| {
            let runs = [one, CapsuleRun::Replay(faulty)];
            let found = capsule.first_difference(runs, &Interrupt::new());
            found.unwrap().unwrap()
        });
        assert_eq!(sides[0], sides[1]);
        sides[0].clone()
    };
    let found = find(&contracts_on(Faulty::new(&[(77_001, 77_002)])));
    assert_eq!(found.operation(), Some(2));
    assert_eq!(found.frame.as_ref().unwrap().method, "load");
    let [one, other] = found.steps.map(Option::unwrap);
    assert_eq!((one.name(), other.name()), ("storage_read", "storage_read"));
    assert_eq!(one.gas_left.units() - other.gas_left.units(), 12);
}

/// One operation has one place in the code part, however often it is sent.
#[test]
fn code_that_operations_send_is_bounded_together() {
    let world = World::on_lanes(&["wasmi"], &ContractRules::v2());
    let data = "x".repeat(400_000);
    let code = wat::parse_str(format!(
        r#"(module (memory (export "memory") 8) (data (i32.const 0) "{data}"))"#
    ));
    let code = code.unwrap();
    let capsule = recorded(&world, &batch(vec![upload(&code)]));
    let bytes = capsule.encode().unwrap();
    let operation = [[0; 16].as_slice(), &[2], CodeHash::of(&code).as_bytes()].concat();
    let times = |count: u32| {
        let operations = operation.repeat(usize::try_from(count).unwrap());
        [count.to_le_bytes().as_slice(), &operations].concat()
    };
    let (_, contracts) = world.lanes().next().unwrap();
    let replay = |count| {
        let many = Capsule::decode(&replaced(&bytes, &times(1), &times(count))).unwrap();
        assert_eq!(many.sent_code().len(), usize::try_from(count).unwrap());
        many.replay(contracts, &Interrupt::new())
    };
    assert!(replay(3).is_ok());
    let sent = code.len() * 700;
    assert_eq!(replay(700), Err(CapsuleError::TooMuchCode { bytes: sent }));
}

/// A capsule that says that a system call asked an oracle, which it cannot.
#[test]
fn a_system_call_has_no_oracle_answers() {
    let (world, _) = loading();
    let contract = Address::of_contract(alice(), 0, CodeHash::of(&wat::parse_str(READS).unwrap()));
    let bytes = system(&world, contract).encode().unwrap();
    let gas = 1_000_000_u64.to_le_bytes();
    // The end of the input, the gas limit, and the answers.
    let with = |answers: &[u8]| [b"unused", gas.as_slice(), answers].concat();
    let answered = replaced(&bytes, &with(&[0; 4]), &with(&[1, 0, 0, 0, 0]));
    let capsule = Capsule::decode(&answered).unwrap();
    let (_, contracts) = world.lanes().next().unwrap();
    let outcome = capsule.replay(contracts, &Interrupt::new()).unwrap();
    assert_ne!(outcome, capsule.outcome());
    assert!(format!("{outcome:?}").contains("made fewer oracle requests than the 1"));
}
