//! Gas profiles with names: parts that add up to the gas used, a table, and folded stacks.

use std::collections::BTreeMap;

use fusee::abi;
use fusee::sandbox::Inspection;
use fusee::sandbox::{
    Gas,
    profile::{Path, ProfileSpan},
};
use serde::Serialize;

use crate::{
    numbers::grouped,
    symbols::demangled,
    table::{Align, aligned},
};

/// Self gas by path.
pub(crate) type Paths = BTreeMap<Path, Gas>;

/// Self gas by stack of frames, outermost first.
pub(crate) type Stacks = BTreeMap<Vec<Frame>, u64>;

/// A named entry of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Frame {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Function,
    Syscall,
    /// Costs outside of functions and syscalls.
    Other,
}

/// A gas profile. The parts add up to the gas used.
#[derive(Debug, Serialize)]
pub(crate) struct Profile {
    /// Gas of the transaction outside of the run.
    transaction: u64,
    /// Gas of loading the code.
    loading: u64,
    /// Gas of instantiation.
    instance: u64,
    /// Gas forfeited by a trap.
    forfeited: u64,
    /// Gas of code that is not attributed to a function: all code of a PolkaVM program.
    code: u64,
    functions: Vec<FunctionPart>,
    syscalls: Vec<SyscallPart>,
    #[serde(skip)]
    pub(crate) stacks: Stacks,
}

#[derive(Debug, Serialize)]
struct FunctionPart {
    index: u32,
    name: String,
    gas: u64,
    with_callees: u64,
}

#[derive(Debug, Serialize)]
struct SyscallPart {
    name: String,
    gas: u64,
}

/// Names of functions and syscalls by index.
#[derive(Debug, Default)]
pub(crate) struct Names {
    functions: BTreeMap<u32, String>,
    syscalls: BTreeMap<u32, String>,
}

const TRANSACTION: &str = "(transaction)";

const CODE: &str = "(code)";

impl Profile {
    /// The profile of a run, with the gas that its transaction cost outside of the run.
    pub(crate) fn new(program: &Inspection, paths: &Paths, transaction: Gas) -> Self {
        let names = Names::of(program);
        let mut own: BTreeMap<ProfileSpan, u64> = BTreeMap::new();
        let mut whole: BTreeMap<ProfileSpan, u64> = BTreeMap::new();
        let mut stacks = Stacks::new();
        if transaction > Gas::ZERO {
            let frame = Frame {
                name: TRANSACTION.to_owned(),
                kind: Kind::Other,
            };
            stacks.insert(vec![frame], transaction.units());
        }
        let mut code = 0;
        for (path, gas) in paths {
            let mut stack: Vec<Frame> = path.iter().map(|place| names.frame(*place)).collect();
            if stack.is_empty() {
                code = gas.units();
                stack.push(Frame {
                    name: CODE.to_owned(),
                    kind: Kind::Other,
                });
            }
            add(&mut stacks, stack, gas.units());
            let mut places = path.clone();
            if let Some(last) = places.last() {
                add(&mut own, *last, gas.units());
            }
            // A recursive function counts once.
            places.sort();
            places.dedup();
            for place in places {
                add(&mut whole, place, gas.units());
            }
        }
        let of = |place| own.get(&place).copied().unwrap_or_default();
        let (mut functions, mut syscalls) = (Vec::new(), Vec::new());
        for (place, with_callees) in whole {
            let (name, gas) = (names.frame(place).name, of(place));
            match place {
                ProfileSpan::Function(index) => functions.push(FunctionPart {
                    index,
                    name,
                    gas,
                    with_callees,
                }),
                ProfileSpan::Syscall(_) => syscalls.push(SyscallPart { name, gas }),
                ProfileSpan::Loading | ProfileSpan::Instance | ProfileSpan::Forfeited => {}
            }
        }
        Self {
            transaction: transaction.units(),
            loading: of(ProfileSpan::Loading),
            instance: of(ProfileSpan::Instance),
            forfeited: of(ProfileSpan::Forfeited),
            code,
            functions,
            syscalls,
            stacks,
        }
    }

    /// The `most` most expensive entries, one per line, then the rest and the total.
    pub(crate) fn table(&self, most: usize) -> String {
        let function = |part: &FunctionPart| (part.gas, Some(part.with_callees), part.name.clone());
        let syscall = |part: &SyscallPart| (part.gas, None, part.name.clone());
        let mut parts: Vec<_> = self.functions.iter().map(function).collect();
        parts.extend(self.syscalls.iter().map(syscall));
        for (gas, place) in [
            (self.loading, ProfileSpan::Loading),
            (self.instance, ProfileSpan::Instance),
            (self.forfeited, ProfileSpan::Forfeited),
        ] {
            parts.push((gas, None, other(place).to_owned()));
        }
        parts.push((self.code, None, CODE.to_owned()));
        parts.push((self.transaction, None, TRANSACTION.to_owned()));
        parts.retain(|(gas, whole, _)| *gas > 0 || whole.is_some());
        parts.sort_by(|one, another| another.cmp(one));
        let total = sum(parts.iter().map(|(gas, ..)| *gas));
        let mut rows = vec![["gas", "share", "with callees", "where"].map(str::to_owned)];
        let row = |gas, whole: Option<u64>, name: String| {
            let whole = whole.map(grouped).unwrap_or_default();
            [grouped(gas), share(gas, total), whole, name]
        };
        let hidden = parts.split_off(most.min(parts.len()));
        rows.extend(
            parts
                .into_iter()
                .map(|(gas, whole, name)| row(gas, whole, name)),
        );
        if !hidden.is_empty() {
            let gas = sum(hidden.iter().map(|(gas, ..)| *gas));
            let name = format!("{} more, see --top", grouped(hidden.len()));
            rows.push(row(gas, None, name));
        }
        rows.push(row(total, None, "total".to_owned()));
        let columns = [Align::Right, Align::Right, Align::Right, Align::Left];
        aligned(0, columns, &rows)
    }

    /// One line per stack: its frames, outermost first, and its self gas.
    pub(crate) fn folded(&self) -> String {
        let line = |(stack, gas): (&Vec<Frame>, &u64)| {
            let frames: Vec<_> = stack.iter().map(|frame| frame.name.as_str()).collect();
            format!("{} {gas}\n", frames.join(";"))
        };
        self.stacks.iter().map(line).collect()
    }
}

impl Names {
    pub(crate) fn of(program: &Inspection) -> Self {
        let function = |name: &fusee::sandbox::inspection::FunctionName| {
            Some((name.index, clean(&demangled(name.name.as_deref()?))))
        };
        let functions = program.functions.iter();
        let imports = program.program.imports.iter();
        Self {
            functions: functions
                .filter_map(|found| function(&found.name))
                .collect(),
            syscalls: imports
                .map(|import| {
                    let name = clean(&format!("{}.{}", import.module, import.name));
                    (import.number, name)
                })
                .collect(),
        }
    }

    /// The same names of functions, and the names that traces have for syscalls.
    pub(crate) fn with_syscalls_of_traces(self) -> Self {
        let rows = abi::SYSCALLS.iter().chain(abi::wasi::FUNCTIONS);
        Self {
            syscalls: rows.map(|row| (row.number, row.name.to_owned())).collect(),
            ..self
        }
    }

    pub(crate) fn frame(&self, place: ProfileSpan) -> Frame {
        let (kind, name) = match place {
            ProfileSpan::Function(index) => {
                let name = self.functions.get(&index).cloned();
                (
                    Kind::Function,
                    name.unwrap_or_else(|| format!("func[{index}]")),
                )
            }
            ProfileSpan::Syscall(number) => {
                let name = self.syscalls.get(&number).cloned();
                (
                    Kind::Syscall,
                    name.unwrap_or_else(|| format!("syscall[{number}]")),
                )
            }
            ProfileSpan::Loading | ProfileSpan::Instance | ProfileSpan::Forfeited => {
                (Kind::Other, other(place).to_owned())
            }
        };
        Frame { name, kind }
    }
}

/// The name of an entry that is neither a function nor a syscall.
const fn other(place: ProfileSpan) -> &'static str {
    match place {
        ProfileSpan::Loading => "(loading)",
        ProfileSpan::Forfeited => "(forfeited by the trap)",
        _ => "(instance)",
    }
}

/// Replaces characters that break folded stacks or XML. The author of a program chooses its names.
pub(crate) fn clean(name: &str) -> String {
    let clean = |character: char| match character {
        ';' => ':',
        // XML excludes these two characters.
        '\u{fffe}' | '\u{ffff}' => '?',
        _ if character.is_control() => '?',
        _ => character,
    };
    name.chars().map(clean).collect()
}

/// A share of the total in percent.
pub(crate) fn share(gas: u64, total: u64) -> String {
    let total = u128::from(total.max(1));
    let tenths = (u128::from(gas) * 1_000 + total / 2) / total;
    format!("{}.{}%", tenths / 10, tenths % 10)
}

fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, key: K, gas: u64) {
    let sum = sums.entry(key).or_default();
    *sum = sum.saturating_add(gas);
}

fn sum(parts: impl Iterator<Item = u64>) -> u64 {
    parts.fold(0, u64::saturating_add)
}
