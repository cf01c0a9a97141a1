//! Rules for children: which programs, and what they may ask.
//!
//! A child may import functions that nobody listed beforehand: their names are symbols, which mean something to its parent
//! alone. So the rules of a program list what it imports itself, as far as its parent lets it: they are a pure
//! function of its bytes and of [`ChildRules`]. Everything else is held by the rules below as for any program.

use std::{collections::BTreeSet, fmt, sync::Arc};

use fusee_engine::{Format, MAX_SYSCALL_ARGS, RulesId, ValueType};
use fusee_instrument::{Rules, SyscallPrice, SyscallPrices, SyscallRule, encoding::RulesWriter};
use polkavm_common::program::ProgramBlob;
use wasmparser::{CompositeInnerType, Parser, Payload, TypeRef, ValType};

use crate::{functions, wire::SYMBOL_BYTES};

/// Which symbols a child may import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Symbols {
    /// Any.
    Any,
    /// These, and no others: a program that imports another is refused.
    Only(BTreeSet<String>),
}

/// By which rules programs are checked that are run as children. A pure value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildRules {
    rules: Rules,
    symbols: Symbols,
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
    /// These rules for everything but imports. Of the syscalls that they list, children may import
    /// those of the [nine functions](functions), at the listed prices; the others mean nothing here.
    #[must_use]
    pub const fn new(rules: Rules, symbols: Symbols) -> Self {
        Self { rules, symbols }
    }

    /// The rules below.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Which symbols children may import.
    #[must_use]
    pub const fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// What children pay for the nine functions.
    pub(crate) const fn prices(&self) -> &Arc<SyscallPrices> {
        self.rules.prices()
    }

    /// The canonical encoding, which `docs/rules.md` documents.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { rules, symbols } = self;
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
        writer.finish()
    }

    /// The digest of the [encoding](Self::encode).
    #[must_use]
    pub fn id(&self) -> RulesId {
        RulesId::of(&self.encode())
    }

    /// The rules for one program: they list what it imports, if its name is a symbol that is admitted, by these rules and by its `owner`. The number is the position
    /// among those, and the child may be parked at each. The functions that these rules list are no symbols: a program may import them if it may have children, and
    /// their names are admitted.
    #[must_use]
    pub fn for_program(&self, program: &[u8], owner: &Symbols, may_have_children: bool) -> Rules {
        let limits = self.rules.limits();
        // What is beyond the limits is refused anyway: it is not read.
        let most = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        let declared = match Format::of(program) {
            _ if program.len() > most(limits.code_bytes) => Vec::new(),
            Format::Wasm => wasm_imports(program, most(limits.types), most(limits.imports)),
            Format::PolkaVm => polkavm_imports(program, most(limits.imports)),
        };
        let mut syscalls: Vec<SyscallRule> = Vec::new();
        let mut number = 0..functions::FIRST;
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
            let is_admitted = declared.name.len() <= SYMBOL_BYTES
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
    /// A listing of everything in the rules, for people.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.rules)?;
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

/// The functions that a wasm program imports, as far as it can be read: whether it is valid is not asked here. What is left out, since
/// no syscall has such a signature, is refused by whoever checks the program.
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
            // Imports would have come before.
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
    if function.params().len() > MAX_SYSCALL_ARGS {
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

/// The symbols that a PolkaVM program imports, each with six registers and one back.
fn polkavm_imports(program: &[u8], most: usize) -> Vec<SyscallRule> {
    let Ok(blob) = ProgramBlob::parse(program.into()) else {
        return Vec::new();
    };
    let symbols = blob.imports().into_iter().take(most);
    symbols
        .filter_map(|symbol| {
            let symbol = symbol?;
            let name = std::str::from_utf8(symbol.as_bytes()).ok()?;
            let params = vec![ValueType::I64; MAX_SYSCALL_ARGS];
            Some(declared("", name, params, Some(ValueType::I64)))
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
