//! Depth 0: `_exec` runs others, and `_resume` goes on with them.

use std::collections::BTreeMap;

use fusee_conformance::lanes;
use fusee_engine::{CodeHash, Gas, Interrupt};
use fusee_instrument::SyscallPrice;
use fusee_system::{
    Billing, CallResult, ExitCode, SystemError, SystemPrices, SystemProgram, Transaction,
};

use crate::support::{
    ALL, GAS, count, end, hash, hash_of, input, main_call, on_all_lanes, op, probe, registered,
};

/// What a program at depth 0 is told: the result of the syscall, what it consumed, what was
/// refunded, the return data.
#[derive(Debug, PartialEq)]
struct Told {
    result: i32,
    consumed: u64,
    refunded: i64,
    data: Vec<u8>,
}

/// What the probe was told, which runs at depth 0 as a program that nobody trusts.
fn told(end: &CallResult) -> Told {
    assert_eq!(end.exit_code, ExitCode::Ok, "{}", end.message());
    let payload = &end.output[4..];
    let number = |at: usize| payload[at..at + 8].try_into().unwrap();
    Told {
        result: i32::from_le_bytes(payload[..4].try_into().unwrap()),
        consumed: u64::from_le_bytes(number(4)),
        refunded: i64::from_le_bytes(number(12)),
        data: payload[20..].to_vec(),
    }
}

fn root(transaction: &mut Transaction<'_>, asks: Vec<u8>) -> CallResult {
    let step = transaction.call_root_code(&probe(), main_call(asks, GAS));
    end(step.unwrap())
}

fn exec(hash: &[u8; 32], fuel: i64, op: u8, parts: &[&[u8]]) -> Vec<u8> {
    input(op::EXEC, &[hash, &fuel.to_le_bytes(), &input(op, parts)])
}

fn resume(id: i32, code: i32, consumed: i64, data: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 4] = [
        &id.to_le_bytes(),
        &code.to_le_bytes(),
        &consumed.to_le_bytes(),
        data,
    ];
    input(op::RESUME, &parts)
}

#[test]
fn exec_runs_a_program_and_tells_how_it_ended() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let ok = root(transaction, exec(&hash(program), i64::MAX, op::COUNT, &[]));
        let code = (-1015_i32).to_le_bytes();
        let fails = root(
            transaction,
            exec(&hash(program), i64::MAX, op::RETURN, &[&code]),
        );
        let broke = root(transaction, exec(&hash(program), 1_000, op::LOOP, &[]));
        (ok, told(&fails), told(&broke), transaction.waiting())
    });
    let (ok, fails, broke, waiting) = found;
    let first = told(&ok);
    assert_eq!((first.result, first.refunded), (0, 0));
    assert_eq!(first.data, [1, 0, 0, 0], "without the exit code");
    assert!(ok.gas_used.units() > first.consumed && first.consumed > 2_000);
    assert_eq!((fails.result, fails.data), (-1015, vec![]));
    assert_eq!((broke.result, broke.consumed), (-2010, 1_000));
    assert_eq!(waiting, 0);
}

#[test]
fn an_interrupted_call_has_an_id_and_goes_on_by_it() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let asks = exec(&hash(program), i64::MAX, op::INTERRUPT, &[b"params"]);
        let ids = [(); 3].map(|()| told(&root(transaction, asks.clone())));
        let waiting = transaction.waiting();
        // The innermost first.
        let last = told(&root(transaction, resume(3, -7, 100, b"data")));
        let again = told(&root(transaction, resume(3, 0, 0, b"")));
        let never = told(&root(transaction, resume(4, 0, 0, b"")));
        let negative = told(&root(transaction, resume(-1, 0, 0, b"")));
        (
            ids,
            waiting,
            last,
            [again, never, negative],
            transaction.waiting(),
        )
    });
    let (ids, waiting, last, unknown, still) = found;
    for (id, told) in (1..).zip(&ids) {
        assert_eq!((told.result, &told.data[..]), (id, &b"params"[..]));
    }
    assert_eq!((waiting, still), (3, 2));
    assert_eq!(last.result, 0);
    // Two wait now; and what it was told: it has ended, 4 bytes, consumed 100, no refund, exit code
    // -7.
    let mut data = vec![2, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0];
    data.extend(b"data");
    data.extend(100_u64.to_le_bytes());
    data.extend(0_u64.to_le_bytes());
    data.extend((-7_i32).to_le_bytes());
    assert_eq!(last.data, data);
    for told in unknown {
        assert_eq!(told.result, ExitCode::UnknownError.code());
    }
}

#[test]
fn what_is_told_as_consumed_is_counted_once() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let asks = exec(&hash(program), i64::MAX, op::INTERRUPT, &[b"x"]);
        // The first makes the instance.
        count(transaction, program);
        let begun = told(&root(transaction, asks.clone()));
        let ended = told(&root(transaction, resume(1, 0, 0, b"")));
        let begun_again = told(&root(transaction, asks));
        let ended_again = told(&root(transaction, resume(2, 0, 50_000, b"")));
        [begun, ended, begun_again, ended_again].map(|told| told.consumed)
    });
    let [begun, ended, begun_again, ended_again] = found;
    assert_eq!((begun, ended), (begun_again, ended_again));
    assert!(ended > 0);
}

#[test]
fn resume_works_at_depth_0_only() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let asks = exec(&hash(program), i64::MAX, op::RESUME, &[&[0; 16]]);
        let nested = told(&root(transaction, asks));
        let called = transaction.call(program, main_call(resume(1, 0, 0, b""), GAS));
        (
            nested.result,
            nested.data,
            end(called.unwrap()).payload().to_vec(),
        )
    });
    let (result, nested, called) = found;
    assert_eq!(result, 0, "the program itself goes on");
    let refused = ExitCode::RootCallOnly.code().to_le_bytes();
    assert_eq!(nested[..4], refused);
    assert_eq!(called[..4], refused);
}

#[test]
fn a_program_that_asks_for_another_is_served_by_the_root() {
    // Two programs that nobody trusts: the inner one's `_exec` interrupts it, and the root runs
    // what it asks for.
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let codes = BTreeMap::from([(hash_of(&probe()), probe())]);
        // The same bytes are a system program, too; the hash finds that. So the inner one has other
        // bytes.
        let other = wat::parse_str(crate::support::PROBE.replace(
            "(memory (export \"memory\") 32)",
            "(memory (export \"memory\") 33)",
        ))
        .unwrap();
        let mut codes = codes;
        codes.insert(hash_of(&other), other.clone());
        let find = |code: CodeHash| codes.get(code.as_bytes()).cloned();
        let mut transaction = programs.transaction(Interrupt::new()).code(find);
        let wanted = exec(&hash(program), i64::MAX, op::COUNT, &[]);
        let asks = input(op::EXEC, &[&hash_of(&other), &ALL, &wanted]);
        let begun = told(&root(&mut transaction, asks));
        assert_eq!((begun.result, begun.data.len()), (1, 64), "{}", lane.name);
        assert_eq!(begun.data[..32], hash(program));
        let ended = told(&root(&mut transaction, resume(1, 0, 10, b"result")));
        assert_eq!(ended.result, 0);
        // What the inner one was told, as it is.
        assert!(ended.data.ends_with(b"result"), "{:?}", ended.data);
        assert_eq!(transaction.waiting(), 0);
    }
}

#[test]
fn what_is_no_program_and_no_state_is_malformed() {
    let found = on_all_lanes(Billing::Metered, |transaction, _| {
        told(&root(transaction, exec(&[9; 32], i64::MAX, op::COUNT, &[])))
    });
    assert_eq!(found.result, ExitCode::MalformedBuiltinParams.code());
    assert_eq!(found.data, b"there is no program of this hash");
    let lane = lanes().remove(0);
    let (programs, _) = registered(lane.executor, Billing::Metered);
    let mut transaction = programs
        .transaction(Interrupt::new())
        .code(|_| Some(b"\0asm no".to_vec()));
    let asks = exec(&hash_of(b"\0asm no"), i64::MAX, op::COUNT, &[]);
    let refused = told(&root(&mut transaction, asks));
    assert_eq!(refused.result, ExitCode::NotSupportedBytecode.code());
}

#[test]
fn code_of_another_hash_is_a_fault_of_whoever_found_it() {
    let lane = lanes().remove(0);
    let (programs, _) = registered(lane.executor, Billing::Metered);
    for found in [probe(), b"\0asm no".to_vec()] {
        let mut transaction = programs
            .transaction(Interrupt::new())
            .code(|_| Some(found.clone()));
        let asks = main_call(exec(&[9; 32], i64::MAX, op::COUNT, &[]), GAS);
        let error = transaction.call_root_code(&probe(), asks).unwrap_err();
        assert!(matches!(error, SystemError::WrongCode(_)), "{error}");
    }
}

#[test]
fn a_system_program_at_depth_0_cannot_be_entered_while_it_executes() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let asks = exec(&hash(program), i64::MAX, op::COUNT, &[]);
        let step = transaction.call_root(program, main_call(asks, GAS));
        let ended = end(step.unwrap());
        (ended, count(transaction, program))
    });
    let (ended, entered) = found;
    let payload = ended.payload();
    assert_eq!(payload[..4], (-3001_i32).to_le_bytes());
    let message = String::from_utf8_lossy(&payload[20..]);
    assert!(message.contains("executing"), "{message}");
    assert_eq!(entered, 2, "it goes on, and lives on");
}

#[test]
fn gas_that_ends_inside_a_nested_call_is_the_nested_call_s_own() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let nested = root(transaction, exec(&hash(program), 500_000, op::LOOP, &[]));
        let all = root(transaction, exec(&hash(program), i64::MAX, op::LOOP, &[]));
        (told(&nested), all)
    });
    let (nested, all) = found;
    assert_eq!(
        (nested.result, nested.consumed),
        (ExitCode::OutOfFuel.code(), 500_000)
    );
    // Nothing was kept back for the caller: it is out of fuel too, with all that it had.
    assert_eq!(
        (all.exit_code, all.gas_used),
        (ExitCode::OutOfFuel, Gas::new(GAS))
    );
}

#[test]
fn exec_is_priced_by_its_input() {
    let used = |length: usize| {
        on_all_lanes(Billing::Metered, |transaction, _| {
            let rest = vec![0; length];
            let parts: [&[u8]; 3] = [&[9; 32], &ALL, &rest];
            root(transaction, input(op::EXEC, &parts)).gas_used.units()
        })
    };
    let copy = SyscallPrice::words(0, 60);
    let exec = SyscallPrice::words(0, 60).with_square(20);
    // One byte of operation, 40 of hash and fuel, and the rest.
    let price = |length: u64| exec.call(length).units() + copy.call(length + 41).units();
    assert_eq!(used(6_400) - used(0), price(6_400) - price(0));
}

#[test]
fn the_registered_billing_is_found_by_hash() {
    let lane = lanes().remove(0);
    let (mut programs, metered) = registered(lane.executor, Billing::Metered);
    let self_metered = programs.register(&probe(), Billing::SelfMetered).unwrap();
    assert_eq!(self_metered.code, metered.code);
    assert_eq!(programs.find(metered.code), Some(metered), "the first");
    let apart = |programs: &fusee_system::SystemPrograms, program: SystemProgram| {
        let mut transaction = programs.transaction(Interrupt::new());
        [metered, self_metered, program].map(|program| count(&mut transaction, program))
    };
    assert_eq!(apart(&programs, metered), [1, 1, 2], "an instance each");
    programs.remove(metered);
    assert_eq!(programs.find(self_metered.code), Some(self_metered));
}

/// The probe with more memory, so that it has another hash.
fn other_probe() -> Vec<u8> {
    let memory = |pages: u32| format!("(memory (export \"memory\") {pages})");
    wat::parse_str(crate::support::PROBE.replace(&memory(32), &memory(33))).unwrap()
}

#[test]
fn a_root_that_goes_on_out_of_order_is_told_and_is_no_error() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let asks = exec(&hash(program), i64::MAX, op::INTERRUPT, &[b"x"]);
        root(transaction, asks.clone());
        root(transaction, asks);
        let outer = told(&root(transaction, resume(1, 0, 0, b"")));
        let inner = told(&root(transaction, resume(2, 0, 0, b"")));
        (
            outer,
            inner,
            transaction.waiting(),
            count(transaction, program),
        )
    });
    let (outer, inner, waiting, entered) = found;
    let fatal = ExitCode::UnexpectedFatalExecutionFailure.code();
    assert_eq!((outer.result, inner.result), (fatal, fatal));
    let message = String::from_utf8_lossy(&outer.data);
    assert!(message.contains("began later"), "{message}");
    assert_eq!((waiting, entered), (0, 1));
}

#[test]
fn which_programs_there_are_does_not_depend_on_what_was_prepared_before() {
    for lane in lanes() {
        let (programs, _) = registered(lane.executor, Billing::Metered);
        let asks = exec(&hash_of(&other_probe()), i64::MAX, op::COUNT, &[]);
        let mut transaction = programs.transaction(Interrupt::new());
        let cold = root(&mut transaction, asks.clone());
        let warms = main_call(input(op::COUNT, &[]), GAS);
        end(transaction.call_code(&other_probe(), warms).unwrap());
        let warm = root(&mut transaction, asks);
        assert_eq!(told(&cold).result, ExitCode::MalformedBuiltinParams.code());
        assert_eq!(warm, cold, "{}", lane.name);
    }
}

#[test]
fn whoever_looks_for_code_and_panics_ends_the_call_and_nothing_else() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let mut transaction = programs
            .transaction(Interrupt::new())
            .code(|_| panic!("the disk is gone"));
        let asks = exec(&[9; 32], i64::MAX, op::COUNT, &[]);
        let error = transaction.call_root(program, main_call(asks, GAS));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("the disk is gone"), "{}: {error}", lane.name);
        assert_eq!(transaction.memory_bytes(), 0);
        assert_eq!(count(&mut transaction, program), 1);
    }
}

/// Runs a program that nobody has again and again.
const ASKS_WITHOUT_END: &str = r#"(module
  (import "fluentbase_v1preview" "_exec" (func $exec (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "main") (param i32 i32) (result i32)
    (loop $again
      (drop (call $exec (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
      (br $again))
    (i32.const 0)))"#;

#[test]
fn an_interrupted_root_runs_nothing_more() {
    for lane in lanes() {
        let (programs, _) = registered(lane.executor, Billing::Metered);
        let interrupt = Interrupt::new();
        let asked = std::cell::Cell::new(0);
        let find = |_| {
            asked.set(asked.get() + 1);
            interrupt.trigger();
            None
        };
        let mut transaction = programs.transaction(interrupt.clone()).code(find);
        let wasm = wat::parse_str(ASKS_WITHOUT_END).unwrap();
        let error = transaction.call_root_code(&wasm, main_call(Vec::new(), GAS));
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "the run was interrupted", "{}", lane.name);
        drop(transaction);
        assert_eq!(asked.get(), 1, "{}", lane.name);
    }
}

/// Waits, by its state in one way or the other, and tells what `_fuel` says when it goes on.
const WAITS_AND_TELLS: &str = r#"(module
  (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
  (import "fluentbase_v1preview" "_output_size" (func $output_size (result i32)))
  (import "fluentbase_v1preview" "_exec" (func $exec (param i32 i32 i32 i32 i32) (result i32)))
  (import "fluentbase_v1preview" "_fuel" (func $fuel (result i64)))
  (import "fluentbase_v1preview" "_charge_fuel" (func $charge_fuel (param i64)))
  (memory (export "memory") 1)
  (func $tell (result i32)
    (call $charge_fuel (i64.const 70000))
    (i64.store (i32.const 4) (call $fuel))
    (call $write (i32.const 0) (i32.const 12))
    (i32.const 0))
  (func (export "main") (param i32 i32) (result i32)
    (if (call $output_size) (then (return (call $tell))))
    (call $write (i32.const 64) (i32.const 1))
    (i32.const -3))
  (func (export "deploy") (result i32)
    (drop (call $exec (i32.const 64) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
    (call $tell)))"#;

/// Runs that at depth 0, in the state of its first byte of input, with all that there is; uses up
/// so much (8 bytes) then, and goes on with it, claiming 5,000 gas. Ends with what it was told.
const RUNS_IT: &str = r#"(module
  (import "fluentbase_v1preview" "_read" (func $read (param i32 i32 i32)))
  (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
  (import "fluentbase_v1preview" "_output_size" (func $output_size (result i32)))
  (import "fluentbase_v1preview" "_forward_output" (func $forward_output (param i32 i32)))
  (import "fluentbase_v1preview" "_exec" (func $exec (param i32 i32 i32 i32 i32) (result i32)))
  (import "fluentbase_v1preview" "_resume" (func $resume (param i32 i32 i32 i32 i32) (result i32)))
  (import "fluentbase_v1preview" "_fuel" (func $fuel (result i64)))
  (import "fluentbase_v1preview" "_charge_fuel" (func $charge_fuel (param i64)))
  (memory (export "memory") 1)
  (func (export "main") (param i32 i32) (result i32)
    (call $read (i32.const 64) (i32.const 0) (i32.const 41))
    (drop (call $exec (i32.const 73) (i32.const 0) (i32.const 0) (i32.const 0) (i32.load8_u (i32.const 64))))
    (call $charge_fuel (i64.load (i32.const 65)))
    (i64.store (i32.const 4) (call $fuel))
    (i64.store (i32.const 16) (i64.const 5000))
    (i32.store (i32.const 0) (call $resume (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16)))
    (call $write (i32.const 0) (i32.const 24))
    (call $forward_output (i32.const 0) (call $output_size))
    (i32.const 0)))"#;

#[test]
fn a_call_that_goes_on_uses_no_more_than_its_root_has_left() {
    for (state, burnt, result) in [
        (0_u8, GAS - 1_000_000, 0),
        (1, GAS - 1_000_000, 0),
        (0, GAS / 2, 0),
        (1, GAS / 2, 0),
        // Less than it charges itself.
        (0, GAS - 60_000, -2010),
        (1, GAS - 60_000, -2010),
    ] {
        let found: Vec<_> = lanes()
            .into_iter()
            .map(|lane| {
                let (mut programs, _) = registered(lane.executor, Billing::Metered);
                let waits = wat::parse_str(WAITS_AND_TELLS).unwrap();
                let waits = programs.register(&waits, Billing::Metered).unwrap();
                let runs = wat::parse_str(RUNS_IT).unwrap();
                // What all but the burning costs.
                let spent = |burnt: u64| {
                    let mut transaction = programs.transaction(Interrupt::new());
                    let asks = [&[state][..], &burnt.to_le_bytes(), &hash(waits)].concat();
                    let step = transaction.call_root_code(&runs, main_call(asks, GAS));
                    let ended = end(step.unwrap());
                    assert_eq!(transaction.waiting(), 0, "{}", lane.name);
                    ended
                };
                let rest = spent(0);
                let fits = rest.gas_used.units() - 70_000;
                (rest, spent(burnt.saturating_sub(fits)))
            })
            .collect();
        assert!(found.iter().all(|other| *other == found[0]), "{found:?}");
        let (rest, ended) = &found[0];
        let number = |at: usize| u64::from_le_bytes(ended.output[at..at + 8].try_into().unwrap());
        if result != 0 {
            // It was all that there was, so that the root is out of fuel, too.
            assert_eq!(ended.exit_code, ExitCode::OutOfFuel);
            assert_eq!(ended.gas_used, Gas::new(GAS));
            continue;
        }
        assert_eq!(
            (rest.exit_code, ended.exit_code),
            (ExitCode::Ok, ExitCode::Ok)
        );
        let (left, consumed, fuel) = (number(4), number(16), number(24));
        assert!(fuel < left, "{fuel} of {left}");
        assert!(fuel + consumed > left - 5_000, "no less than it could");
        assert!(consumed > 70_000 && consumed < 80_000, "{consumed}");
        let told = u64::from_le_bytes(rest.output[16..24].try_into().unwrap());
        assert_eq!(consumed, told, "what is withheld is not used");
    }
}

/// The other probe, made longer by a custom section with this many bytes.
fn padded_probe(bytes: usize) -> Vec<u8> {
    let name_bytes = 2;
    let size = u32::try_from(bytes + name_bytes).unwrap();
    // The section's size in five bytes, so that it does not depend on the size.
    let size = (0..5).map(|at| u8::try_from(size >> (7 * at) & 0x7f).unwrap());
    let mut section = vec![0];
    section.extend(
        size.enumerate()
            .map(|(at, low)| low | if at < 4 { 0x80 } else { 0 }),
    );
    section.extend([1, b'x']);
    section.extend(vec![0; bytes]);
    [other_probe(), section].concat()
}

/// What a program at depth 0 that runs `code` used, with this much gas at these prices: the result,
/// and how often code was looked up.
fn runs_code(code: &[u8], gas: u64, prices: SystemPrices) -> (CallResult, u32) {
    let mut found = lanes().into_iter().map(|lane| {
        let (programs, _) = registered(lane.executor, Billing::Metered);
        let programs = programs.prices(prices);
        let asked = std::cell::Cell::new(0);
        let find = |hash: CodeHash| {
            asked.set(asked.get() + 1);
            (*hash.as_bytes() == hash_of(code)).then(|| code.to_vec())
        };
        let mut transaction = programs.transaction(Interrupt::new()).code(find);
        let asks = exec(&hash_of(code), i64::MAX, op::COUNT, &[]);
        let step = transaction.call_root_code(&probe(), main_call(asks, gas));
        let ended = end(step.unwrap());
        drop(transaction);
        (ended, asked.get())
    });
    let expected = found.next().unwrap();
    for other in found {
        assert_eq!(other, expected);
    }
    expected
}

#[test]
fn code_is_paid_by_its_size_at_each_call() {
    let prices = SystemPrices::default();
    let used = |bytes| {
        let (ended, asked) = runs_code(&padded_probe(bytes), GAS, prices);
        assert_eq!((told(&ended).result, asked), (0, 1));
        ended.gas_used.units()
    };
    let more = prices.code.length(100_000).units();
    assert!(more >= 100_000);
    assert_eq!(used(100_000) - used(0), more);
    assert_eq!(used(1_000_000) - used(0), 10 * more);
}

#[test]
fn a_lookup_is_paid_before_the_embedder_is_asked_and_if_there_is_no_code() {
    let free = SystemPrices {
        call: Gas::ZERO,
        answer: SyscallPrice::FREE,
        code: SyscallPrice::FREE,
    };
    let prices = SystemPrices::default();
    let used = |prices| {
        let mut found = lanes().into_iter().map(|lane| {
            let (programs, _) = registered(lane.executor, Billing::Metered);
            let programs = programs.prices(prices);
            let mut transaction = programs.transaction(Interrupt::new());
            let ended = root(&mut transaction, exec(&[9; 32], i64::MAX, op::COUNT, &[]));
            let malformed = ExitCode::MalformedBuiltinParams.code();
            assert_eq!(told(&ended).result, malformed);
            ended.gas_used.units()
        });
        let expected = found.next().unwrap();
        assert!(found.all(|other| other == expected));
        expected
    };
    let price = prices.call.units() + prices.code.base.units();
    assert_eq!(used(prices) - used(free), price);

    // A loop asks as often as it can pay for.
    for lane in lanes() {
        let (programs, _) = registered(lane.executor, Billing::Metered);
        let asked = std::cell::Cell::new(0);
        let find = |_| {
            asked.set(asked.get() + 1);
            None
        };
        let mut transaction = programs.transaction(Interrupt::new()).code(find);
        let wasm = wat::parse_str(ASKS_WITHOUT_END).unwrap();
        let gas = 100 * price;
        let step = transaction.call_root_code(&wasm, main_call(Vec::new(), gas));
        let ended = end(step.unwrap());
        assert_eq!(ended.exit_code, ExitCode::OutOfFuel, "{}", lane.name);
        assert_eq!(ended.gas_used, Gas::new(gas), "{}", lane.name);
        drop(transaction);
        assert!(asked.get() < 100, "{}: {}", lane.name, asked.get());
    }
}

#[test]
fn code_that_is_not_paid_is_not_prepared() {
    let prices = SystemPrices::default();
    // Enough for two instances, but not for these bytes.
    let gas = prices.code.length(3_000_000).units();
    let code = padded_probe(3_000_000);
    let (ended, asked) = runs_code(&code, gas, prices);
    assert_eq!((ended.exit_code, asked), (ExitCode::OutOfFuel, 1));
    assert_eq!(ended.gas_used, Gas::new(gas));
    // It is not hashed either: another program's code is not found out.
    let lane = lanes().remove(0);
    let (programs, _) = registered(lane.executor, Billing::Metered);
    let find = |_| Some(code.clone());
    let mut transaction = programs.transaction(Interrupt::new()).code(find);
    let asks = main_call(exec(&[9; 32], i64::MAX, op::COUNT, &[]), gas);
    let ended = end(transaction.call_root_code(&probe(), asks).unwrap());
    assert_eq!(ended.exit_code, ExitCode::OutOfFuel);
}

#[test]
fn a_callee_gets_what_its_code_has_left() {
    // The callee uses all that it is given, and its caller is left with nothing, not with less.
    let code = padded_probe(100_000);
    for lane in lanes() {
        let (programs, _) = registered(lane.executor, Billing::Metered);
        let find = |_| Some(code.clone());
        let mut transaction = programs.transaction(Interrupt::new()).code(find);
        let fuel = i64::try_from(GAS).unwrap();
        let asks = exec(&hash_of(&code), fuel, op::LOOP, &[]);
        let ended = root(&mut transaction, asks);
        assert_eq!(ended.exit_code, ExitCode::OutOfFuel, "{}", lane.name);
        assert_eq!(ended.gas_used, Gas::new(GAS), "{}", lane.name);
        // With some kept back, it goes on.
        let asks = exec(&hash_of(&code), fuel - 10_000_000, op::LOOP, &[]);
        let told = told(&root(&mut transaction, asks));
        assert_eq!(told.result, ExitCode::OutOfFuel.code(), "{}", lane.name);
        assert_eq!(told.consumed, GAS - 10_000_000, "{}", lane.name);
    }
}

#[test]
fn the_answer_of_resume_is_paid_by_its_size() {
    let used = |answer: SyscallPrice, bytes: usize| {
        let mut found = lanes().into_iter().map(|lane| {
            let (programs, program) = registered(lane.executor, Billing::Metered);
            let programs = programs.prices(SystemPrices {
                answer,
                ..SystemPrices::default()
            });
            let mut transaction = programs.transaction(Interrupt::new());
            let asks = exec(&hash(program), i64::MAX, op::INTERRUPT, &[b"x"]);
            assert_eq!(told(&root(&mut transaction, asks)).result, 1);
            let ended = root(&mut transaction, resume(1, 0, 0, &vec![0; bytes]));
            assert_eq!(told(&ended).result, 0, "{}", lane.name);
            ended.gas_used.units()
        });
        let expected = found.next().unwrap();
        assert!(found.all(|other| other == expected));
        expected
    };
    let price = SystemPrices::default().answer;
    for bytes in [0, 1, 320_000] {
        let paid = used(price, bytes) - used(SyscallPrice::FREE, bytes);
        let expected = price.call(u64::try_from(bytes).unwrap());
        assert_eq!(paid, expected.units(), "{bytes}");
    }
}

#[test]
fn a_state_that_is_none_is_malformed() {
    let exec = |state: u32| {
        let wasm = format!(
            r#"(module
              (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
              (import "fluentbase_v1preview" "_exec" (func $exec (param i32 i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func (export "main") (param i32 i32) (result i32)
                (i32.store (i32.const 4)
                  (call $exec (i32.const 64) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const {state})))
                (call $write (i32.const 0) (i32.const 8))
                (i32.const 0)))"#
        );
        wat::parse_str(wasm).unwrap()
    };
    for lane in lanes() {
        let (programs, _) = registered(lane.executor, Billing::Metered);
        let asked = std::cell::Cell::new(0);
        let find = |_| {
            asked.set(asked.get() + 1);
            None
        };
        let mut transaction = programs.transaction(Interrupt::new()).code(find);
        for state in [2, u32::MAX] {
            let asks = main_call(Vec::new(), GAS);
            let ended = end(transaction.call_root_code(&exec(state), asks).unwrap());
            let malformed = ExitCode::MalformedBuiltinParams.code().to_le_bytes();
            assert!(ended.output.ends_with(&malformed), "{}", lane.name);
        }
        drop(transaction);
        assert_eq!(asked.get(), 0, "{}", lane.name);
    }
}
