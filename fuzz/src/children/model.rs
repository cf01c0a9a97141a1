//! What the nine functions must answer, as far as it can be known without running anything.

use std::{collections::BTreeMap, fmt, sync::Arc};

use fusee_engine::{Format, PAGE_BYTES, Program, ValueType};
use fusee_instrument::PolkaVmChecks;
use fusee_virtualization::{
    ChildRules, Conventions,
    wire::{
        CompileStatus, CompiledModule, DestroyError, ExecBuffer, ExecError, ExecStatus, InstanceId,
        InstantiateError, MemoryError, ModuleError, ModuleId,
    },
};

use super::{Candidate, LIMITS};

#[derive(Clone)]
pub struct Model {
    candidates: Arc<Vec<Candidate>>,
    rules: &'static ChildRules,
    /// Each module's program.
    modules: Vec<usize>,
    kept: BTreeMap<(Vec<u8>, Vec<u8>), usize>,
    instances: BTreeMap<u32, Instance>,
    given: u32,
}

#[derive(Clone, Debug)]
struct Instance {
    program: usize,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    /// With the function that it runs.
    Ready(Vec<u8>),
}

type Ran = Result<(ExecStatus, ExecBuffer), ExecError>;

impl Model {
    pub fn new(candidates: Vec<Candidate>, rules: &'static ChildRules) -> Self {
        Self {
            rules,
            candidates: Arc::new(candidates),
            modules: Vec::new(),
            kept: BTreeMap::new(),
            instances: BTreeMap::new(),
            given: 0,
        }
    }

    pub fn programs(&self) -> usize {
        self.candidates.len()
    }

    pub fn bytes(&self, program: usize) -> Vec<u8> {
        self.candidates[program].bytes.clone()
    }

    /// How many modules have a number.
    pub fn modules(&self) -> u32 {
        u32::try_from(self.modules.len()).expect("they are few")
    }

    /// How many numbers of instances were given.
    pub const fn given(&self) -> u32 {
        self.given
    }

    pub fn instances(&self) -> usize {
        self.instances.len()
    }

    pub fn compile(
        &mut self,
        program: usize,
        identifier: Option<&[u8]>,
    ) -> Result<CompiledModule, ModuleError> {
        match identifier {
            Some(identifier) => self.find_or_compile(b"", identifier, Some(program)),
            None => {
                self.admitted(program)?;
                Ok(self.number(program, CompileStatus::Compiled))
            }
        }
    }

    pub fn lookup(&mut self, identifier: &[u8]) -> Result<ModuleId, ModuleError> {
        let key = (Vec::new(), identifier.to_vec());
        let program = *self.kept.get(&key).ok_or(ModuleError::NotCached)?;
        Ok(self.number(program, CompileStatus::Cached).id)
    }

    pub fn compile_key(
        &mut self,
        space: &[u8],
        key: &[u8],
        program: usize,
    ) -> Result<CompiledModule, ModuleError> {
        self.find_or_compile(space, key, (!key.is_empty()).then_some(program))
    }

    fn find_or_compile(
        &mut self,
        space: &[u8],
        key: &[u8],
        program: Option<usize>,
    ) -> Result<CompiledModule, ModuleError> {
        let space = match self.rules.conventions() {
            Conventions::Fusee => space,
            // All storages share their keys.
            _ => b"",
        };
        let key = (space.to_vec(), key.to_vec());
        if let Some(program) = self.kept.get(&key) {
            return Ok(self.number(*program, CompileStatus::Cached));
        }
        let program = program.ok_or(ModuleError::NotFound)?;
        self.admitted(program)?;
        self.kept.insert(key, program);
        Ok(self.number(program, CompileStatus::Compiled))
    }

    fn admitted(&self, program: usize) -> Result<(), ModuleError> {
        let is_admitted = self.candidates[program].program.is_some();
        is_admitted.then_some(()).ok_or(ModuleError::InvalidImage)
    }

    fn number(&mut self, program: usize, status: CompileStatus) -> CompiledModule {
        let id = ModuleId(self.modules());
        self.modules.push(program);
        CompiledModule { id, status }
    }

    pub fn instantiate(&mut self, module: u32) -> Result<InstanceId, InstantiateError> {
        let module = usize::try_from(module).expect("it is an index");
        let program = *self
            .modules
            .get(module)
            .ok_or(InstantiateError::InvalidModule)?;
        let memory = |program: usize| self.known(program).map_or(0, memory_bytes);
        let taken: u64 = self
            .instances
            .values()
            .map(|other| memory(other.program))
            .sum();
        let is_full =
            self.instances.len() >= usize::try_from(LIMITS.instances).expect("it is small");
        if is_full || taken + memory(program) > LIMITS.memory_bytes {
            return Err(InstantiateError::InvalidImage);
        }
        let id = self.given;
        self.given += 1;
        let state = State::Idle;
        self.instances.insert(id, Instance { program, state });
        Ok(InstanceId(id))
    }

    pub fn destroy(&mut self, instance: u32) -> Result<(), DestroyError> {
        let gone = self.instances.remove(&instance);
        gone.map(drop).ok_or(DestroyError::InvalidInstance)
    }

    pub fn prepare(&mut self, instance: u32, name: &[u8]) -> Result<(), ExecError> {
        let candidates = Arc::clone(&self.candidates);
        let rules = self.rules;
        let instance = self
            .instances
            .get_mut(&instance)
            .ok_or(ExecError::InvalidInstance)?;
        if let State::Ready(_) = instance.state {
            return Err(ExecError::InvalidInstance);
        }
        let program = candidates[instance.program].program.as_ref();
        let export = program.and_then(|program| {
            let mut exports = program.exports.iter();
            // Of functions of one name, the others have names that are those of no bytes.
            let name = checks(rules, program.format).name(name)?;
            exports.find(|export| export.name == name)
        });
        let is_integer = |ty: &ValueType| matches!(ty, ValueType::I32 | ValueType::I64);
        match export {
            Some(export) if export.params.iter().all(is_integer) => {
                instance.state = State::Ready(name.to_vec());
                Ok(())
            }
            _ => Err(ExecError::InvalidImage),
        }
    }

    pub fn is_idle(&self, instance: u32) -> bool {
        let state = self.instances.get(&instance).map(|found| &found.state);
        matches!(state, Some(State::Idle))
    }

    /// Whether a run can have come to that.
    pub fn can_run(&self, instance: u32, gas: i64, answer: &Ran) -> bool {
        let Some((program, _)) = self.ready(instance) else {
            return *answer == Err(ExecError::InvalidInstance);
        };
        match answer {
            _ if gas < 0 => *answer == Err(ExecError::OutOfGas),
            Err(error) => matches!(error, ExecError::OutOfGas | ExecError::Trap),
            Ok((_, buffer)) if !(0..=gas).contains(&buffer.gas_left) => false,
            Ok((ExecStatus::Finished, buffer)) => {
                let expected = ExecBuffer {
                    gas_left: buffer.gas_left,
                    ..ExecBuffer::default()
                };
                *buffer == expected
            }
            Ok((ExecStatus::Syscall, buffer)) => {
                let checks = checks(self.rules, program.format);
                let mut imports = program.imports.iter();
                imports.any(|import| *checks.bytes(&import.name) == *buffer.symbol.as_bytes())
            }
        }
    }

    pub fn ran(&mut self, instance: u32, answer: Result<ExecStatus, ExecError>) {
        if let Some(instance) = self.instances.get_mut(&instance)
            && answer != Ok(ExecStatus::Syscall)
        {
            instance.state = State::Idle;
        }
    }

    /// Whether memory can have been read or written so.
    pub fn can_reach(
        &self,
        instance: u32,
        offset: u32,
        length: u32,
        answer: Result<(), &MemoryError>,
    ) -> bool {
        let Some((program, _)) = self.ready(instance) else {
            return answer == Err(&MemoryError::InvalidInstance);
        };
        if answer == Err(&MemoryError::InvalidInstance) {
            return false;
        }
        let end = u64::from(offset) + u64::from(length);
        match (program.format, program.memory) {
            (Format::Wasm, Some(memory)) if end <= u64::from(memory.initial) * PAGE_BYTES => {
                answer.is_ok()
            }
            (Format::Wasm, Some(_)) => end <= program.maximum_memory_bytes() || answer.is_err(),
            // It has none, or has it somewhere.
            _ => length == 0 || program.memory.is_some() || answer.is_err(),
        }
    }

    /// The functions of the instance's program.
    pub fn exports(&self, instance: u32) -> Vec<Vec<u8>> {
        let program = self
            .instances
            .get(&instance)
            .and_then(|instance| self.known(instance.program));
        let Some(program) = program else {
            return Vec::new();
        };
        let checks = checks(self.rules, program.format);
        let names = program.exports.iter().map(|export| &export.name);
        names.map(|name| checks.bytes(name).into_owned()).collect()
    }

    /// Whether what the instance runs ends by itself.
    pub fn ends(&self, instance: u32) -> bool {
        let found = self
            .instances
            .get(&instance)
            .map(|found| (found.program, &found.state));
        let Some((program, State::Ready(name))) = found else {
            return false;
        };
        let mut ending = self.candidates[program].ending.iter();
        ending.any(|function| function.as_bytes() == name)
    }

    fn ready(&self, instance: u32) -> Option<(&Program, &[u8])> {
        let instance = self.instances.get(&instance)?;
        match &instance.state {
            State::Ready(name) => Some((self.known(instance.program)?, name)),
            State::Idle => None,
        }
    }

    fn known(&self, program: usize) -> Option<&Program> {
        self.candidates[program].program.as_ref()
    }
}

/// How the names of a program of this format are read as bytes.
fn checks(rules: &ChildRules, format: Format) -> PolkaVmChecks {
    match (format, rules.rules().polkavm()) {
        (Format::PolkaVm, Some(polkavm)) => polkavm.checks,
        _ => PolkaVmChecks::Strict,
    }
}

/// What an instance can come to hold.
fn memory_bytes(program: &Program) -> u64 {
    program.memory.map_or(0, |memory| {
        let pages = if program.grows_memory {
            memory.maximum
        } else {
            memory.initial
        };
        u64::from(pages) * PAGE_BYTES
    })
}

impl fmt::Debug for Model {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Model")
            .field("modules", &self.modules)
            .field("kept", &self.kept)
            .field("instances", &self.instances)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}
