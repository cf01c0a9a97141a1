//! Transactions that wait for the host: parked with all that is in them, resumed, or dropped.

use fusee_abi::status;
use fusee_contract::{Action, Address, ContractRules, Included, Progress, Transaction, Waiting};
use fusee_engine::Gas;

use crate::{
    children::{CHILD, wasm, world},
    puppet::{PUPPET, Script, noted},
    world::{GAS, World, alice},
};

fn transaction(to: Address, script: &Script) -> Transaction {
    Transaction {
        from: alice(),
        action: Action::Call {
            to,
            method: "script".to_owned(),
            input: script.input(),
        },
        value: 0,
        gas: Gas::new(GAS),
    }
}

fn waiting(progress: Progress) -> Box<Waiting> {
    match progress {
        Progress::Waiting(waiting) => waiting,
        Progress::Ended(result) => panic!("{result:?}"),
    }
}

fn included(progress: Progress) -> Included {
    match progress {
        Progress::Ended(result) => result.included().unwrap(),
        Progress::Waiting(waiting) => panic!("{waiting:?}"),
    }
}

/// A contract calls another, whose child asks for something that its owner has to ask the host for.
fn two_deep(world: &mut World) -> (Transaction, Address) {
    let [one, two] = [(); 2].map(|()| world.deploy_wat(PUPPET));
    let inner = Script::default()
        .compile(&wasm(CHILD), b"")
        .instantiate(0)
        .prepare(0, b"count")
        .run(0, 1_000_000, 5)
        .oracle_request(b"what is the answer?")
        .run(0, 1_000_000, 42)
        .prepare(0, b"count")
        .read(0, 0);
    let outer = Script::default()
        .store(b"before", b"1")
        .call(two, &inner)
        .store(b"after", b"2");
    (transaction(one, &outer), two)
}

#[test]
fn a_script_two_contracts_deep_awaits_the_host() {
    let mut world = world();
    let (transaction, two) = two_deep(&mut world);
    let mut all = Vec::new();
    for (name, progress) in world.begin(&transaction) {
        let waiting = waiting(progress);
        assert_eq!(waiting.contract(), two, "{name}");
        assert_eq!(waiting.question(), b"what is the answer?");
        // Three wait: the caller, the callee, and its child.
        let parked = world.suspended_runs();
        let progress = waiting.answer(Some(b"42".to_vec())).unwrap();
        let included = included(progress);
        assert_eq!(world.suspended_runs(), parked - 3);
        let notes = noted(&included.receipt);
        assert!(notes[1].result > 0, "the call went well");
        all.push((included.receipt, included.changes.encode()));
    }
    assert!(all.iter().all(|one| *one == all[0]));
    assert_eq!(world.suspended_runs(), 0);

    // Parked at leisure, several at once and out of order, on other threads: the same.
    let parked: Vec<_> = world.begin(&transaction).into_iter().rev().collect();
    for (name, progress) in parked {
        let waiting = waiting(progress);
        let resume = move || waiting.answer(Some(b"42".to_vec())).unwrap();
        let included = included(std::thread::spawn(resume).join().unwrap());
        assert_eq!(
            (included.receipt, included.changes.encode()),
            all[0],
            "{name}"
        );
    }

    // No answer costs the same gas, and nothing more is different.
    for (_, progress) in world.begin(&transaction) {
        let included = included(waiting(progress).answer(None).unwrap());
        assert_eq!(included.receipt.gas_used, all[0].0.gas_used);
        assert_eq!(included.changes.encode(), all[0].1);
    }
    // Whoever only executes has no answers.
    let receipt = world.send(transaction);
    assert_eq!(receipt.gas_used, all[0].0.gas_used);
}

#[test]
fn a_transaction_that_is_dropped_leaves_nothing() {
    let mut world = world();
    let (transaction, _) = two_deep(&mut world);
    let before = world.account(alice());
    let parked = world.begin(&transaction);
    assert_eq!(
        usize::try_from(world.suspended_runs()).unwrap(),
        3 * parked.len()
    );
    drop(parked);
    assert_eq!(world.suspended_runs(), 0);
    assert_eq!(world.account(alice()), before);
}

#[test]
fn an_answer_is_return_data_and_none_is_a_status() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let script = Script::default()
        .oracle_request(b"one")
        .return_data(0)
        .oracle_request(b"two")
        .return_data(0);
    for (_, progress) in world.begin(&transaction(puppet, &script)) {
        let first = waiting(progress);
        assert_eq!(first.question(), b"one");
        let second = waiting(first.answer(Some(b"yes!".to_vec())).unwrap());
        assert_eq!(second.question(), b"two");
        let included = included(second.answer(None).unwrap());
        let notes = noted(&included.receipt);
        let results: Vec<_> = notes.iter().map(|note| note.result).collect();
        assert_eq!(results, [4, 4, i64::from(status::UNANSWERED), 0]);
        assert_eq!(notes[1].buffer[..5], *b"yes!\0");
    }
}

#[test]
fn asking_is_paid_for_like_calling() {
    let mut world = World::with_rules(&ContractRules::latest().with_oracle());
    let puppet = world.deploy_wat(PUPPET);
    let used = |world: &mut World, question: &[u8]| {
        let script = Script::default().lookup(b"x").oracle_request(question);
        let receipt = world.call(alice(), puppet, "script", &script.input());
        let notes = noted(&receipt);
        notes[0].gas_left - notes[1].gas_left
    };
    let [short, long] = [used(&mut world, b"1"), used(&mut world, b"12345")];
    assert_eq!(long - short, 4);
    // Ten pages wait, and the syscall itself.
    assert!((10_000..11_000).contains(&short), "{short}");
}
