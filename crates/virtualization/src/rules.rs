//! Rules of nested VMs: admitted programs and imports.
//!
//! The imports of a nested VM are not known in advance: their names are symbols that only its owner
//! interprets. So the rules of a program list its own imports, as far as the owner admits them.
//! These rules are a pure function of the program's bytes and [`ChildRules`]. The base rules apply
//! as to any program.

use std::{collections::BTreeSet, fmt, sync::Arc};

use fusee_engine::{Format, MAX_REGISTER_ARGS, Rate, RulesId, ValueType};
use fusee_instrument::{
    InstructionSets, Limits, PolkaVmChecks, PolkaVmRules, Rules, Schedule, SyscallPrice,
    SyscallPrices, SyscallRule, encoding::RulesWriter,
};
use polkavm_common::program::ProgramBlob;
use wasmparser::{CompositeInnerType, Parser, Payload, TypeRef, ValType};

use crate::{conventions::Conventions, functions, wire::SYMBOL_BYTES};

/// The symbols that a nested VM may import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Symbols {
    /// Any symbols.
    Any,
    /// Only these symbols. A program that imports another one is refused.
    Only(BTreeSet<String>),
}

/// The rules of programs that run as nested VMs. A pure value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildRules {
    rules: Rules,
    symbols: Symbols,
    conventions: Conventions,
}

impl Symbols {
    fn admit(&self, symbol: &str) -> bool {
        match self {
            Symbols::Any => true,
            Symbols::Only(admitted) => admitted.contains(symbol),
        }
    }
}

impl ChildRules {
    /// Creates rules from base rules, which apply to everything but imports. Of their syscalls,
    /// nested VMs may import the [nine functions](functions) at the listed prices. Other syscalls
    /// are ignored.
    #[must_use]
    pub const fn new(rules: Rules, symbols: Symbols) -> Self {
        Self {
            rules,
            symbols,
            conventions: Conventions::Fusee,
        }
    }

    /// The set `substrate-1`: a nested VM behaves as in Substrate's virtualization
    /// (`sp-virtualization` 0.4 and `sc-virtualization` 0.3), in every way that
    /// `docs/book/src/virtualization.md` does not list as a difference. For trusted owners: of its
    /// programs only PolkaVM's own limits hold. Combine it with
    /// [`ChildLimits::unlimited`](crate::ChildLimits::unlimited).
    ///
    /// Gas is a unit of PolkaVM's cost model. No function is listed, so that the names of the nine
    /// functions are symbols like any other.
    #[must_use]
    pub fn substrate_v1() -> Self {
        let limits = Limits {
            program_bytes: u64::MAX,
            code_bytes: u64::MAX,
            imports: u64::MAX,
            exports: u64::MAX,
            data_bytes: u64::MAX,
            memory_pages: 65_536,
            ..Limits::v1()
        };
        let polkavm = PolkaVmRules {
            version: 2,
            rate: Rate::ONE,
            code_instruction: 0,
            code_block: 0,
            instruction_sets: InstructionSets::ReviveV1AndJamV1,
            checks: PolkaVmChecks::Lenient,
        };
        let rules = Rules::named("substrate-1", Schedule::v1(), limits, Vec::new());
        Self::new(rules.with_polkavm(polkavm), Symbols::Any)
            .with_conventions(Conventions::Substrate)
    }

    /// The same rules with other conventions. Default: [`Conventions::Fusee`].
    #[must_use]
    pub fn with_conventions(self, conventions: Conventions) -> Self {
        Self {
            conventions,
            ..self
        }
    }

    /// The conventions.
    #[must_use]
    pub const fn conventions(&self) -> Conventions {
        self.conventions
    }

    /// The base rules.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The symbols that nested VMs may import.
    #[must_use]
    pub const fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The prices of the nine functions.
    pub(crate) const fn prices(&self) -> &Arc<SyscallPrices> {
        self.rules.prices()
    }

    /// The canonical encoding, which `docs/book/src/rules.md` documents.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            rules,
            symbols,
            conventions,
        } = self;
        let mut writer = RulesWriter::new("child rules");
        writer.bytes(&rules.encode());
        match symbols {
            Symbols::Any => writer.u8(0),
            Symbols::Only(names) => {
                writer.u8(1);
                let names: Vec<_> = names.iter().collect();
                writer.list(&names, |writer, name| writer.text(name));
            }
        }
        match conventions {
            // As before there were others.
            Conventions::Fusee => {}
            Conventions::Substrate => writer.u8(1),
        }
        writer.finish()
    }

    /// The digest of the [encoding](Self::encode).
    #[must_use]
    pub fn id(&self) -> RulesId {
        RulesId::of(&self.encode())
    }

    /// Creates the rules of one program. They list its imports, as far as these rules and its
    /// `owner` admit the symbols. The number of a symbol is its position in this list, and each
    /// call of a symbol may suspend. The functions that these rules list are not symbols: a program
    /// may import them if it may have nested VMs and their names are admitted.
    #[must_use]
    pub fn for_program(&self, program: &[u8], owner: &Symbols, may_have_children: bool) -> Rules {
        let limits = self.rules.limits();
        // A program beyond the limits is refused, so its imports are not read.
        let most = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        let format = Format::of(program);
        let checks = checks(&self.rules, format);
        let declared = match format {
            _ if program.len() > most(limits.program_bytes) => Vec::new(),
            Format::Wasm => wasm_imports(program, most(limits.types), most(limits.imports)),
            Format::PolkaVm => polkavm_imports(program, checks, most(limits.imports)),
        };
        let mut syscalls: Vec<SyscallRule> = Vec::new();
        let mut number = (0..=u32::MAX).filter(|number| !functions::is_function(*number));
        for declared in declared {
            if let Some(function) = self.function(&declared.name) {
                let is_admitted = self.symbols.admit(&function.name) && owner.admit(&function.name);
                if may_have_children && is_admitted && !syscalls.contains(function) {
                    syscalls.push(function.clone());
                }
                continue;
            }
            let is_known = syscalls
                .iter()
                .any(|known| known.module == declared.module && known.name == declared.name);
            let is_admitted = checks.bytes(&declared.name).len() <= SYMBOL_BYTES
                && self.symbols.admit(&declared.name)
                && owner.admit(&declared.name);
            if is_known || !is_admitted {
                continue;
            }
            let Some(number) = number.next() else {
                break;
            };
            syscalls.push(SyscallRule { number, ..declared });
        }
        self.rules.clone().with_syscalls(syscalls)
    }

    /// The function of this name, if the rules list it.
    fn function(&self, name: &str) -> Option<&SyscallRule> {
        let mut listed = self.rules.syscalls().iter();
        listed.find(|rule| rule.name == name && functions::is_function(rule.number))
    }
}

impl fmt::Display for ChildRules {
    /// Lists all rules as text for people.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.rules)?;
        if self.conventions == Conventions::Substrate {
            writeln!(formatter, "conventions substrate")?;
        }
        match &self.symbols {
            Symbols::Any => writeln!(formatter, "symbols any"),
            Symbols::Only(names) => {
                writeln!(formatter, "symbols {}", names.len())?;
                names
                    .iter()
                    .try_for_each(|name| writeln!(formatter, "  {name}"))
            }
        }
    }
}

/// The functions that a wasm program imports. Does not validate the program, and skips imports
/// without a valid signature of a syscall. The validator refuses both.
fn wasm_imports(program: &[u8], most_types: usize, most: usize) -> Vec<SyscallRule> {
    let mut types = Vec::new();
    for payload in Parser::new(0).parse_all(program) {
        match payload {
            Ok(Payload::TypeSection(section)) => {
                let groups = section.into_iter().map_while(Result::ok);
                let group_types = groups.flat_map(wasmparser::RecGroup::into_types);
                types.extend(
                    group_types
                        .take(most_types)
                        .map(|ty| signature(&ty.composite_type.inner)),
                );
            }
            Ok(Payload::ImportSection(section)) => {
                let imports = section.into_imports().map_while(Result::ok).take(most);
                return imports
                    .filter_map(|import| {
                        let TypeRef::Func(at) = import.ty else {
                            return None;
                        };
                        let (params, result) =
                            types.get(usize::try_from(at).ok()?)?.as_ref()?.clone();
                        Some(declared(import.module, import.name, params, result))
                    })
                    .collect();
            }
            Ok(Payload::Version { .. } | Payload::CustomSection(_)) => {}
            // The import section precedes all other sections.
            _ => break,
        }
    }
    Vec::new()
}

type Signature = (Vec<ValueType>, Option<ValueType>);

fn signature(inner: &CompositeInnerType) -> Option<Signature> {
    let CompositeInnerType::Func(function) = inner else {
        return None;
    };
    let integer = |ty: &ValType| match ty {
        ValType::I32 => Some(ValueType::I32),
        ValType::I64 => Some(ValueType::I64),
        _ => None,
    };
    if function.params().len() > MAX_REGISTER_ARGS {
        return None;
    }
    let params = function
        .params()
        .iter()
        .map(integer)
        .collect::<Option<_>>()?;
    match function.results() {
        [] => Some((params, None)),
        [result] => Some((params, Some(integer(result)?))),
        _ => None,
    }
}

/// How the names of a program of this format are checked, and read as text.
pub(crate) fn checks(rules: &Rules, format: Format) -> PolkaVmChecks {
    match (format, rules.polkavm()) {
        (Format::PolkaVm, Some(polkavm)) => polkavm.checks,
        _ => PolkaVmChecks::Strict,
    }
}

/// The symbols that a PolkaVM program imports. Each has six parameters and one result.
fn polkavm_imports(program: &[u8], checks: PolkaVmChecks, most: usize) -> Vec<SyscallRule> {
    let Ok(blob) = ProgramBlob::parse(program.into()) else {
        return Vec::new();
    };
    let symbols = blob.imports().into_iter().take(most);
    symbols
        .filter_map(|symbol| {
            let symbol = symbol?;
            let name = checks.name(symbol.as_bytes())?;
            let params = vec![ValueType::I64; MAX_REGISTER_ARGS];
            Some(declared("", &name, params, Some(ValueType::I64)))
        })
        .collect()
}

fn declared(
    module: &str,
    name: &str,
    params: Vec<ValueType>,
    result: Option<ValueType>,
) -> SyscallRule {
    SyscallRule {
        module: module.to_owned(),
        name: name.to_owned(),
        number: 0,
        params,
        result,
        may_suspend: true,
        price: SyscallPrice::FREE,
    }
}
