//! Modules: a parsed program, compiled where that is asked for, and the place of its idle instances.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use fusee_engine::{EngineError, Entry, Format, Instance, Mode, Module, Program, Trap};
use polkavm::{
    CacheModel, CostModelKind, GasMeteringKind, ModuleConfig, ProgramBlob, ProgramCounter,
    ProgramParts,
};

use crate::{
    NAME,
    idle::{Idle, Shelf},
    instance::PolkaVmInstance,
    memory::Memory,
    trap::trap,
};

/// The page size that the rules count memory by.
const PAGE_BYTES: u32 = 4_096;

/// What a module takes beside its code, measured: some 3 KiB of memory.
const OVERHEAD_BYTES: u64 = 4 << 10;

/// The same where it is compiled: little memory, but in the generic sandbox 32 GiB of addresses, of which a process has enough for some 4,000 modules. So
/// that a cache of ordinary size drops modules before there are none left.
const COMPILED_OVERHEAD_BYTES: u64 = 64 << 10;

#[derive(Clone)]
pub(crate) struct PolkaVmModule(Arc<Inner>);

struct Inner {
    module: polkavm::Module,
    blob: ProgramBlob,
    program: Arc<Program>,
    /// Where each export begins.
    entries: Vec<ProgramCounter>,
    shelf: Arc<Shelf>,
    /// What blocks cost at which a guest stopped for gas: it takes longer to find out than to run them.
    block_units: Mutex<BTreeMap<u32, u64>>,
}

impl PolkaVmModule {
    pub(crate) fn compile(
        engine: &polkavm::Engine,
        idle: &Arc<Idle>,
        program: &Arc<Program>,
    ) -> Result<Self, EngineError> {
        let compile = |why: String| EngineError::Compile {
            engine: NAME,
            source: why.into(),
        };
        if program.format != Format::PolkaVm {
            return Err(compile(format!("it is a {} program", program.format)));
        }
        let parts = ProgramParts::from_bytes(program.code.as_slice().into());
        let mut parts = parts.map_err(|error| compile(error.to_string()))?;
        parts.stack_size = stack_bytes(parts.stack_size)
            .ok_or_else(|| compile("its stack is too large".to_owned()))?;
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
            return Err(compile("its exports are not those of the program".into()));
        }
        let shelf = Shelf::new(idle, kept_bytes(&module, &blob));
        Ok(Self(Arc::new(Inner {
            module,
            shelf,
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

    /// What the block that begins there costs, in units of the cost model.
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

    /// What a guest did that was stopped there.
    pub(crate) fn trap_at(&self, at: Option<ProgramCounter>) -> Trap {
        let instruction = at.and_then(|at| self.0.blob.instructions_bounded_at(at).next());
        instruction.map_or(Trap::Unreachable, |instruction| trap(&instruction.kind))
    }
}

impl Module for PolkaVmModule {
    /// What the recompiler made is counted; the interpreter makes it anew for each instance.
    fn resident_bytes(&self) -> u64 {
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

    fn instantiate(&self, mode: Mode) -> Result<Box<dyn Instance>, EngineError> {
        let Inner { module, shelf, .. } = &*self.0;
        let lease = shelf.lease(|| module.instantiate());
        let lease = lease.map_err(|error| EngineError::Instantiate {
            engine: NAME,
            source: error.to_string().into(),
        })?;
        Ok(Box::new(PolkaVmInstance::new(
            Memory::new(lease),
            self.clone(),
            mode,
        )))
    }
}

/// The stack that a program gets which asks for so many bytes: whole pages whose number is a power of two, as the rules count it. The
/// interpreter (0.37.0) grows a stack to such a size whatever was asked for, and the recompiler does not.
fn stack_bytes(asked: u32) -> Option<u32> {
    if asked == 0 {
        return Some(0);
    }
    let pages = asked.div_ceil(PAGE_BYTES).checked_next_power_of_two()?;
    pages.checked_mul(PAGE_BYTES)
}

/// The most bytes that an interpreter of this program keeps: its memory and its translation, which are in vectors that are never given back and at
/// most twice as large as what is in them. A translated instruction takes 24 bytes, as does what charges a block, and each byte of code a place of 4.
fn kept_bytes(module: &polkavm::Module, blob: &ProgramBlob) -> u64 {
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
