//! Calls, waits, drops and failures in no order at all: nothing is mixed up, and nothing is left.

use std::{collections::BTreeMap, fmt::Write, ops::Range};

use fusee_conformance::lanes;
use fusee_engine::{CodeHash, Interrupt};
use fusee_system::{
    Answer, Billing, Interruption, Step, SystemError, SystemLimits, SystemProgram, Transaction,
};

use crate::support::{GAS, PROBE, hash, hash_of, input, main_call, op, probe, registered};

/// What a call may use; the last is hardly more than an instance costs.
const LIMITS: [u64; 3] = [GAS, 6_000_000, 2_495_000];

/// Numbers that look random, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// The probe with so much memory, so that it has another hash.
fn variant(pages: u32) -> Vec<u8> {
    let memory = |pages: u32| format!("(memory (export \"memory\") {pages})");
    wat::parse_str(PROBE.replace(&memory(32), &memory(pages))).unwrap()
}

struct Disorder<'a, 't> {
    transaction: &'a mut Transaction<'t>,
    programs: [SystemProgram; 2],
    random: Random,
    waiting: Vec<Interruption>,
    told: String,
}

impl Disorder<'_, '_> {
    fn input(&mut self, kinds: Range<usize>) -> Vec<u8> {
        let callee = match self.random.below(4) {
            0 => hash_of(&variant(34)),
            1 => [9; 32],
            _ => hash(self.programs[self.random.below(2)]),
        };
        let fuel = [0_i64, 1, 3_000_000, -1][self.random.below(4)].to_le_bytes();
        match kinds.start + self.random.below(kinds.len()) {
            0 => input(op::COUNT, &[]),
            1..4 => input(op::INTERRUPT, &[b"it waits"]),
            4 => input([op::TRAP, op::READ_OUTSIDE][self.random.below(2)], &[]),
            5 => input(op::EXIT, &[&[0xff; 4], b"why"]),
            6 => input(op::GROW, &[&3_u32.to_le_bytes()]),
            7 => input(op::CHARGE, &[&fuel]),
            8 => {
                let id = i32::try_from(self.random.below(9)).unwrap().to_le_bytes();
                input(op::RESUME, &[&id, &[0; 4], &fuel, b"data"])
            }
            _ => {
                let kinds = [1..5, 1..5, 0..12][self.random.below(3)].clone();
                let nested = self.input(kinds);
                input(op::EXEC, &[&callee, &fuel, &nested])
            }
        }
    }

    fn step(&mut self) {
        let gas = LIMITS[self.random.below(3)];
        let program = self.programs[self.random.below(2)];
        let choice = [0, 1, 2, 3, 4, 5, 6, 4, 5, 6, 7, 8, 9, 10][self.random.below(14)];
        write!(self.told, "{choice}: ").unwrap();
        let step = match choice {
            0..3 => {
                let call = main_call(self.input(0..12), gas);
                self.transaction.call(program, call)
            }
            3 => {
                let call = main_call(self.input(0..12), gas);
                self.transaction.call_code(&probe(), call)
            }
            4..7 => {
                let call = main_call(self.input(8..12), gas);
                self.transaction.call_root_code(&probe(), call)
            }
            7 => {
                let call = main_call(self.input(8..12), gas);
                self.transaction.call_root(program, call)
            }
            _ if self.waiting.is_empty() => return,
            8 => {
                drop(
                    self.waiting
                        .swap_remove(self.random.below(self.waiting.len())),
                );
                return;
            }
            _ => {
                // Mostly the last.
                let last = self.waiting.len() - 1;
                let which = match self.random.below(4) {
                    0 => self.random.below(self.waiting.len()),
                    _ => last,
                };
                let answer = Answer {
                    output: b"an answer".to_vec(),
                    fuel_consumed: [0, 0, 0, 1_000, GAS, u64::MAX][self.random.below(6)],
                    ..Answer::default()
                };
                let waiting = self.waiting.remove(which);
                self.transaction.resume(waiting, &answer)
            }
        };
        match step {
            Ok(Step::Ended(end)) => {
                if let Some(left) = end.gas_left {
                    let given = end.gas_used.saturating_add(left).units();
                    assert!(LIMITS.contains(&given), "{given} gas: {end:?}");
                }
                write!(self.told, "{end:?}").unwrap();
            }
            Ok(Step::Interrupted(waiting)) => {
                let used = self.transaction.gas_used(&waiting);
                let left = self.transaction.gas_left(&waiting);
                let params = waiting.params();
                write!(self.told, "{params:?} {used} {left:?}").unwrap();
                self.waiting.push(waiting);
            }
            Err(SystemError::OutOfOrder) if choice > 8 => self.told += "out of order",
            Err(error) => panic!("no host fails: {error}"),
        }
        let (waiting, bytes) = (self.transaction.waiting(), self.transaction.memory_bytes());
        writeln!(self.told, " ({waiting} wait in {bytes} bytes)").unwrap();
        assert!(waiting >= u64::try_from(self.waiting.len()).unwrap());
    }
}

#[test]
fn whatever_the_order_nothing_is_mixed_up_and_nothing_is_left() {
    let mut all = String::new();
    for seed in 0..12 {
        let mut found = BTreeMap::new();
        for lane in lanes() {
            let (mut programs, first) = registered(lane.executor, Billing::Metered);
            let second = programs
                .register(&variant(33), Billing::SelfMetered)
                .unwrap();
            let programs = programs.limits(SystemLimits {
                depth: 6,
                memory_bytes: 120 * 65_536,
                output_bytes: 4_096,
            });
            let other = variant(34);
            let find = |code: CodeHash| (code == CodeHash::of(&other)).then(|| other.clone());
            let mut transaction = programs.transaction(Interrupt::new()).code(find);
            let mut disorder = Disorder {
                transaction: &mut transaction,
                programs: [first, second],
                random: Random(seed),
                waiting: Vec::new(),
                told: String::new(),
            };
            for _ in 0..80 {
                disorder.step();
            }
            let Disorder { waiting, told, .. } = disorder;
            let kept = transaction.waiting() - u64::try_from(waiting.len()).unwrap();
            drop(waiting);
            assert_eq!(transaction.waiting(), kept, "{} of {seed}", lane.name);
            found.insert(told, lane.name);
        }
        assert_eq!(found.len(), 1, "lanes differ: {found:#?}");
        all.extend(found.into_keys());
    }
    // It was disorder indeed.
    for met in [
        "MemoryOutOfBounds",
        "OutOfMemory",
        "CallDepthOverflow",
        "OutOfFuel",
        "UnexpectedFatalExecutionFailure",
        "Panic",
        "out of order",
    ] {
        assert!(all.contains(met), "{met}");
    }
}
