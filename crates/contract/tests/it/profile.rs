//! Profiles of transactions: the outermost call is told apart, and what it calls is spent in its
//! syscall.

use std::sync::Arc;

use fusee_abi::SYSCALLS;
use fusee_conformance::{Lane, lanes};
use fusee_contract::{Action, BlockContext, ContractRules, Contracts, Status, Transaction};
use fusee_engine::{Gas, Interrupt, Profiler, profile::ProfileSpan};

use crate::world::{CALLER, COUNTER, GAS, World, alice, args, counted};

#[test]
fn the_outermost_call_is_told_apart_and_changes_in_nothing() {
    let call = SYSCALLS.iter().find(|syscall| syscall.name == "call");
    let call = ProfileSpan::Syscall(call.unwrap().number);
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let looping = world.deploy(CALLER, &[]);
    let counter = world.deploy(COUNTER, &[]);
    let nobody = alice();
    for (callee, method, least) in [
        (counter, "increment", 7_000),
        (looping, "write_then_loop", GAS * 9 / 10),
        (looping, "no_such_method", 5_000),
        (nobody, "increment", 5_000),
    ] {
        let input = args(&[
            callee.as_bytes(),
            &counted(method.as_bytes()),
            &counted(&[]),
        ]);
        let upfront = 10_000 + 4 * u64::try_from(input.len()).unwrap();
        let transaction = Transaction {
            from: alice(),
            action: Action::Call {
                to: caller,
                method: "try_and_write".to_owned(),
                input,
            },
            value: 0,
            gas: Gas::new(GAS),
        };
        let on = |lane: Lane| {
            let profiler = Profiler::new();
            let contracts =
                Contracts::without_fallback(Arc::new(lane.executor), ContractRules::v1())
                    .suspension(lane.suspension)
                    .profiler(profiler.clone());
            let state = Arc::new(world.state.clone());
            let applied = contracts.execute(
                state,
                transaction.clone(),
                &BlockContext::default(),
                &Interrupt::new(),
            );
            (
                applied.unwrap().included().unwrap().receipt,
                profiler.total(),
                profiler.paths(),
            )
        };
        let mut found: Vec<_> = lanes().into_iter().map(on).collect();
        found.dedup();
        assert_eq!(found.len(), 1, "{found:?}");
        let (receipt, total, paths) = found.remove(0);
        assert_eq!(receipt.status, Status::Success, "{method}");
        assert_eq!(
            total.units() + upfront,
            receipt.gas_used.units(),
            "{method}"
        );
        let inside = paths.iter().filter(|(path, _)| path.contains(&call));
        let inside: Vec<_> = inside
            .map(|(path, gas)| (path.last(), gas.units()))
            .collect();
        // Nothing is told apart inside the syscall.
        assert!(
            matches!(inside[..], [(Some(last), gas)] if *last == call && gas >= least),
            "{inside:?}"
        );
        assert_eq!(world.send(transaction), receipt, "{method}");
    }
}
