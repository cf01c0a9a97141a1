//! Reused PolkaVM instances: a guest does not observe the data of the one before, and has the same
//! outcome as in a fresh instance.

use std::sync::Arc;

use fusee_conformance::{Lane, agreed, polkavm_lanes, process_lanes};
use fusee_engine::{Gas, Value};
use fusee_executor::{LiveInstance, Outcome, PreparedProgram};
use fusee_instrument::{PolkaVmRules, Rules};
use polkavm_common::{
    abi::{MemoryMap, MemoryMapBuilder},
    program::{Instruction, InstructionSetKind, Reg, asm},
    writer::ProgramBlobBuilder,
};

const COMPUTE: &[u8] = include_bytes!("../../../../guests/polkavm/compute.polkavm");
const GAS: Gas = Gas::new(200_000_000);
const READ_ONLY: u32 = 0x1000;
const DATA: u32 = 0x6000;
const STACK: u32 = 0x4000;
/// Bytes of the data that are not zero from the start.
const GIVEN: usize = 5_000;
/// The registers that a guest finds empty. The others are the stack pointer and the return address.
const EMPTY: [Reg; 11] = [
    Reg::A0,
    Reg::A1,
    Reg::A2,
    Reg::A3,
    Reg::A4,
    Reg::A5,
    Reg::T0,
    Reg::T1,
    Reg::T2,
    Reg::S0,
    Reg::S1,
];

fn rules() -> Rules {
    Rules::v1(Vec::new()).with_polkavm(PolkaVmRules::v1())
}

fn map() -> MemoryMap {
    let mut map = MemoryMapBuilder::new(4_096);
    map.ro_data_size(READ_ONLY).rw_data_size(DATA);
    map.stack_size(STACK).build().unwrap()
}

/// Writes ones from here to there, and begins its own block, which is this one.
fn fill(block: u32, from: u32, to: u32) -> Vec<Instruction> {
    vec![
        asm::load_imm(Reg::T0, from.cast_signed()),
        asm::load_imm64(Reg::T1, to.into()),
        asm::load_imm(Reg::T2, -1),
        asm::fallthrough(),
        asm::store_indirect_u64(Reg::T2, Reg::T0, 0),
        asm::add_imm_64(Reg::T0, Reg::T0, 8),
        // The address of a register is its low half; the comparison is of all of it.
        asm::shift_logical_left_imm_64(Reg::S0, Reg::T0, 32),
        asm::shift_logical_right_imm_64(Reg::S0, Reg::S0, 32),
        asm::branch_less_unsigned(Reg::S0, Reg::T1, block + 1),
    ]
}

/// Mixes what it finds in its registers and its memory into a number, writes ones wherever it can,
/// and returns the number.
fn curious() -> Vec<u8> {
    let map = map();
    let [data, stack] = [map.rw_data_range(), map.stack_range()];
    let mut code = Vec::new();
    // Into `S0`, and then by way of `S1`.
    for register in EMPTY.into_iter().filter(|register| *register != Reg::S0) {
        code.push(asm::rotate_right_imm_64(Reg::S0, Reg::S0, 7));
        code.push(asm::add_64(Reg::S0, Reg::S0, register));
    }
    for range in [map.ro_data_range(), data.clone(), stack.clone()] {
        for address in range.step_by(520) {
            code.push(asm::load_u64(Reg::S1, address.cast_signed()));
            code.push(asm::rotate_right_imm_64(Reg::S0, Reg::S0, 7));
            code.push(asm::add_64(Reg::S0, Reg::S0, Reg::S1));
        }
    }
    code.push(asm::move_reg(Reg::A0, Reg::S0));
    // Behind the two blocks of the first filling come those of the second.
    code.extend(fill(0, data.start, data.end));
    code.extend(fill(2, stack.start, stack.end));
    for register in EMPTY.into_iter().skip(1) {
        code.push(asm::load_imm(register, -1));
    }
    code.push(asm::ret());
    let mut program = ProgramBlobBuilder::new(InstructionSetKind::ReviveV1);
    program.set_ro_data_size(READ_ONLY);
    program.set_ro_data(vec![3; 100]);
    program.set_rw_data_size(DATA);
    program.set_rw_data(vec![0x11; GIVEN]);
    program.set_stack_size(STACK);
    program.add_export_by_basic_block(0, b"run");
    program.add_export_by_basic_block(5, b"nothing");
    code.push(asm::ret());
    program.set_code(&code, &[]);
    program.into_vec().unwrap()
}

fn memory(live: &mut LiveInstance) -> Vec<Vec<u8>> {
    let mut memory = live.memory();
    let ranges = memory.ranges().into_iter();
    ranges
        .map(|range| {
            let length = range.end - range.start;
            memory.read(range.start, length).unwrap().into_owned()
        })
        .collect()
}

/// What a call returned, what it used, and the instance.
fn call(
    lane: &Lane,
    prepared: &Arc<PreparedProgram>,
    entry: &str,
    args: &[i64],
) -> (Vec<Value>, u64, LiveInstance) {
    let args: Vec<_> = args.iter().copied().map(Value::I64).collect();
    let request = lane.request(entry, &args, GAS);
    let outcome = lane.executor.run(prepared, request, ()).unwrap();
    let Outcome::Finished(finished) = outcome else {
        panic!("{}: {outcome:?}", lane.name);
    };
    let (values, gas) = (finished.values().to_vec(), finished.gas_used().units());
    (values, gas, finished.into_instance().0.unwrap())
}

fn nothing_is_left(lanes: &[Lane]) {
    let program = curious();
    agreed(lanes, |lane| {
        let prepared = lane.executor.prepare(&program, &rules()).unwrap();
        let other = lane.executor.prepare(COMPUTE, &rules()).unwrap();
        let round = || {
            // Memory that has not been written yet.
            let (values, gas, mut live) = call(lane, &prepared, "nothing", &[]);
            let mut seen = vec![(values, gas, memory(&mut live))];
            let address = u64::from(map().rw_data_address());
            live.memory().write(address, &[0xee; 16]).unwrap();
            drop(live);
            let (values, gas, mut live) = call(lane, &prepared, "run", &[]);
            let written = memory(&mut live);
            assert!(
                written.iter().skip(1).flatten().all(|byte| *byte == 0xff),
                "it writes wherever it can"
            );
            seen.push((values, gas, written));
            drop(live);
            let (values, gas, mut live) = call(lane, &other, "keep", &[3]);
            assert_eq!(values, [Value::I64(8)]);
            seen.push((values, gas, memory(&mut live)));
            seen
        };
        let first = round();
        let data = &first[0].2[1];
        assert!(data[..GIVEN].iter().all(|byte| *byte == 0x11));
        assert!(data[GIVEN..].iter().all(|byte| *byte == 0));
        for _ in 0..3 {
            assert_eq!(round(), first, "{}", lane.name);
        }
        first
    });
}

#[test]
fn nothing_of_a_run_is_left_to_the_next() {
    nothing_is_left(&polkavm_lanes());
}

#[test]
fn nothing_of_a_run_is_left_to_the_next_in_a_process_of_its_own() {
    nothing_is_left(&process_lanes());
}

#[test]
fn an_export_costs_the_same_whatever_was_translated_before() {
    agreed(&polkavm_lanes(), |lane| {
        let entries = ["nothing", "add", "mix", "fib", "primes", "six", "keep"];
        let used = |order: &[&str]| {
            let prepared = lane.executor.prepare(COMPUTE, &rules()).unwrap();
            let mut used: Vec<_> = order
                .iter()
                .map(|entry| {
                    let (values, gas, _) = call(lane, &prepared, entry, &[5, 2]);
                    ((*entry).to_owned(), values, gas)
                })
                .collect();
            used.sort_by(|one, other| one.0.cmp(&other.0));
            used
        };
        let mut order = entries.to_vec();
        let forwards = used(&order);
        assert_eq!(used(&order), forwards, "{}", lane.name);
        order.reverse();
        assert_eq!(used(&order), forwards, "{}", lane.name);
        forwards
    });
}
