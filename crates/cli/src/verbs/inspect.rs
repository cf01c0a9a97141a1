//! `inspect`: lists the contents of a program and the effect of metering, function by function.

use std::{cmp::Reverse, path::Path};

use fusee::chain::ContractRules;
use fusee::sandbox::{Format, Import};
use fusee::sandbox::{
    Inspection, Rules, SyscallPrice,
    inspection::{Function, Placement, Segment},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::check::{self, ImportJson, MemoryJson};
use crate::{
    args::InspectArgs,
    failure::{Exit, Failure},
    instance::InstanceJson,
    numbers::grouped,
    output::Output,
    program,
    receipt::line,
    symbols::demangled,
    table::{Align, aligned, table},
};

/// An inspected program.
struct Inspected<'a> {
    file: &'a Path,
    size: usize,
    rules: &'a Rules,
    found: Inspection,
}

/// An import with its price.
#[derive(Serialize)]
struct PricedImport {
    index: usize,
    #[serde(flatten)]
    import: ImportJson,
    base_gas: u64,
    byte_gas: u64,
}

pub(crate) fn run(args: &InspectArgs, output: &mut Output) -> Result<Exit, Failure> {
    let wasm = program::read(&args.file)?;
    let rules = ContractRules::latest()
        .program
        .with_floats(args.floats.rule());
    let found = match fusee::sandbox::inspect(&wasm, &rules) {
        Ok(found) => found,
        Err(refusal) => return check::refuse(&args.file, &wasm, refusal, &rules, output),
    };
    if args.text && found.program.format == Format::PolkaVm {
        return Err(
            Failure::usage("--text is not supported for PolkaVM programs")
                .next("omit --text, or use `polkatool disassemble`"),
        );
    }
    if args.text {
        output.text(&metered_text(&found)?)?;
        return Ok(Exit::Success);
    }
    let inspected = Inspected {
        file: &args.file,
        size: wasm.len(),
        rules: &rules,
        found,
    };
    output.answer(&inspected.json(), || inspected.text(args.functions))?;
    Ok(Exit::Success)
}

/// The metered program in the text format.
fn metered_text(found: &Inspection) -> Result<String, Failure> {
    wasmprinter::print_bytes(&found.program.code).map_err(|error| {
        Failure::new(
            Exit::Host,
            error.context("cannot print the metered program"),
        )
        .next("this is a bug in Fusee: report it with the program")
    })
}

impl Inspected<'_> {
    fn json(&self) -> Value {
        let program = &self.found.program;
        let imports = (0_usize..)
            .zip(&program.imports)
            .map(|(index, import)| PricedImport::of(index, import, self.rules));
        let exports = self.found.exports.iter().map(
            |export| json!({ "name": export.name, "kind": export.kind, "index": export.index }),
        );
        let tables = self.found.tables.iter().map(
            |table| json!({ "initial_elements": table.initial, "maximum_elements": table.maximum }),
        );
        let globals = self
            .found
            .globals
            .iter()
            .map(|global| json!({ "type": global.value_type, "mutable": global.mutable }));
        let sections = self
            .found
            .custom_sections
            .iter()
            .map(|section| json!({ "name": section.name, "bytes": section.bytes }));
        json!({
            "file": self.file.display().to_string(),
            "code_hash": program.code_hash.to_string(),
            "format": program.format.name(),
            "rules": { "name": self.rules.name(), "id": self.rules.id().to_string() },
            "size": self.size,
            "metered_size": program.code.len(),
            "instance_gas": program.instantiation_gas.units(),
            "instance": InstanceJson::of(&self.found),
            "has_start": program.has_start,
            "memory": program.memory.map(MemoryJson::of),
            "imports": imports.collect::<Vec<_>>(),
            "functions": self.found.functions.iter().map(function_json).collect::<Vec<_>>(),
            "exports": exports.collect::<Vec<_>>(),
            "tables": tables.collect::<Vec<_>>(),
            "globals": globals.collect::<Vec<_>>(),
            "element_segments": self.found.element_segments.iter().map(segment_json).collect::<Vec<_>>(),
            "data_segments": self.found.data_segments.iter().map(segment_json).collect::<Vec<_>>(),
            "custom_sections": sections.collect::<Vec<_>>(),
        })
    }

    fn text(&self, most_functions: usize) -> String {
        let program = &self.found.program;
        let size = format!(
            "{} bytes, {} metered",
            grouped(self.size),
            grouped(program.code.len())
        );
        let rules = format!("{}, {}", self.rules.name(), self.rules.id());
        let mut text = format!("{}\n", self.file.display());
        text.push_str(&table(
            2,
            &[
                line("code hash", program.code_hash.to_string()),
                line("format", program.format.name()),
                line("rules", rules),
                line("size", size),
                line("memory", check::memory(program.memory.map(MemoryJson::of))),
                line("start", check::start(program.has_start)),
            ],
        ));
        text.push_str(&InstanceJson::of(&self.found).text());
        text.push_str(&self.functions(most_functions));
        let imports = (0_usize..).zip(&program.imports).map(|(index, import)| {
            let price = price(self.rules, import);
            let [signature, suspends] = ImportJson::of(import).line();
            let SyscallPrice { base, each, .. } = price;
            let gas = format!("{} gas, {} per byte", grouped(base.units()), each.units());
            [index.to_string(), signature, gas, suspends]
        });
        text.push_str(&list("imports", imports));
        let exports = self.found.exports.iter();
        text.push_str(&list(
            "exports",
            exports.map(|export| {
                [
                    format!("{} {}", export.kind, export.index),
                    export.name.clone(),
                ]
            }),
        ));
        let tables = (0_usize..).zip(&self.found.tables);
        text.push_str(&list(
            "tables",
            tables.map(|(index, table)| {
                let (initial, maximum) = (grouped(table.initial), grouped(table.maximum));
                [
                    index.to_string(),
                    format!("{initial} to {maximum} elements"),
                ]
            }),
        ));
        let globals = (0_usize..).zip(&self.found.globals);
        text.push_str(&list(
            "globals",
            globals.map(|(index, global)| {
                let kind = if global.mutable {
                    "mutable"
                } else {
                    "constant"
                };
                [
                    index.to_string(),
                    global.value_type.clone(),
                    kind.to_owned(),
                ]
            }),
        ));
        text.push_str(&segments(
            "elements",
            "elements",
            "table",
            &self.found.element_segments,
        ));
        text.push_str(&segments(
            "data",
            "bytes",
            "memory",
            &self.found.data_segments,
        ));
        let sections = self.found.custom_sections.iter();
        text.push_str(&list(
            "custom",
            sections.map(|section| {
                [
                    section.name.clone(),
                    format!("{} bytes", grouped(section.bytes)),
                ]
            }),
        ));
        text
    }

    /// The largest functions, one per line.
    fn functions(&self, most: usize) -> String {
        let mut largest: Vec<&Function> = self.found.functions.iter().collect();
        largest.sort_by_key(|function| (Reverse(function.bytes), function.name.index));
        let left_out = largest.get(most..).unwrap_or_default();
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        rows.extend(largest.iter().take(most).map(|function| row(function)));
        let mut text = format!("  {:<9}  {}", "functions", grouped(largest.len()));
        text.push_str(if largest.len() > 1 {
            ", the largest first\n"
        } else {
            "\n"
        });
        if rows.len() > 1 {
            text.push_str(&aligned(4, COLUMNS, &rows));
        }
        if !left_out.is_empty() {
            let bytes = left_out
                .iter()
                .fold(0, |sum: u64, function| sum.saturating_add(function.bytes));
            text.push_str(&format!(
                "    and {} more, {} bytes in total; --functions {} lists all\n",
                grouped(left_out.len()),
                grouped(bytes),
                largest.len()
            ));
        }
        text
    }
}

const HEADINGS: [&str; 11] = [
    "index",
    "bytes",
    "metered",
    "operators",
    "loops",
    "calls",
    "blocks",
    "gas",
    "frame",
    "work",
    "function",
];

const COLUMNS: [Align; 11] = {
    let mut columns = [Align::Right; 11];
    columns[10] = Align::Left;
    columns
};

fn row(function: &Function) -> [String; 11] {
    [
        function.name.index.to_string(),
        grouped(function.bytes),
        grouped(function.metered_bytes),
        grouped(function.operators),
        grouped(function.loops),
        grouped(function.calls),
        grouped(function.metered_blocks),
        grouped(function.gas.units()),
        grouped(function.frame_bytes),
        grouped(function.work),
        signature(function),
    ]
}

fn signature(function: &Function) -> String {
    let name = function.name.name.as_deref();
    let name = name.map_or_else(|| "-".to_owned(), demangled);
    let params = function.params.join(", ");
    match function.results.as_slice() {
        [] => format!("{name}({params})"),
        [result] => format!("{name}({params}) -> {result}"),
        results => format!("{name}({params}) -> ({})", results.join(", ")),
    }
}

fn function_json(function: &Function) -> Value {
    json!({
        "index": function.name.index,
        "name": function.name.name.as_deref().map(demangled),
        "params": function.params,
        "results": function.results,
        "offset": function.offset,
        "bytes": function.bytes,
        "metered_bytes": function.metered_bytes,
        "locals": function.locals,
        "operators": function.operators,
        "loops": function.loops,
        "calls": function.calls,
        "metered_blocks": function.metered_blocks,
        "gas": function.gas.units(),
        "frame_bytes": function.frame_bytes,
        "work": function.work,
    })
}

fn segment_json(segment: &Segment) -> Value {
    let (kind, target, offset) = match segment.placement {
        Placement::Active { target, offset } => ("active", Some(target), Some(offset)),
        Placement::Passive => ("passive", None, None),
        Placement::Declared => ("declared", None, None),
    };
    json!({ "kind": kind, "target": target, "offset": offset, "length": segment.length })
}

/// Segments, one per line: length and placement.
fn segments(about: &str, unit: &str, target_kind: &str, segments: &[Segment]) -> String {
    let rows = (0_usize..).zip(segments).map(|(index, segment)| {
        let placement = match segment.placement {
            Placement::Active { target, offset } => {
                format!("to {target_kind} {target} at {offset}")
            }
            Placement::Passive => "passive".to_owned(),
            Placement::Declared => "declared".to_owned(),
        };
        let length = format!("{} {unit}", grouped(segment.length));
        [index.to_string(), length, placement]
    });
    list(about, rows)
}

/// The number of rows, then one line per row.
fn list<const N: usize>(about: &str, rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = rows.collect();
    let mut text = format!("  {about:<9}  {}\n", grouped(rows.len()));
    text.push_str(&table(4, &rows));
    text
}

impl PricedImport {
    fn of(index: usize, import: &Import, rules: &Rules) -> Self {
        let price = price(rules, import);
        Self {
            index,
            import: ImportJson::of(import),
            base_gas: price.base.units(),
            byte_gas: price.each.units(),
        }
    }
}

/// The price of a syscall. The rules list every import.
fn price(rules: &Rules, import: &Import) -> SyscallPrice {
    let price = rules.prices().price(import.number);
    price.copied().unwrap_or(SyscallPrice::FREE)
}
