//! Modules: a parsed program, compiled if the backend is a recompiler, with its idle instances.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use fusee_engine::{EngineError, Entry, Format, Idle, ModulePool, Program, Trap};
use polkavm::{
    CacheModel, CostModelKind, GasMeteringKind, ModuleConfig, ProgramBlob, ProgramCounter,
    ProgramParts, RawInstance,
};

use crate::{NAME, memory::Memory, trap::trap};

/// The page size that the rules assume.
const PAGE_BYTES: u32 = 4_096;

/// The overhead of an interpreted module beyond its code, in bytes. Measured: some 3 KiB.
const OVERHEAD_BYTES: u64 = 4 << 10;

/// The overhead of a compiled module, in bytes. It is higher than its memory: in the generic
/// sandbox a module reserves 32 GiB of address space, of which a process has enough for some 4,000
/// modules. So a cache of ordinary size evicts modules before the address space is exhausted.
const COMPILED_OVERHEAD_BYTES: u64 = 64 << 10;

#[derive(Clone)]
pub(crate) struct PolkaVmModule(Arc<Inner>);

struct Inner {
    module: polkavm::Module,
    blob: ProgramBlob,
    program: Arc<Program>,
    /// The address of each export.
    entries: Vec<ProgramCounter>,
    pool: Arc<ModulePool<RawInstance>>,
    /// The cost of blocks at which a guest stopped for gas. Computing it takes longer than running
    /// the block.
    block_units: Mutex<BTreeMap<u32, u64>>,
}

impl PolkaVmModule {
    pub(crate) fn compile(
        engine: &polkavm::Engine,
        idle: &Arc<Idle<RawInstance>>,
        program: &Arc<Program>,
    ) -> Result<Self, EngineError> {
        let compile = |why: String| EngineError::Compile {
            engine: NAME,
            source: why.into(),
        };
        if program.format != Format::PolkaVm {
            return Err(compile(format!("unsupported format: {}", program.format)));
        }
        let parts = ProgramParts::from_bytes(program.code.as_slice().into());
        let mut parts = parts.map_err(|error| compile(error.to_string()))?;
        parts.stack_size = stack_bytes(parts.stack_size)
            .ok_or_else(|| compile("the stack is too large".to_owned()))?;
        let blob = ProgramBlob::from_parts(parts).map_err(|error| compile(error.to_string()))?;
        let mut config = ModuleConfig::new();
        config
            .set_page_size(PAGE_BYTES)
            .set_gas_metering(Some(GasMeteringKind::Sync))
            .set_cost_model(Some(CostModelKind::Full(CacheModel::L2Hit)));
        let module = polkavm::Module::from_blob(engine, &config, blob.clone())
            .map_err(|error| compile(error.to_string()))?;
        let entries: Vec<_> = module
            .exports()
            .map(|export| export.program_counter())
            .collect();
        if entries.len() != program.exports.len() {
            return Err(compile(
                "the exports differ from those of the program".into(),
            ));
        }
        let pool = ModulePool::new(idle, instance_bytes(&module, &blob));
        Ok(Self(Arc::new(Inner {
            module,
            pool,
            blob,
            program: Arc::clone(program),
            entries,
            block_units: Mutex::default(),
        })))
    }

    pub(crate) fn program(&self) -> &Program {
        &self.0.program
    }

    pub(crate) fn entry(&self, entry: Entry) -> Option<ProgramCounter> {
        match entry {
            Entry::Start => None,
            Entry::Export(position) => self.0.entries.get(position).copied(),
        }
    }

    /// The cost of the block at this address, in units of the cost model.
    pub(crate) fn block_units(&self, block: ProgramCounter) -> Option<u64> {
        let known = self.0.block_units.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if let Some(units) = known.get(&block.0) {
            return Some(*units);
        }
        let units = self.0.module.calculate_gas_cost_for(block)?;
        let units = u64::try_from(units).ok()?;
        known.insert(block.0, units);
        Some(units)
    }

    /// A fresh memory for an instance, or an idle one.
    pub(crate) fn lease(&self) -> Result<Memory, EngineError> {
        let Inner { module, pool, .. } = &*self.0;
        let lease = pool.lease(|| module.instantiate());
        let lease = lease.map_err(|error| EngineError::Instantiate {
            engine: NAME,
            source: error.to_string().into(),
        })?;
        Ok(Memory::new(lease))
    }

    /// Whether the backend is a recompiler.
    pub(crate) fn is_compiled(&self) -> bool {
        self.0.module.machine_code().is_some()
    }

    /// The size in memory, in bytes: the program and compiled code. The interpreter's translation
    /// belongs to the instances.
    pub(crate) fn bytes(&self) -> u64 {
        let code = self.0.program.code.len();
        let (compiled, overhead) = match self.0.module.machine_code() {
            Some(compiled) => (compiled.len(), COMPILED_OVERHEAD_BYTES),
            None => (0, OVERHEAD_BYTES),
        };
        let bytes = code.saturating_mul(2).saturating_add(compiled);
        u64::try_from(bytes)
            .unwrap_or(u64::MAX)
            .saturating_add(overhead)
    }

    /// The trap of a guest that stopped at this address.
    pub(crate) fn trap_at(&self, at: Option<ProgramCounter>) -> Trap {
        let instruction = at.and_then(|at| self.0.blob.instructions_bounded_at(at).next());
        instruction.map_or(Trap::Unreachable, |instruction| trap(&instruction.kind))
    }
}

/// The stack size of a program that requests `asked` bytes: a power of two of pages, as the rules
/// count it. The interpreter (0.37.0) rounds the size up in this way; the recompiler does not.
fn stack_bytes(asked: u32) -> Option<u32> {
    if asked == 0 {
        return Some(0);
    }
    let pages = asked.div_ceil(PAGE_BYTES).checked_next_power_of_two()?;
    pages.checked_mul(PAGE_BYTES)
}

/// The maximum size of an interpreter instance, in bytes: its memory and its translation. Both are
/// in vectors that never shrink, whose capacity is at most twice their length. Each translated
/// instruction and each gas charge of a block takes 24 bytes, and each byte of code an entry of 4
/// bytes.
fn instance_bytes(module: &polkavm::Module, blob: &ProgramBlob) -> u64 {
    let map = module.memory_map();
    let memory = [map.rw_data_size(), map.stack_size()]
        .map(|bytes| u64::from(bytes).checked_next_power_of_two())
        .into_iter()
        .fold(0, |sum: u64, bytes| {
            sum.saturating_add(bytes.unwrap_or(u64::MAX))
        });
    let mut entries = 2_u64;
    for instruction in blob.instructions() {
        let blocks = u64::from(instruction.opcode().starts_new_basic_block());
        entries = entries.saturating_add(1).saturating_add(blocks);
    }
    let code = u64::try_from(blob.code().len()).unwrap_or(u64::MAX);
    memory
        .saturating_add(entries.saturating_mul(2 * 24))
        .saturating_add(code.saturating_add(1).saturating_mul(4))
}

impl fmt::Debug for PolkaVmModule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PolkaVmModule")
            .field("code_hash", &self.0.program.code_hash)
            .finish_non_exhaustive()
    }
}
