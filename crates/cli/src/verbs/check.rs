//! `check`: validates a program as a contract, and lists its interface.

use std::path::Path;

use fusee::chain::ContractRules;
use fusee::sandbox::{
    CodeHash, Export, Import, Inspection, MemoryLimits, Program, Refusal, Rules, function_at,
};
use serde::Serialize;

use crate::{
    args::CheckArgs,
    failure::{Exit, Failure},
    instance::InstanceJson,
    interfaces::{Interfaces, Reading, Warning},
    numbers::grouped,
    output::Output,
    program,
    receipt::{Line, line},
    symbols::demangled,
    table::table,
};

/// The result for a program.
#[derive(Debug, Serialize)]
struct Verdict {
    file: String,
    valid: bool,
    code_hash: String,
    size: usize,
    #[serde(flatten)]
    found: Found,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Found {
    Valid(Contents),
    Refused {
        /// The first reason.
        refusal: Box<RefusalJson>,
        /// All reasons that are listed, the first included.
        refusals: Vec<RefusalJson>,
        /// How many more there are.
        more: usize,
    },
}

/// The interface of a valid program.
#[derive(Debug, Serialize)]
struct Contents {
    format: &'static str,
    metered_size: usize,
    instance_gas: u64,
    instance: InstanceJson,
    has_start: bool,
    memory: Option<MemoryJson>,
    imports: Vec<ImportJson>,
    exports: Vec<ExportJson>,
    /// What is wrong with the interface that tools read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct MemoryJson {
    initial_pages: u32,
    maximum_pages: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct ImportJson {
    module: String,
    name: String,
    params: Vec<String>,
    results: Vec<String>,
    may_suspend: bool,
}

#[derive(Debug, Serialize)]
struct ExportJson {
    name: String,
    params: Vec<String>,
    results: Vec<String>,
    #[serde(skip)]
    signature: String,
}

#[derive(Debug, Serialize)]
struct RefusalJson {
    rule: &'static str,
    value: Option<u64>,
    limit: Option<u64>,
    offset: Option<u64>,
    function: Option<FunctionJson>,
    message: String,
    next: String,
}

/// The function that contains the offset of a refusal.
#[derive(Debug, Serialize)]
struct FunctionJson {
    index: u32,
    name: Option<String>,
}

pub(crate) fn run(args: &CheckArgs, output: &mut Output) -> Result<Exit, Failure> {
    let wasm = program::read(&args.file)?;
    let contract = ContractRules::latest();
    let rules = contract.program.clone().with_floats(args.floats.rule());
    let inspected = fusee::sandbox::inspect(&wasm, &rules);
    let found = match inspected.and_then(|found| {
        contract.check_methods(&found.program)?;
        Ok(found)
    }) {
        Ok(found) => found,
        Err(refusal) => return refuse(&args.file, &wasm, refusal, &rules, output),
    };
    let interfaces = Interfaces::new(Reading::On, None);
    interfaces.check_file(&args.file, &wasm);
    let contents = Contents::of(&found, interfaces.warnings());
    let verdict = Verdict::new(&args.file, &wasm, Found::Valid(contents));
    output.answer(&verdict, || verdict.text())?;
    Ok(Exit::Success)
}

/// Writes why a program is refused: all reasons, of which `refusal` is the first.
pub(super) fn refuse(
    file: &Path,
    wasm: &[u8],
    refusal: Refusal,
    rules: &Rules,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (listed, more) = match fusee::sandbox::refusals(wasm, rules) {
        Some(all) => (all.listed, all.more),
        None => (vec![refusal.clone()], 0),
    };
    let listed = listed.into_iter();
    let found = Found::Refused {
        refusal: Box::new(RefusalJson::of(wasm, refusal)),
        refusals: listed
            .map(|refusal| RefusalJson::of(wasm, refusal))
            .collect(),
        more,
    };
    let verdict = Verdict::new(file, wasm, found);
    output.answer(&verdict, || verdict.text())?;
    Ok(Exit::Unsuccessful)
}

impl Verdict {
    fn new(file: &Path, wasm: &[u8], found: Found) -> Self {
        Self {
            file: file.display().to_string(),
            valid: matches!(found, Found::Valid(_)),
            code_hash: CodeHash::of(wasm).to_string(),
            size: wasm.len(),
            found,
        }
    }

    fn text(&self) -> String {
        let size = format!("{} bytes", grouped(self.size));
        let hash = line("code hash", self.code_hash.as_str());
        match &self.found {
            Found::Valid(contents) => {
                let size = line(
                    "size",
                    format!("{size}, {} metered", grouped(contents.metered_size)),
                );
                format!("{}: valid\n{}", self.file, contents.text(hash, size))
            }
            Found::Refused {
                refusal,
                refusals,
                more,
            } => {
                let mut lines = vec![hash, line("size", size), line("rule", refusal.rule)];
                lines.extend(refusal.value.map(|value| line("value", grouped(value))));
                lines.extend(refusal.limit.map(|limit| line("limit", grouped(limit))));
                lines.extend(
                    refusal
                        .offset
                        .map(|offset| line("offset", format!("{offset} ({offset:#x})"))),
                );
                lines.extend(
                    refusal
                        .function
                        .as_ref()
                        .map(|function| line("function", function.text())),
                );
                lines.push(line("why", refusal.message.as_str()));
                lines.push(line("next", refusal.next.as_str()));
                let others = refusals.iter().skip(1);
                lines.extend(others.map(|other| line("also", other.line())));
                if *more > 0 {
                    lines.push(line("also", format!("{} more", grouped(*more))));
                }
                format!("{}: refused\n{}", self.file, table(2, &lines))
            }
        }
    }
}

impl Contents {
    fn of(found: &Inspection, warnings: Vec<Warning>) -> Self {
        let program = &found.program;
        Self {
            format: program.format.name(),
            metered_size: program.code.len(),
            instance_gas: program.instantiation_gas.units(),
            instance: InstanceJson::of(found),
            has_start: program.has_start,
            memory: program.memory.map(MemoryJson::of),
            imports: program.imports.iter().map(ImportJson::of).collect(),
            exports: program
                .exports
                .iter()
                .map(|export| ExportJson::of(program, export))
                .collect(),
            warnings,
        }
    }

    fn text(&self, hash: Line, size: Line) -> String {
        let mut lines = vec![hash, size, line("format", self.format)];
        lines.extend(self.instance.lines());
        lines.extend([
            line("memory", memory(self.memory)),
            line("start", start(self.has_start)),
            line("imports", self.imports.len().to_string()),
        ]);
        let mut text = table(2, &lines);
        let imports: Vec<_> = self.imports.iter().map(ImportJson::line).collect();
        text.push_str(&table(4, &imports));
        text.push_str(&format!("  exports    {}\n", self.exports.len()));
        for export in &self.exports {
            text.push_str(&format!("    {}\n", export.signature));
        }
        text
    }
}

/// Describes the memory of a program.
pub(super) fn memory(memory: Option<MemoryJson>) -> String {
    memory.map_or_else(
        || "none".to_owned(),
        |memory| {
            format!(
                "{} to {} pages of 64 KiB",
                memory.initial_pages,
                grouped(memory.maximum_pages)
            )
        },
    )
}

/// Describes the start function of a program.
pub(super) const fn start(has_start: bool) -> &'static str {
    if has_start {
        "runs before the first call"
    } else {
        "none"
    }
}

impl MemoryJson {
    pub(super) const fn of(memory: MemoryLimits) -> Self {
        Self {
            initial_pages: memory.initial,
            maximum_pages: memory.maximum,
        }
    }
}

impl ImportJson {
    pub(super) fn of(import: &Import) -> Self {
        Self {
            module: import.module.clone(),
            name: import.name.clone(),
            params: import.params.iter().map(ToString::to_string).collect(),
            results: import.result.iter().map(ToString::to_string).collect(),
            may_suspend: import.may_suspend,
        }
    }

    pub(super) fn line(&self) -> [String; 2] {
        let result = self
            .results
            .first()
            .map(|result| format!(" -> {result}"))
            .unwrap_or_default();
        let signature = format!(
            "{}.{}({}){result}",
            self.module,
            self.name,
            self.params.join(", ")
        );
        let suspends = if self.may_suspend { "may suspend" } else { "" };
        [signature, suspends.to_owned()]
    }
}

impl ExportJson {
    fn of(program: &Program, export: &Export) -> Self {
        Self {
            name: export.name.clone(),
            params: export.params.iter().map(ToString::to_string).collect(),
            results: export.results.iter().map(ToString::to_string).collect(),
            signature: program::signature(program, export),
        }
    }
}

impl RefusalJson {
    /// The reason in one line.
    fn line(&self) -> String {
        let offset = self.offset.map(|offset| format!(", at byte {offset:#x}"));
        let function = self.function.as_ref();
        let function = function.map(|function| format!(", in function {}", function.text()));
        let (offset, function) = (offset.unwrap_or_default(), function.unwrap_or_default());
        format!("{}: {}{offset}{function}", self.rule, self.message)
    }

    fn of(wasm: &[u8], refusal: Refusal) -> Self {
        let next = program::advice(wasm, &refusal);
        let function = refusal
            .offset
            .and_then(|offset| function_at(wasm, offset))
            .map(|found| FunctionJson {
                index: found.index,
                name: found.name.as_deref().map(demangled),
            });
        let Refusal {
            rule,
            value,
            limit,
            offset,
            message,
        } = refusal;
        Self {
            rule: rule.name(),
            value,
            limit,
            offset,
            function,
            message,
            next,
        }
    }
}

impl FunctionJson {
    fn text(&self) -> String {
        match &self.name {
            Some(name) => format!("{}, {name}", self.index),
            None => self.index.to_string(),
        }
    }
}
