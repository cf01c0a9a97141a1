//! Imports of the embedder's own, the context of a waiting call, and versions of the interface.

use std::sync::Arc;

use fusee_conformance::lanes;
use fusee_engine::{Gas, Interrupt, Stop};
use fusee_executor::{Caller, Executor, Linker};
use fusee_instrument::SyscallPrice;
use fusee_system::{
    Billing, CallContext, ExitCode, State, Step, SystemError, SystemPrograms, contract_rules,
    contract_rules_v1_5, system_rules, system_rules_v1_5,
};

use crate::support::{self, GAS, answer, end, main_call, op, waits};

/// How often a call asked.
struct Asked(u64);

fn imports() -> Linker<CallContext> {
    let mut linker = Linker::<CallContext>::new();
    let price = SyscallPrice::words(1_000, 0);
    let asked = |caller: &mut Caller<'_, '_, CallContext>| {
        let context = caller.data_mut();
        let before = context.kept::<Asked>().map_or(0, |asked| asked.0);
        context.keep(Asked(before + 1));
        before + 1
    };
    linker.func("own", "asked", price, asked).unwrap();
    linker
        .func(
            "own",
            "reverse",
            SyscallPrice::FREE,
            |caller: &mut Caller<'_, '_, CallContext>, from: u32, length: u32| {
                let bytes = caller
                    .memory()
                    .read(from.into(), length.into())?
                    .into_owned();
                let context = caller.data_mut();
                assert_eq!((context.state(), context.depth()), (State::Main, 1));
                context.output().extend(bytes.iter().rev());
                Ok(())
            },
        )
        .unwrap();
    linker
}

/// Waits where its input is empty. Its output is the reversed input, and how often it asked.
const ASKING: &str = r#"(module
  (import "own" "asked" (func $asked (result i64)))
  (import "own" "reverse" (func $reverse (param i32 i32)))
  (import "fluentbase_v1preview" "_read" (func $read (param i32 i32 i32)))
  (import "fluentbase_v1preview" "_input_size" (func $input_size (result i32)))
  (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
  (memory 1)
  (func (export "main") (param i32 i32) (result i32)
    (drop (call $asked))
    (if (i32.eqz (call $input_size)) (then
      (call $write (i32.const 0) (i32.const 5))
      (return (i32.const -3))))
    (call $read (i32.const 100) (i32.const 0) (call $input_size))
    (call $write (i32.const 0) (i32.const 4))
    (call $reverse (i32.const 100) (call $input_size))
    (i64.store (i32.const 8) (call $asked))
    (call $write (i32.const 8) (i32.const 8))
    (i32.const 0)))"#;

fn on_all_lanes<T: PartialEq + std::fmt::Debug>(observe: impl Fn(Executor) -> T) -> T {
    let mut found = lanes()
        .into_iter()
        .map(|lane| (lane.name, observe(lane.executor)));
    let (first, expected) = found.next().unwrap();
    for (lane, other) in found {
        assert_eq!(other, expected, "{lane} and {first}");
    }
    expected
}

fn programs(executor: Executor) -> SystemPrograms {
    SystemPrograms::new(Arc::new(executor))
        .imports(&imports())
        .unwrap()
}

#[test]
fn programs_call_imports_of_the_embedder_and_pay_for_them() {
    let wasm = wat::parse_str(ASKING).unwrap();
    let found = on_all_lanes(|executor| {
        let mut programs = programs(executor);
        let program = programs.register(&wasm, Billing::Metered).unwrap();
        let mut transaction = programs.transaction(Interrupt::new());
        [(); 2].map(|()| {
            let call = main_call(b"abc".to_vec(), GAS);
            end(transaction.call(program, call).unwrap())
        })
    });
    for found in &found {
        assert_eq!(found.exit_code, ExitCode::Ok);
        // What is kept is kept for one call.
        assert_eq!(found.payload(), b"cba\x02\0\0\0\0\0\0\0");
    }
    let free = on_all_lanes(|executor| {
        let mut free = Linker::<CallContext>::new();
        free.func(
            "own",
            "asked",
            SyscallPrice::FREE,
            |_: &mut Caller<'_, '_, _>| 2_u64,
        )
        .unwrap();
        free.func(
            "own",
            "reverse",
            SyscallPrice::FREE,
            |_: &mut Caller<'_, '_, _>, _: u32, _: u32| {},
        )
        .unwrap();
        let programs = SystemPrograms::new(Arc::new(executor)).imports(&free);
        let mut programs = programs.unwrap();
        let program = programs.register(&wasm, Billing::Metered).unwrap();
        let mut transaction = programs.transaction(Interrupt::new());
        let call = main_call(b"abc".to_vec(), GAS);
        end(transaction.call(program, call).unwrap()).gas_used
    });
    let paid = found[0].gas_used.units() - free.units();
    assert_eq!(paid, 2 * 1_000, "two calls at the price of their rule");
}

#[test]
fn the_context_of_a_waiting_call_is_read_and_written() {
    let wasm = wat::parse_str(ASKING).unwrap();
    on_all_lanes(|executor| {
        let mut programs = programs(executor);
        let program = programs.register(&wasm, Billing::Metered).unwrap();
        let mut transaction = programs.transaction(Interrupt::new());
        let call = main_call(Vec::new(), GAS);
        let mut waiting = waits(transaction.call(program, call).unwrap());
        let context = waiting.context_mut();
        assert_eq!(context.program(), Some(program));
        assert_eq!(context.kept::<Asked>().map(|asked| asked.0), Some(1));
        assert!(context.kept::<u8>().is_none(), "another type");
        // With an input it does not wait again.
        *context.input() = b"xy".to_vec();
        context.keep(Asked(40));
        let ended = end(transaction.resume(waiting, &answer(b"")).unwrap());
        assert_eq!(ended.payload(), b"yx\x2a\0\0\0\0\0\0\0");
        ended
    });
}

#[test]
fn imports_that_cannot_be_are_refused() {
    let new = || SystemPrograms::new(Arc::new(lanes().swap_remove(0).executor));
    let mut taken = Linker::<CallContext>::new();
    taken
        .func(
            "fluentbase_v1preview",
            "_fuel",
            SyscallPrice::FREE,
            |_: &mut Caller<'_, '_, _>| 1_i64,
        )
        .unwrap();
    let refused = new().imports(&taken).unwrap_err().to_string();
    assert_eq!(
        refused,
        "the import `fluentbase_v1preview`.`_fuel` is the interface's: choose another name"
    );
    let mut waiting = Linker::<CallContext>::new();
    waiting
        .func_suspendable(
            "own",
            "wait",
            SyscallPrice::FREE,
            |_: &mut Caller<'_, '_, _>| Err::<(), _>(Stop::Suspend),
        )
        .unwrap();
    let refused = new().imports(&waiting).unwrap_err().to_string();
    assert!(refused.contains("may not suspend"), "{refused}");
    // Rules alone cannot name what nobody answers.
    let rules = system_rules();
    let mut syscalls = rules.syscalls().to_vec();
    syscalls[3].number = 200;
    let unknown = rules.with_syscalls(syscalls);
    let refused = new().rules(unknown, contract_rules()).unwrap_err();
    assert!(
        matches!(&refused, SystemError::UnknownSyscall { number: 200, name } if name == "_input_size"),
        "{refused}"
    );
}

/// Below the root, `_resume` answers in version 1, and ends the call since version 1.5.
#[test]
fn resuming_below_the_root_ends_the_call_since_version_1_5() {
    let wasm = support::probe();
    let resume = |is_later: bool| {
        on_all_lanes(|executor| {
            let programs = SystemPrograms::new(Arc::new(executor));
            let mut programs = match is_later {
                true => programs
                    .rules(system_rules_v1_5(), contract_rules_v1_5())
                    .unwrap(),
                false => programs,
            };
            let program = programs.register(&wasm, Billing::Metered).unwrap();
            let mut transaction = programs.transaction(Interrupt::new());
            // Another call waits, so that this one is below it.
            let outer = transaction
                .call(program, main_call(vec![op::INTERRUPT, 1], GAS))
                .unwrap();
            let outer = waits(outer);
            let mut input = vec![op::RESUME];
            input.extend(1_u32.to_le_bytes());
            input.extend(0_u32.to_le_bytes());
            input.extend(0_u64.to_le_bytes());
            let inner = transaction.call(program, main_call(input, GAS)).unwrap();
            drop(outer);
            end(inner)
        })
    };
    let first = resume(false);
    assert_eq!(first.exit_code, ExitCode::Ok);
    assert_eq!(first.payload()[..4], (-1002_i32).to_le_bytes());
    assert_eq!(resume(true).exit_code, ExitCode::RootCallOnly);
}

#[test]
fn programs_with_tail_calls_are_for_version_1_5() {
    let wasm = wat::parse_str(
        r#"(module (memory 1)
          (global $stack (mut i32) (i32.sub (i32.const 65536) (i32.const 16)))
          (func $rest (result i32) (i32.sub (global.get $stack) (i32.const 65520)))
          (func (export "main") (param i32 i32) (result i32) (return_call $rest)))"#,
    )
    .unwrap();
    let call = |programs: SystemPrograms| {
        let mut programs = programs;
        let program = programs.register(&wasm, Billing::Metered)?;
        let mut transaction = programs.transaction(Interrupt::new());
        match transaction.call(program, main_call(Vec::new(), GAS))? {
            Step::Ended(end) => Ok((end.exit_code, end.gas_used)),
            Step::Interrupted(_) => panic!("it does not wait"),
        }
    };
    let found: (ExitCode, Gas) = on_all_lanes(|executor| {
        let programs = SystemPrograms::new(Arc::new(executor));
        let programs = programs.rules(system_rules_v1_5(), contract_rules_v1_5());
        call(programs.unwrap())
            .map_err(|error: SystemError| error.to_string())
            .unwrap()
    });
    assert_eq!(found.0, ExitCode::Ok);
    let executor = Arc::new(lanes().swap_remove(0).executor);
    let refused = call(SystemPrograms::new(executor)).unwrap_err();
    assert!(refused.to_string().contains("extended_const"), "{refused}");
}
