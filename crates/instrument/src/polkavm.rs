//! Checks PolkaVM programs.
//!
//! The engine meters these programs by PolkaVM's full cost model, so no code is injected. The check
//! inspects every instruction once. It refuses instructions that grow memory, so the memory of a
//! run is known in advance. The admitted instruction sets are frozen: an upgrade of the library
//! does not change which programs are admitted.

use std::collections::{BTreeMap, BTreeSet};

use fusee_engine::{
    CodeHash, CompileWork, Export, Format, Frames, Import, MAX_REGISTER_ARGS, MemoryLimits,
    PAGE_BYTES, Program,
};
use polkavm_common::{
    abi::{MemoryMap, MemoryMapBuilder},
    program::{Instruction, ProgramBlob},
};

use crate::{
    polkavm_rules::{POLKAVM_PAGE_BYTES, PolkaVmChecks, PolkaVmRules},
    refusal::{Refusal, Rule, check_limit},
    rules::Rules,
    schedule::{InstanceCost, InstancePart, InstanceParts},
    suggestion::{self, Unknown},
};

/// Checks a PolkaVM program, and prices an instance of it.
pub(crate) fn prepare(
    code_hash: CodeHash,
    bytes: &[u8],
    rules: &Rules,
) -> Result<(Program, InstanceCost), Refusal> {
    let admitted = rules.polkavm().ok_or_else(|| {
        let message = "the rules do not admit PolkaVM programs";
        Refusal::whole(Rule::Format, message)
    })?;
    let limits = rules.limits();
    within("program_bytes", length(bytes), limits.program_bytes)?;
    let blob = parse(bytes, admitted)?;
    within("code_bytes", length(blob.code()), limits.code_bytes)?;
    let memory = memory(&blob, rules)?;
    let imports = imports(&blob, rules, admitted.checks)?;
    let code = code(&blob, imports.len(), admitted.checks)?;
    let exports = exports(&blob, rules, admitted.checks, &code.blocks)?;
    let data = length(blob.ro_data()).saturating_add(length(blob.rw_data()));
    within("data_bytes", data, limits.data_bytes)?;
    let mut instance = rules.schedule().instance_cost(InstanceParts {
        has_memory: memory > 0,
        data_bytes: data,
        ..InstanceParts::default()
    });
    // Its engine keeps no memory from one instance to the next.
    let far_page = rules.schedule().instance.far_page;
    instance.add(InstancePart::FarPage, memory.into(), far_page);
    instance.add(
        InstancePart::Instruction,
        code.instructions,
        admitted.code_instruction,
    );
    instance.add(
        InstancePart::Block,
        length(&code.blocks),
        admitted.code_block,
    );
    let program = Program {
        format: Format::PolkaVm,
        code_hash,
        rules: rules.id(),
        code: bytes.to_vec(),
        imports,
        exports: exports.into(),
        frames: Frames::default(),
        memory: (memory > 0).then_some(MemoryLimits {
            initial: memory,
            maximum: memory,
        }),
        grows_memory: false,
        has_start: false,
        instantiation_gas: instance.total(),
        rate: admitted.rate,
        compile_work: CompileWork::default(),
    };
    Ok((program, instance))
}

fn parse(bytes: &[u8], admitted: PolkaVmRules) -> Result<ProgramBlob, Refusal> {
    let blob = ProgramBlob::parse(bytes.into())
        .map_err(|error| Refusal::whole(Rule::Valid, error.to_string()))?;
    let sets = admitted.instruction_sets;
    if sets.admit(blob.isa()) {
        return Ok(blob);
    }
    let message = format!(
        "the instruction set is not admitted: link the program for {}",
        sets.names()
    );
    Err(Refusal::whole(Rule::InstructionSet, message))
}

/// The size of read-only data, read-write data and stack together, in wasm pages of 64 KiB.
fn memory(blob: &ProgramBlob, rules: &Rules) -> Result<u32, Refusal> {
    let map = MemoryMapBuilder::new(POLKAVM_PAGE_BYTES)
        .ro_data_size(blob.ro_data_size())
        .rw_data_size(blob.rw_data_size())
        .stack_size(stack_bytes(blob)?)
        .build()
        .map_err(|message| Refusal::whole(Rule::Valid, message))?;
    let pages = bytes_of(&map).div_ceil(PAGE_BYTES);
    within("memory_pages", pages, rules.limits().memory_pages)?;
    u32::try_from(pages).map_err(|_| Refusal::whole(Rule::Valid, "the memory is too large"))
}

/// The size of the program's stack: the requested size, rounded up to a power of two in pages. The
/// interpreter of PolkaVM 0.37.0 rounds stacks up to this size, and the recompiler does not.
fn stack_bytes(blob: &ProgramBlob) -> Result<u32, Refusal> {
    if blob.stack_size() == 0 {
        return Ok(0);
    }
    let pages = blob.stack_size().div_ceil(POLKAVM_PAGE_BYTES);
    let rounded = pages.checked_next_power_of_two();
    rounded
        .and_then(|pages| pages.checked_mul(POLKAVM_PAGE_BYTES))
        .ok_or_else(|| Refusal::whole(Rule::Valid, "the stack is too large"))
}

fn bytes_of(map: &MemoryMap) -> u64 {
    [map.ro_data_size(), map.rw_data_size(), map.stack_size()]
        .into_iter()
        .map(u64::from)
        .sum()
}

/// Resolves imports to syscalls by name. The refusal lists all unknown imports.
fn imports(
    blob: &ProgramBlob,
    rules: &Rules,
    checks: PolkaVmChecks,
) -> Result<Vec<Import>, Refusal> {
    let count = u64::from(blob.imports().len());
    within("imports", count, rules.limits().imports)?;
    let (mut imports, mut unknown) = (Vec::new(), Vec::new());
    for symbol in blob.imports().iter() {
        let symbol = symbol.ok_or_else(|| Refusal::whole(Rule::Valid, "an import has no name"))?;
        let name = checks.name(symbol.as_bytes());
        let name = name.unwrap_or_else(|| String::from_utf8_lossy(symbol.as_bytes()));
        let name = name.into_owned();
        let known = rules.syscalls().iter().find(|known| known.name == name);
        match known {
            Some(known) if known.params.len() <= MAX_REGISTER_ARGS => imports.push(Import {
                module: known.module.clone(),
                name,
                number: known.number,
                params: known.params.clone(),
                result: known.result,
                may_suspend: known.may_suspend,
            }),
            Some(known) => {
                let message = format!(
                    "`{name}` takes {} arguments, and a PolkaVM program passes at most \
                     {MAX_REGISTER_ARGS}, in registers",
                    known.params.len()
                );
                return Err(Refusal::whole(Rule::ImportSignature, message));
            }
            None => unknown.push(Unknown {
                shown: name.escape_debug().to_string(),
                name,
            }),
        }
    }
    if unknown.is_empty() {
        return Ok(imports);
    }
    let message = format!(
        "unknown imports: {}",
        suggestion::list(&unknown, rules.syscalls())
    );
    Err(Refusal::whole(Rule::UnknownImport, message))
}

/// The size of a program's code.
struct Code {
    instructions: u64,
    /// Offsets of the basic blocks, and the offset after the last one.
    blocks: BTreeSet<u32>,
}

/// Checks every instruction.
fn code(blob: &ProgramBlob, imports: usize, checks: PolkaVmChecks) -> Result<Code, Refusal> {
    let mut instructions: u64 = 0;
    let mut blocks = BTreeSet::from([0]);
    for instruction in blob.instructions() {
        instructions = instructions.saturating_add(1);
        let at = instruction.offset.0;
        match instruction.kind {
            Instruction::invalid if checks == PolkaVmChecks::Strict => {
                return Err(refuse(Rule::Operator, at, "unknown instruction"));
            }
            Instruction::sbrk(..) => {
                return Err(refuse(
                    Rule::Operator,
                    at,
                    "`sbrk` is not admitted: memory must not grow",
                ));
            }
            Instruction::ecalli(number)
                if usize::try_from(number).is_ok_and(|number| number < imports) => {}
            Instruction::ecalli(number) => {
                let message = format!("call of import {number}, which does not exist");
                return Err(refuse(Rule::UnknownImport, at, message));
            }
            _ => {}
        }
        if instruction.kind.opcode().starts_new_basic_block() {
            blocks.insert(instruction.next_offset.0);
        }
    }
    Ok(Code {
        instructions,
        blocks,
    })
}

/// Reads the exports. Each must begin at a basic block, because gas is charged there.
fn exports(
    blob: &ProgramBlob,
    rules: &Rules,
    checks: PolkaVmChecks,
    blocks: &BTreeSet<u32>,
) -> Result<Vec<Export>, Refusal> {
    let code_bytes = u32::try_from(blob.code().len()).unwrap_or(u32::MAX);
    let mut exports: Vec<Export> = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for export in blob.exports() {
        let at = export.program_counter().0;
        let name = checks
            .name(export.symbol().as_bytes())
            .ok_or_else(|| refuse(Rule::Valid, at, "the name of an export is not UTF-8"))?;
        let is_end = checks == PolkaVmChecks::Lenient && at == code_bytes;
        if !is_end && (at >= code_bytes || !blocks.contains(&at)) {
            let message = format!("`{}` does not begin at a basic block", name.escape_debug());
            return Err(refuse(Rule::Valid, at, message));
        }
        if let Some(earlier) = names.insert(name.clone().into_owned(), exports.len()) {
            if checks == PolkaVmChecks::Strict {
                let message = format!("`{}` is exported twice", name.escape_debug());
                return Err(refuse(Rule::Valid, at, message));
            }
            // Engines count exports, so it keeps its position, under the text of no name.
            if let Some(export) = exports.get_mut(earlier) {
                export.name = format!("\\{earlier}");
            }
        }
        exports.push(Export {
            name: name.into_owned(),
            params: Vec::new(),
            results: Vec::new(),
        });
        within("exports", length(&exports), rules.limits().exports)?;
    }
    Ok(exports)
}

/// A refusal of the instruction at this offset.
fn refuse(rule: Rule, at: u32, message: impl Into<String>) -> Refusal {
    let message: String = message.into();
    Refusal::whole(rule, format!("{message} (at instruction {at})"))
}

fn within(name: &'static str, value: u64, limit: u64) -> Result<(), Refusal> {
    check_limit(name, value, limit, None)
}

fn length(items: impl IntoIterator<IntoIter: ExactSizeIterator>) -> u64 {
    u64::try_from(items.into_iter().len()).unwrap_or(u64::MAX)
}
