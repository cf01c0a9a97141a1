//! A manager of the shape that other machines drive children by, over ours: their trait, and a few
//! dozen lines.

use std::sync::Arc;

use fusee_conformance::{lanes, polkavm_lanes};
use fusee_executor::Executor;
use fusee_virtualization::{
    ChildSettings, Children, Symbols, VirtualizationError,
    wire::{
        DestroyError, ExecBuffer, ExecError, ExecStatus, InstanceId, InstantiateError, MemoryError,
        ModuleError, ModuleId,
    },
};

use crate::support::{COUNTER, GAS, child_rules, wasm};

/// What a chain's node asks of a machine: numbers and errors, no faults of the host, and no
/// storage.
trait Manager: Send + 'static {
    fn compile_from_bytes(
        &mut self,
        program: &[u8],
        identifier: Option<&[u8]>,
    ) -> Result<ModuleId, ModuleError>;
    fn lookup(&mut self, identifier: &[u8]) -> Result<ModuleId, ModuleError>;
    fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, InstantiateError>;
    fn prepare(&mut self, instance: InstanceId, function: &[u8]) -> Result<(), ExecError>;
    fn run(
        &mut self,
        instance: InstanceId,
        gas_left: i64,
        a0: u64,
    ) -> Result<(ExecStatus, ExecBuffer), ExecError>;
    fn destroy(&mut self, instance: InstanceId) -> Result<(), DestroyError>;
    fn read_memory(
        &mut self,
        instance: InstanceId,
        offset: u32,
        to: &mut [u8],
    ) -> Result<(), MemoryError>;
    fn write_memory(
        &mut self,
        instance: InstanceId,
        offset: u32,
        from: &[u8],
    ) -> Result<(), MemoryError>;
}

struct Adapter(Children);

/// A node that cannot go on must not tell its guest anything.
fn no_fault<T>(answer: Result<T, VirtualizationError>) -> T {
    answer.unwrap_or_else(|fault| panic!("this machine cannot run a child: {fault}"))
}

impl Manager for Adapter {
    fn compile_from_bytes(
        &mut self,
        program: &[u8],
        identifier: Option<&[u8]>,
    ) -> Result<ModuleId, ModuleError> {
        let compiled = no_fault(self.0.compile(program, identifier));
        compiled.map(|module| module.id)
    }

    fn lookup(&mut self, identifier: &[u8]) -> Result<ModuleId, ModuleError> {
        self.0.lookup(identifier)
    }

    fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, InstantiateError> {
        self.0.instantiate(module)
    }

    fn prepare(&mut self, instance: InstanceId, function: &[u8]) -> Result<(), ExecError> {
        no_fault(self.0.prepare(instance, function))
    }

    fn run(
        &mut self,
        instance: InstanceId,
        gas_left: i64,
        a0: u64,
    ) -> Result<(ExecStatus, ExecBuffer), ExecError> {
        no_fault(self.0.run(instance, gas_left, a0))
    }

    fn destroy(&mut self, instance: InstanceId) -> Result<(), DestroyError> {
        self.0.destroy(instance)
    }

    fn read_memory(
        &mut self,
        instance: InstanceId,
        offset: u32,
        to: &mut [u8],
    ) -> Result<(), MemoryError> {
        self.0.read_memory(instance, offset, to)
    }

    fn write_memory(
        &mut self,
        instance: InstanceId,
        offset: u32,
        from: &[u8],
    ) -> Result<(), MemoryError> {
        self.0.write_memory(instance, offset, from)
    }
}

fn manager(executor: Executor) -> Box<dyn Manager> {
    let rules = child_rules(Symbols::Any);
    let children = Children::new(Arc::new(executor), rules, ChildSettings::default());
    Box::new(Adapter(children))
}

#[test]
fn a_manager_counts_as_others_do() {
    for lane in lanes() {
        let mut manager = manager(lane.executor);
        let module = manager.compile_from_bytes(&wasm(COUNTER), Some(b"counter"));
        assert_eq!(module, Ok(ModuleId(0)));
        assert_eq!(manager.lookup(b"counter"), Ok(ModuleId(1)));
        let instance = manager.instantiate(ModuleId(1)).unwrap();
        // From 0 to 8, and then from 8 on with 7 more to 23: on one instance memory is kept.
        for (start, end) in [(0, 8), (7, 23)] {
            manager.prepare(instance, b"counter").unwrap();
            let mut a0 = start;
            while let (ExecStatus::Syscall, asked) = manager.run(instance, GAS, a0).unwrap() {
                assert_eq!(asked.symbol.as_bytes(), b"increment");
                a0 = asked.args[0] + 1;
            }
            manager.prepare(instance, b"once").unwrap();
            let mut number = [0; 8];
            manager.read_memory(instance, 0, &mut number).unwrap();
            assert_eq!(u64::from_le_bytes(number), end, "{}", lane.name);
            // Back to idle, where it was.
            let asked = manager.run(instance, GAS, end).unwrap().1;
            manager.run(instance, GAS, asked.args[0]).unwrap();
        }
        manager.destroy(instance).unwrap();
        let gone = manager.write_memory(instance, 0, &[1]);
        assert_eq!(gone, Err(MemoryError::InvalidInstance));
    }
}

#[test]
fn a_manager_survives_a_program_that_no_engine_of_its_machine_runs() {
    for lane in polkavm_lanes() {
        let mut manager = manager(lane.executor);
        let refused = manager.compile_from_bytes(&wasm("(module)"), None);
        assert_eq!(refused, Err(ModuleError::InvalidImage), "{}", lane.name);
    }
}
