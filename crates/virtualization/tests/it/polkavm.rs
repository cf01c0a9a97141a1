//! PolkaVM programs as children: nothing is another than with wasm.

use std::sync::Arc;

use fusee_conformance::polkavm_lanes;
use fusee_engine::{Gas, Trap, Value};
use fusee_engine_polkavm::{Backend, PolkaVmEngine};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::{EndReason, Executor, RunRequest};
use fusee_instrument::{PolkaVmRules, Rules};
use fusee_virtualization::{
    ChildSettings, Modules, Outcome, Symbols, functions,
    wire::{ExecError, ExecStatus, InstanceId, MemoryError, ModuleError, ModuleId},
};

use polkavm_common::program::{InstructionSetKind, Reg, asm};
use polkavm_common::writer::ProgramBlobBuilder;

use crate::support::{GAS, Guest, Machine, Nine, Silent, billed, child_rules, children, wasm};

const COMPUTE: &[u8] = include_bytes!("../../../../guests/polkavm/compute.polkavm");
const COUNTER: &[u8] = include_bytes!("../../../../guests/polkavm/counter.polkavm");

/// What `body` finds on each lane natively, and from inside a wasm guest.
fn everywhere<T: std::fmt::Debug + PartialEq>(body: impl Fn(&mut dyn Nine) -> T) -> T {
    let polkavm = Arc::new(PolkaVmEngine::on(Backend::Interpreter).unwrap());
    let both = Executor::builder(Arc::new(WasmiEngine::new())).engine(polkavm);
    let expected = body(&mut Guest::new(both.build()));
    for lane in polkavm_lanes() {
        let found = body(&mut children(lane.executor));
        assert_eq!(found, expected, "{}", lane.name);
    }
    expected
}

fn ready(nine: &mut dyn Nine, program: &[u8], function: &str) -> InstanceId {
    let module = nine.compile(program, None).unwrap();
    let instance = nine.instantiate(module.id).unwrap();
    nine.prepare(instance, function.as_bytes()).unwrap();
    instance
}

/// Answers one call of the counter's storage and log: what it asked.
fn answer(nine: &mut dyn Nine, instance: InstanceId, stored: &mut u64, a0: u64) -> Option<String> {
    let (status, asked) = nine.run(instance, GAS, a0).unwrap();
    if status == ExecStatus::Finished {
        return None;
    }
    let at = |register: usize| u32::try_from(asked.args[register]).unwrap();
    match asked.symbol.as_bytes() {
        b"storage_read" => {
            assert_eq!(nine.read(instance, at(0), at(1)).unwrap(), b"count");
            nine.write(instance, at(2), &stored.to_le_bytes()).unwrap();
        }
        b"storage_write" => {
            let number = nine.read(instance, at(2), at(3)).unwrap();
            *stored = u64::from_le_bytes(number.try_into().unwrap());
        }
        _ => {}
    }
    Some(String::from_utf8(asked.symbol.as_bytes().to_vec()).unwrap())
}

#[test]
fn a_polkavm_child_asks_by_symbol_and_is_answered() {
    let (symbols, stored) = everywhere(|nine| {
        let instance = ready(nine, COUNTER, "increment");
        let (mut stored, mut symbols) = (7, Vec::new());
        while let Some(symbol) = answer(nine, instance, &mut stored, 8) {
            symbols.push(symbol);
        }
        (symbols, stored)
    });
    let expected = [
        "storage_read",
        "storage_write",
        "event_emit",
        "output_write",
    ];
    assert_eq!(symbols, expected);
    assert_eq!(stored, 8);
}

#[test]
fn a_polkavm_child_ends_as_any_other() {
    everywhere(|nine| {
        for (function, error) in [("forever", ExecError::OutOfGas), ("fail", ExecError::Trap)] {
            let instance = ready(nine, COMPUTE, function);
            assert_eq!(nine.run(instance, GAS, 0), Err(error), "{function}");
            nine.prepare(instance, b"nothing").unwrap();
            let (status, _) = nine.run(instance, GAS, 0).unwrap();
            assert_eq!(status, ExecStatus::Finished);
        }
        let used = [GAS, i64::MAX].map(|gas| {
            let instance = ready(nine, COMPUTE, "mix");
            let (_, ended) = nine.run(instance, gas, 1_000).unwrap();
            gas - ended.gas_left
        });
        assert_eq!(used[0], used[1]);
        // Set for each run.
        let instance = ready(nine, COUNTER, "increment");
        nine.run(instance, GAS, 0).unwrap();
        let (_, asked) = nine.run(instance, i64::MAX, 8).unwrap();
        assert!(asked.gas_left > i64::MAX - GAS);
        let none = nine.run(instance, -1, 0);
        assert_eq!(none, Err(ExecError::OutOfGas));
        assert_eq!(
            nine.prepare(instance, b"none"),
            Err(ExecError::InvalidImage)
        );
        used[0]
    });
}

#[test]
fn a_polkavm_childs_memory_is_kept_and_read_where_it_is() {
    for lane in polkavm_lanes() {
        let executor = Arc::new(lane.executor);
        let rules = child_rules(Symbols::Any);
        let mut modules = Modules::new(executor, rules, ChildSettings::default());
        let (module, _) = modules.compile(COMPUTE, None).unwrap().unwrap();
        let mut instance = module.instantiate().unwrap();
        let mut place = None;
        // It begins at 5, and its memory is there before it first runs.
        for (number, more) in [(5_u64, 3), (8, 7), (15, 0)] {
            let mut execution = instance.prepare(b"keep").unwrap().unwrap();
            let end = execution
                .memory()
                .ranges()
                .into_iter()
                .map(|range| range.end)
                .max();
            let outside = u32::try_from(end.unwrap()).unwrap();
            let read = execution.read_memory(outside, &mut [0]);
            assert_eq!(read, Err(MemoryError::OutOfBounds));
            let null = execution.write_memory(0, &[1]);
            assert_eq!(null, Err(MemoryError::OutOfBounds));
            let at = place.unwrap_or_else(|| find(&mut execution, number));
            let mut read = [0; 8];
            execution.read_memory(at, &mut read).unwrap();
            assert_eq!(u64::from_le_bytes(read), number, "{}", lane.name);
            place = Some(at);
            instance = match execution.run(GAS, more).unwrap() {
                Outcome::Finished { instance, .. } => instance,
                other => panic!("{other:?}"),
            };
        }
    }
}

/// Where the number is in writable memory.
fn find(execution: &mut fusee_virtualization::Execution, number: u64) -> u32 {
    let ranges = execution.memory().ranges();
    let mut addresses = ranges.into_iter().flat_map(|range| range.step_by(8));
    let address = addresses.find(|address| {
        let found = execution.memory().read_array::<8>(*address);
        let is_it = found.is_ok_and(|bytes| u64::from_le_bytes(bytes) == number);
        is_it
            && execution
                .memory()
                .write(*address, &number.to_le_bytes())
                .is_ok()
    });
    u32::try_from(address.unwrap()).unwrap()
}

#[test]
fn polkavm_programs_are_refused_that_are_damaged_or_not_admitted() {
    everywhere(|nine| {
        for end in (0..COUNTER.len()).step_by(97) {
            let compiled = nine.compile(&COUNTER[..end], None);
            assert_eq!(compiled, Err(ModuleError::InvalidImage), "{end}");
        }
    });
    for lane in polkavm_lanes() {
        let rules = child_rules(Symbols::Only(["storage_read".to_owned()].into()));
        let mut modules = Modules::new(Arc::new(lane.executor), rules, ChildSettings::default());
        let refused = modules.compile(COUNTER, None).unwrap();
        assert_eq!(refused.err(), Some(ModuleError::InvalidImage));
        // It imports nothing.
        assert!(modules.compile(COMPUTE, None).unwrap().is_ok());
    }
}

#[test]
fn a_program_of_a_format_without_an_engine_is_an_invalid_image() {
    let empty = wasm("(module)");
    assert_eq!(empty.len(), 8);
    for lane in polkavm_lanes() {
        let name = lane.name;
        let executor = Arc::new(lane.executor);
        let rules = child_rules(Symbols::Any);
        let settings = ChildSettings::default();
        let mut modules = Modules::new(Arc::clone(&executor), rules, settings);
        for identifier in [None, Some(b"empty".as_slice())] {
            let refused = modules.compile(&empty, identifier).unwrap();
            assert_eq!(refused.err(), Some(ModuleError::InvalidImage), "{name}");
        }
        // Nothing is kept under the identifier, so it is free for a program that runs.
        assert_eq!(
            modules.lookup(b"empty").err(),
            Some(ModuleError::NotCached),
            "{name}"
        );
        assert!(modules.compile(COMPUTE, Some(b"empty")).unwrap().is_ok());
        // The owner is told by number, and its next module counts on.
        let mut children = billed(executor);
        let nine: &mut dyn Nine = &mut children;
        assert_eq!(nine.compile(&empty, None), Err(ModuleError::InvalidImage));
        assert_eq!(nine.compile(COMPUTE, None).unwrap().id, ModuleId(0));
    }
}

/// A PolkaVM guest that exports the functions that it imports, and has data that it may only read.
fn forwarding() -> Vec<u8> {
    let mut builder = ProgramBlobBuilder::new(InstructionSetKind::ReviveV1);
    builder.set_ro_data_size(4_096);
    builder.set_ro_data(vec![1; 4_096]);
    builder.set_rw_data_size(1 << 20);
    builder.set_stack_size(4_096);
    let mut code = Vec::new();
    for (at, row) in (0_u32..).zip(functions::FUNCTIONS) {
        builder.add_import(row.name.as_bytes());
        builder.add_export_by_instruction(2 * at, row.number.to_string().as_bytes());
        code.extend([
            asm::ecalli(at.cast_signed()),
            asm::jump_indirect(Reg::RA, 0),
        ]);
    }
    builder.set_code(&code, &[]);
    builder.to_vec().unwrap()
}

#[test]
fn a_child_does_not_run_if_its_buffer_may_only_be_read() {
    for lane in polkavm_lanes() {
        let executor = Arc::new(lane.executor);
        let rules = Rules::v1(functions::v1()).with_polkavm(PolkaVmRules::v1());
        let prepared = executor.prepare(&forwarding(), &rules).unwrap();
        let mut children = billed(Arc::clone(&executor));
        let nine: &mut dyn Nine = &mut children;
        let instance = ready(nine, COMPUTE, "mix");
        let name = functions::RUN.to_string();
        let request = RunRequest::new(&name, &[], Gas::new(1 << 40));
        let mut live = executor.instance(&prepared, &request).unwrap();
        live.make(&request).unwrap();
        let read_only = live.memory().ranges()[0].start;
        let args = [0, GAS, 100_000, read_only.cast_signed()].map(Value::I64);
        let mut machine = Machine::new(&executor, children);
        let came = machine.enter(live, &name, &args, Gas::new(1 << 40), Silent);
        let expected = EndReason::Trapped(Trap::MemoryOutOfBounds);
        assert_eq!(came.unwrap().reason(), Some(expected), "{}", lane.name);
        // The child is where it was.
        let nine: &mut dyn Nine = machine.children();
        let (status, _) = nine.run(instance, GAS, 1_000).unwrap();
        assert_eq!(status, ExecStatus::Finished, "{}", lane.name);
    }
}
