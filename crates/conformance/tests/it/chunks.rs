//! Bulk memory operators, which run in chunks: bytes, traps and gas are those of an operator that
//! runs at once.
//!
//! Rust's slices give the expected bytes, and the counting interpreter the expected gas.

use std::sync::Arc;

use fusee_conformance::{
    Ending, Lane, Verdict, agreed,
    counting::{Prices, Program},
    lanes,
};
use fusee_engine::{EngineError, Gas, Interrupt, OutOfGasPolicy, Trap, Value, reserved};
use fusee_executor::{LiveInstance, Outcome, PreparedProgram, RunError, RunRequest};

use crate::guest::{Call, count, counted, host, rules, wasm};

const CHUNK: u32 = 1 << 20;
const PAGES: u32 = 72;
const BYTES: u32 = PAGES << 16;

/// More than any of these costs.
const GAS: u64 = 1 << 40;

/// One operator, of operands from outside or of lengths that are known before.
fn program() -> Vec<u8> {
    let mut entries = String::new();
    for (suffix, length) in LENGTHS {
        let length = match length {
            None => "(local.get 2)".to_owned(),
            Some(length) => format!("(i32.const {length})"),
        };
        for operator in ["fill", "copy"] {
            entries.push_str(&format!(
                "(func (export \"{operator}{suffix}\") (param i32 i32 i32)
                   (memory.{operator} (local.get 0) (local.get 1) {length}))"
            ));
        }
    }
    wasm(&format!(
        "(module (memory {PAGES} {PAGES}) (func (export \"nothing\")) {entries})"
    ))
}

/// The lengths that are known before, and how entries of these are called.
const LENGTHS: [(&str, Option<u32>); 5] = [
    ("", None),
    (" 0", Some(0)),
    (" 100", Some(100)),
    (" a chunk", Some(CHUNK)),
    (" more than a chunk", Some(CHUNK + 1)),
];

#[derive(Clone, Copy, Debug)]
enum Operator {
    Filling,
    Copying,
}

use Operator::{Copying, Filling};

/// An operator, and its operands.
#[derive(Clone, Copy, Debug)]
struct Case {
    operator: Operator,
    /// Where it writes.
    to: u32,
    /// The byte, or where it reads.
    from: u32,
    length: u32,
    /// Of the entry.
    suffix: &'static str,
}

impl Case {
    fn entry(self) -> String {
        let operator = match self.operator {
            Filling => "fill",
            Copying => "copy",
        };
        format!("{operator}{}", self.suffix)
    }

    fn args(self) -> [Value; 3] {
        [self.to, self.from, self.length].map(|operand| Value::I32(operand.cast_signed()))
    }

    /// What becomes of the memory; `None` where it is not all there.
    fn expected(self, memory: &[u8]) -> Option<Vec<u8>> {
        let range = |at: u32| {
            let at = usize::try_from(at).unwrap();
            at..at + usize::try_from(self.length).unwrap()
        };
        let mut memory = memory.to_vec();
        match self.operator {
            Filling => memory
                .get_mut(range(self.to))?
                .fill(self.from.to_le_bytes()[0]),
            Copying => {
                memory.get(range(self.to))?;
                memory.get(range(self.from))?;
                memory.copy_within(range(self.from), range(self.to).start);
            }
        }
        Some(memory)
    }
}

/// A program on a lane, and what is in its memory before each case.
struct Subject<'a> {
    lane: &'a Lane,
    prepared: Arc<PreparedProgram>,
    before: &'a [u8],
}

impl Subject<'_> {
    /// An instance that is paid for, with that in its memory.
    fn instance(&self) -> LiveInstance {
        let call = Call {
            entry: "nothing",
            args: &[],
            gas: GAS,
        };
        let Outcome::Finished(finished) = call.on(self.lane, &self.prepared) else {
            panic!("it does nothing");
        };
        let mut live = finished.into_instance().0.unwrap();
        live.memory().write(0, self.before).unwrap();
        live
    }

    fn run(&self, case: Case, gas: u64) -> (Verdict, Option<LiveInstance>) {
        let (entry, args) = (case.entry(), case.args());
        let request = self.lane.request(&entry, &args, Gas::new(gas));
        let outcome = self.instance().run(request, host()).unwrap();
        let verdict = Verdict::on(&outcome);
        let live = match outcome {
            Outcome::Finished(finished) => finished.into_instance().0,
            _ => None,
        };
        (verdict, live)
    }
}

/// The same by the counting interpreter, without what making the instance costs.
fn counted_verdict(program: &Arc<Program>, case: Case, gas: u64, instance: u64) -> Verdict {
    let call = Call {
        entry: &case.entry(),
        args: &case.args(),
        gas: gas + instance,
    };
    let (verdict, _) = count(program, call, 0);
    Verdict {
        gas_used: verdict.gas_used - instance,
        ..verdict
    }
}

/// Bytes that differ everywhere, so that a copy to a wrong address is detected.
fn pattern() -> Vec<u8> {
    (0..BYTES)
        .map(|at| at.wrapping_mul(0x9e37_79b1).to_le_bytes()[3])
        .collect()
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |operator, to, from, length| {
        cases.push(Case {
            operator,
            to,
            from,
            length,
            suffix: "",
        });
    };
    let lengths = [
        0,
        1,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        2 * CHUNK,
        2 * CHUNK + 1,
        3 * CHUNK + 12_345,
    ];
    for length in lengths {
        add(Filling, 5, 0x1ab, length);
        // To the end, and one byte further.
        add(Filling, BYTES - length, 7, length);
        add(Filling, BYTES - length + 1, 7, length);
        add(Copying, BYTES - length, 5, length);
        add(Copying, BYTES - length + 1, 5, length);
        add(Copying, 5, BYTES - length, length);
        add(Copying, 5, BYTES - length + 1, length);
        for distance in [0, 1, 63, CHUNK - 1, CHUNK, CHUNK + 1] {
            add(Copying, 3, 3 + distance, length);
            add(Copying, 3 + distance, 3, length);
        }
    }
    add(Filling, 0, 9, BYTES);
    add(Copying, 0, 0, BYTES);
    // What would be there if addresses had no more than 32 bits.
    for length in [u32::MAX, 1 << 31, BYTES + 1] {
        add(Filling, 0, 9, length);
        add(Filling, u32::MAX, 9, length);
        add(Copying, 0, 0, length);
        add(Copying, 1, u32::MAX, length);
    }
    add(Filling, u32::MAX - CHUNK, 9, 2 * CHUNK);
    add(Copying, u32::MAX - CHUNK, 0, 2 * CHUNK);
    add(Copying, 0, u32::MAX - CHUNK, 2 * CHUNK);
    for (suffix, length) in LENGTHS {
        let Some(length) = length else { continue };
        for (operator, to, from) in [(Filling, 11, 3), (Copying, 11, 77), (Copying, 77, 11)] {
            for to in [to, BYTES - length, BYTES - length + 1] {
                cases.push(Case {
                    operator,
                    to,
                    from,
                    length,
                    suffix,
                });
            }
        }
    }
    cases
}

#[test]
fn chunks_come_to_the_same_as_the_whole() {
    let (wasm, before) = (program(), pattern());
    let counting = counted(&wasm, &Prices::round(), &rules());
    let cases: Vec<_> = cases()
        .into_iter()
        .map(|case| (case, case.expected(&before)))
        .collect();
    for lane in lanes() {
        let prepared = lane.executor.prepare(&wasm, &rules()).unwrap();
        let instance = prepared.program().instantiation_gas.units();
        let subject = Subject {
            lane: &lane,
            prepared,
            before: &before,
        };
        for (case, after) in &cases {
            let told = format!("{}: {case:?}", lane.name);
            let (verdict, live) = subject.run(*case, GAS);
            let expected = counted_verdict(&counting, *case, GAS, instance);
            assert_eq!(verdict, expected, "{told}");
            let Some(after) = after else {
                let trapped = Verdict {
                    ending: Ending::Trapped(Trap::MemoryOutOfBounds),
                    gas_used: GAS,
                };
                assert_eq!(verdict, trapped, "{told}");
                continue;
            };
            assert_eq!(verdict.ending, Ending::Finished(Vec::new()), "{told}");
            let mut live = live.unwrap();
            let mut memory = live.memory();
            let bytes = memory.bytes();
            assert!(*memory.read(0, bytes).unwrap() == *after, "{told}");
        }
    }
}

/// The whole length is charged before the first byte is written, and no part of it later.
#[test]
fn gas_that_ends_at_a_chunk_ends_before_the_first() {
    let (wasm, before) = (program(), pattern());
    let counting = counted(&wasm, &Prices::round(), &rules());
    for lane in lanes() {
        let prepared = lane.executor.prepare(&wasm, &rules()).unwrap();
        let instance = prepared.program().instantiation_gas.units();
        let subject = Subject {
            lane: &lane,
            prepared,
            before: &before,
        };
        for (operator, to, from) in [(Filling, 1, 2), (Copying, 1, 2), (Copying, 2, 1)] {
            for length in [CHUNK, CHUNK + 1, 3 * CHUNK + 1] {
                let case = Case {
                    operator,
                    to,
                    from,
                    length,
                    suffix: "",
                };
                let used = subject.run(case, GAS).0.gas_used;
                for gas in [used, used - 1, used / 2, 1] {
                    let told = format!("{}: {case:?} with {gas}", lane.name);
                    let verdict = subject.run(case, gas).0;
                    let expected = counted_verdict(&counting, case, gas, instance);
                    assert_eq!(verdict, expected, "{told}");
                    let ends = !matches!(verdict.ending, Ending::Finished(_));
                    assert_eq!(ends, gas < used, "{told}");
                }
            }
        }
    }
}

/// A guest that is suspended for gas before the first chunk continues with all chunks.
#[test]
fn a_guest_parked_before_a_chunk_goes_on() {
    let wasm = wasm(
        r#"(module (memory 72 72)
          (func (export "run") (param $bytes i32) (result i64)
            (memory.fill (i32.const 1) (i32.const 7) (local.get $bytes))
            (i32.store8 (i32.const 1) (i32.const 9))
            (memory.copy (i32.const 0x100000) (i32.const 1) (local.get $bytes))
            (i64.add
              (i64.load (i32.const 0x100000))
              (i64.load (i32.sub (local.get $bytes) (i32.const 8))))))"#,
    );
    let args = [Value::I32(3 << 20)];
    let whole = agreed(&lanes(), |lane| {
        let prepared = lane.executor.prepare(&wasm, &rules()).unwrap();
        let call = Call {
            entry: "run",
            args: &args,
            gas: GAS,
        };
        Verdict::of(call.on(lane, &prepared))
    });
    let value = 0x0707_0707_0707_0709 + 0x0707_0707_0707_0707;
    assert_eq!(whole.ending, Ending::Finished(vec![Value::I64(value)]));
    for short in [1, 10, 400_000, whole.gas_used / 2] {
        let (verdict, parks) = agreed(&lanes(), |lane| {
            let prepared = lane.executor.prepare(&wasm, &rules()).unwrap();
            let request = RunRequest {
                out_of_gas_policy: OutOfGasPolicy::Suspend,
                ..lane.request("run", &args, Gas::new(whole.gas_used - short))
            };
            let mut outcome = lane.executor.run(&prepared, request, host()).unwrap();
            let mut parks = 0;
            while let Outcome::GasEnd(ended) = outcome {
                parks += 1;
                outcome = ended.resume_with(Gas::new(short.div_ceil(2))).unwrap();
            }
            (Verdict::of(outcome), parks)
        });
        assert_eq!(verdict.ending, whole.ending, "{short}");
        assert!(parks > 0, "{short}");
    }
}

/// With large slices, nothing but the end of a chunk asks whether the run is interrupted: that is
/// where it leaves.
#[test]
fn an_interrupted_guest_leaves_behind_a_chunk() {
    let wasm = program();
    let outcome = |lane: &Lane, case: Case| {
        let prepared = lane.executor.prepare(&wasm, &rules()).unwrap();
        let interrupt = Interrupt::new();
        interrupt.trigger();
        let (entry, args) = (case.entry(), case.args());
        let request = RunRequest {
            interrupt: Some(&interrupt),
            ..lane.request(&entry, &args, Gas::new(GAS))
        };
        lane.executor.run(&prepared, request, host())
    };
    for lane in lanes() {
        let is_large = !lane.name.contains("tiny");
        for (operator, to, from) in [(Filling, 1, 2), (Copying, 1, 2), (Copying, 2, 1)] {
            for length in [CHUNK, CHUNK + 1, 4 * CHUNK] {
                let case = Case {
                    operator,
                    to,
                    from,
                    length,
                    suffix: "",
                };
                match outcome(&lane, case) {
                    Ok(Outcome::Finished(_)) if is_large && length == CHUNK => {}
                    Err(RunError::Engine(EngineError::Interrupted))
                        if !is_large || length > CHUNK => {}
                    other => panic!("{}: {case:?}: {other:?}", lane.name),
                }
            }
        }
    }
}

/// No outcome shows the memory of a guest that trapped, so that this looks at it from beside.
#[test]
fn memory_that_is_not_all_there_is_not_written() {
    let program = fusee_instrument::prepare(&program(), &rules()).unwrap();
    let engine = wasmtime::Engine::default();
    let module = wasmtime::Module::new(&engine, &program.code).unwrap();
    let mut store = wasmtime::Store::new(&engine, ());
    let mut linker = wasmtime::Linker::new(&engine);
    linker
        .func_wrap(reserved::MODULE, reserved::LOW, |gas: i64, _: i64| gas)
        .unwrap();
    linker
        .func_wrap(reserved::MODULE, reserved::GROW, |_: i32| -1)
        .unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let memory = instance.get_memory(&mut store, reserved::MEMORY).unwrap();
    let before = pattern();
    memory.data_mut(&mut store).copy_from_slice(&before);
    let gas = i64::try_from(GAS).unwrap();
    for case in cases() {
        let entry = case.entry();
        let entry = instance
            .get_typed_func::<(i32, i32, i32, i64), i64>(&mut store, &entry)
            .unwrap();
        let args = [case.to, case.from, case.length].map(u32::cast_signed);
        if case.expected(&before).is_none() {
            let [to, from, length] = args;
            entry.call(&mut store, (to, from, length, gas)).unwrap_err();
            assert!(memory.data(&store) == before, "{case:?}");
        }
    }
}
