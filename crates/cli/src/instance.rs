//! The price of an instance: its parts, the largest one, and what would reduce it.
//!
//! A hint names a flag only where the program shows that the flag applies: `wasm-ld` leaves the
//! size of the stack in the program, and some flags leave exports.

use fusee::sandbox::{
    Format, Inspection, InstancePart, PAGE_BYTES, PartCost,
    inspection::{Global, Placement},
};
use serde::Serialize;

use crate::{
    numbers::grouped,
    profile::share,
    receipt::{Line, line},
    table::{Align, aligned},
};

/// The stack that a hint proposes, in bytes: the default of `wasm-ld`. By default, Rust asks for 1
/// MiB.
const STACK_BYTES: u64 = 65_536;

/// Exports by which `--export-all` is known, since nothing else asks for them.
const EXPORT_ALL: [&str; 8] = [
    "__wasm_call_ctors",
    "__dso_handle",
    "__stack_low",
    "__stack_high",
    "__global_base",
    "__heap_end",
    "__memory_base",
    "__table_base",
];

/// The price of an instance.
#[derive(Debug, Serialize)]
pub(crate) struct InstanceJson {
    #[serde(skip)]
    gas: u64,
    largest: Option<&'static str>,
    parts: Vec<PartJson>,
    hint: Option<Hint>,
}

#[derive(Debug, Serialize)]
struct PartJson {
    part: &'static str,
    count: u64,
    price: u32,
    gas: u64,
    #[serde(skip)]
    label: &'static str,
}

/// How the author of a program makes its instances cheaper.
#[derive(Debug, Serialize)]
struct Hint {
    /// The flag of the linker: to be set, or to be left out.
    flag: Option<String>,
    /// The gas that an instance would cost less, at least. Unknown without a flag.
    saves: Option<u64>,
    text: String,
}

impl InstanceJson {
    pub(crate) fn of(found: &Inspection) -> Self {
        let cost = &found.instance;
        Self {
            gas: cost.total().units(),
            largest: cost.largest().map(|largest| largest.part.name()),
            parts: cost.parts().iter().map(PartJson::of).collect(),
            hint: hint(found),
        }
    }

    /// The price, its largest part, and the hint if it would at least halve the price.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = vec![line("instance", self.summary())];
        let halves = |hint: &&Hint| hint.saves.is_some_and(|saves| saves >= self.gas / 2);
        let hint = self.hint.as_ref().filter(halves);
        lines.extend(hint.map(|hint| line("hint", hint.text.as_str())));
        lines
    }

    /// The parts as a table, the largest first, and the hint.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("  {:<9}  {}\n", "instance", self.summary());
        let mut parts: Vec<_> = self.parts.iter().filter(|part| part.gas > 0).collect();
        // Stable: parts of the same price stay in the order of the schedule.
        parts.sort_by_key(|part| std::cmp::Reverse(part.gas));
        let headings = ["gas", "share", "count", "each", "part"].map(str::to_owned);
        let rows = parts.iter().map(|part| {
            [
                grouped(part.gas),
                share(part.gas, self.gas),
                grouped(part.count),
                grouped(part.price),
                part.label.to_owned(),
            ]
        });
        let columns = [
            Align::Right,
            Align::Right,
            Align::Right,
            Align::Right,
            Align::Left,
        ];
        let rows: Vec<_> = [headings].into_iter().chain(rows).collect();
        text.push_str(&aligned(4, columns, &rows));
        if let Some(hint) = &self.hint {
            text.push_str(&format!("    hint: {}\n", hint.text));
        }
        text
    }

    fn summary(&self) -> String {
        let gas = format!("{} gas", grouped(self.gas));
        let largest = self
            .parts
            .iter()
            .find(|part| Some(part.part) == self.largest);
        largest.map_or(gas.clone(), |part| {
            format!(
                "{gas}, {} of it for {}",
                share(part.gas, self.gas),
                part.label
            )
        })
    }
}

impl PartJson {
    fn of(cost: &PartCost) -> Self {
        Self {
            part: cost.part.name(),
            count: cost.count,
            price: cost.price,
            gas: cost.gas().units(),
            label: label(cost.part),
        }
    }
}

const fn label(part: InstancePart) -> &'static str {
    match part {
        InstancePart::Base => "the instance itself",
        InstancePart::Memory => "its memory",
        InstancePart::Page => "resident pages",
        InstancePart::FarPage => "far pages",
        InstancePart::Data64Bytes => "data, by 64 bytes",
        InstancePart::Segment => "segments",
        InstancePart::Table => "tables",
        InstancePart::TableElement => "table elements",
        InstancePart::Function => "functions",
        InstancePart::Global => "globals",
        InstancePart::Export => "exports",
        InstancePart::Instruction => "instructions",
        InstancePart::Block => "basic blocks",
    }
}

/// The flag that saves most; without one, advice for the largest part.
fn hint(found: &Inspection) -> Option<Hint> {
    if found.program.format != Format::Wasm {
        return None;
    }
    let flags = [stack(found), initial_memory(found), export_all(found)];
    flags
        .into_iter()
        .flatten()
        .filter(|hint| hint.saves > Some(0))
        .max_by_key(|hint| hint.saves)
        .or_else(|| advice(found.instance.largest()?.part))
}

/// A stack of more than 64 KiB.
fn stack(found: &Inspection) -> Option<Hint> {
    let stack = stack_bytes(found)?;
    let fewer = stack.checked_sub(STACK_BYTES)? / PAGE_BYTES;
    let saves = found.instance.of_last_pages(fewer).units();
    let flag = format!("-zstack-size={STACK_BYTES}");
    let text = format!(
        "{} of {} pages are stack; with a stack of 64 KiB an instance costs {} gas less: \
         RUSTFLAGS=\"-C link-arg={flag}\", or `-Wl,{flag}` in C",
        stack / PAGE_BYTES,
        pages(found),
        grouped(saves)
    );
    Some(Hint {
        flag: Some(flag),
        saves: Some(saves),
        text,
    })
}

/// More initial pages than the linker placed anything in.
fn initial_memory(found: &Inspection) -> Option<Hint> {
    let needed = exported_address(found, "__heap_base")?.div_ceil(PAGE_BYTES);
    let fewer = pages(found).checked_sub(needed)?;
    let saves = found.instance.of_last_pages(fewer).units();
    let flag = "--initial-memory".to_owned();
    let text = format!(
        "stack and data take {needed} of {} pages; without `{flag}` an instance costs {} gas \
         less, and a call that needs more memory pays for `memory.grow`",
        pages(found),
        grouped(saves)
    );
    Some(Hint {
        flag: Some(flag),
        saves: Some(saves),
        text,
    })
}

/// Exports that only `--export-all` makes.
fn export_all(found: &Inspection) -> Option<Hint> {
    let exports = found.exports.iter();
    let needless = exports.filter(|export| EXPORT_ALL.contains(&export.name.as_str()));
    let count = u64::try_from(needless.count()).ok()?;
    let parts = found.instance.parts().iter();
    let exports = parts
        .filter(|cost| cost.part == InstancePart::Export)
        .map(|cost| PartCost { count, ..*cost });
    let saves = exports.map(|cost| cost.gas().units()).max()?;
    let flag = "--export-all".to_owned();
    let text = format!(
        "{count} exports are symbols of the linker; without `{flag}` an instance costs at least {} \
         gas less",
        grouped(saves)
    );
    Some(Hint {
        flag: Some(flag),
        saves: Some(saves),
        text,
    })
}

/// What reduces a part without a flag of the linker.
fn advice(largest: InstancePart) -> Option<Hint> {
    let text = match largest {
        InstancePart::Data64Bytes | InstancePart::Segment => {
            "shorten constant data, such as panic messages; in Rust, `lto = true` in the \
             profile keeps fewer of them"
        }
        InstancePart::Function => {
            "have fewer functions: in Rust, `lto = true` in the profile; for any program, \
             `wasm-opt -Oz`"
        }
        _ => return None,
    };
    Some(Hint {
        flag: None,
        saves: None,
        text: text.to_owned(),
    })
}

/// The size of the stack, if `wasm-ld` placed it below the data, as it does for Rust. Then the
/// stack pointer, which is the first global, begins at the size of the stack. Of a stack above the
/// data, only the end is known.
fn stack_bytes(found: &Inspection) -> Option<u64> {
    let pointer = found.globals.first().filter(|global| global.mutable)?;
    let top = address(pointer)?;
    let has_data_above = found.data_segments.iter().any(|segment| {
        matches!(segment.placement, Placement::Active { offset, .. } if u64::from(offset) >= top)
    });
    let is_below = has_data_above
        || exported_address(found, "__data_end").is_some_and(|data_end| data_end >= top);
    let has_data_below = found.data_segments.iter().any(|segment| {
        matches!(segment.placement, Placement::Active { offset, .. } if u64::from(offset) < top)
    });
    (is_below && !has_data_below && top <= memory_bytes(found)).then_some(top)
}

/// The address in an exported constant.
fn exported_address(found: &Inspection, name: &str) -> Option<u64> {
    let exports = &mut found.exports.iter();
    let export = exports.find(|export| export.kind == "global" && export.name == name)?;
    let global = found.globals.get(usize::try_from(export.index).ok()?)?;
    address(global).filter(|_| !global.mutable)
}

/// The initial value of a global as an address.
fn address(global: &Global) -> Option<u64> {
    let initial = global.initial.filter(|_| global.value_type == "i32")?;
    u64::try_from(initial).ok()
}

fn pages(found: &Inspection) -> u64 {
    let memory = found.program.memory;
    memory.map_or(0, |memory| memory.initial.into())
}

fn memory_bytes(found: &Inspection) -> u64 {
    pages(found).saturating_mul(PAGE_BYTES)
}
