//! Refusals: the reasons for which a program is not admitted.

use std::fmt;

use thiserror::Error;

/// The reason for which a program is refused: the rule, the offending value and its position.
///
/// The same bytes and rules give the same refusal on every machine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Refusal {
    /// The violated rule.
    pub rule: Rule,
    /// The program's value, if the rule is a limit.
    pub value: Option<u64>,
    /// The limit, if the rule is a limit.
    pub limit: Option<u64>,
    /// Byte offset in the program.
    pub offset: Option<u64>,
    /// Description for display.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "refused by rule `{}`: {}",
            self.rule, self.message
        )?;
        match self.offset {
            Some(offset) => write!(formatter, " (at byte {offset:#x})"),
            None => Ok(()),
        }
    }
}

impl Refusal {
    pub(crate) fn new(rule: Rule, offset: u64, message: impl Into<String>) -> Self {
        Self {
            rule,
            value: None,
            limit: None,
            offset: Some(offset),
            message: message.into(),
        }
    }

    /// A refusal of the program as a whole, without an offset.
    #[must_use]
    pub fn whole(rule: Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            value: None,
            limit: None,
            offset: None,
            message: message.into(),
        }
    }

    fn over(limit_name: &'static str, value: u64, limit: u64, offset: Option<u64>) -> Self {
        let message = format!("{value} exceeds the limit of {limit}");
        Self {
            rule: Rule::Limit(limit_name),
            value: Some(value),
            limit: Some(limit),
            offset,
            message,
        }
    }
}

/// Refuses a program whose `value` exceeds the limit of this name.
pub(crate) fn check_limit(
    name: &'static str,
    value: u64,
    limit: u64,
    offset: Option<u64>,
) -> Result<(), Refusal> {
    if value > limit {
        Err(Refusal::over(name, value, limit, offset))
    } else {
        Ok(())
    }
}

impl From<wasmparser::Error> for Refusal {
    fn from(error: wasmparser::Error) -> Self {
        Refusal::new(Rule::Valid, error.offset(), error.message())
    }
}

impl From<wasmparser::Error> for Box<Refusal> {
    fn from(error: wasmparser::Error) -> Self {
        Box::new(error.into())
    }
}

/// A rule by which programs are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The rules admit the program's format.
    Format,
    /// A PolkaVM program uses an admitted instruction set.
    InstructionSet,
    /// The bytes are a valid wasm module under the admitted features, or a well-formed PolkaVM
    /// program.
    Valid,
    /// No floating-point types or operators.
    Floats,
    /// No use of the wasm feature with this name. Features are named after their proposals.
    Feature(&'static str),
    /// Every wasm operator has a price in the gas schedule. Every PolkaVM instruction is known and
    /// does not grow memory.
    Operator,
    /// Types are integers and function references only.
    Type,
    /// Imports are functions.
    ImportKind,
    /// Imports name syscalls of the rules.
    UnknownImport,
    /// Imports have the signature of the syscall.
    ImportSignature,
    /// Exports that the host calls by a fixed name have the signature by which it calls them.
    ExportSignature,
    /// Imports and exports do not use names reserved for metered code.
    ReservedName,
    /// Active segments fit into the initial memory or table, so that instantiation cannot fail.
    Segment,
    /// The limit of this name is not exceeded.
    Limit(&'static str),
    /// The metered program is valid. A refusal by this rule is a bug in the meter.
    Metered,
}

impl Rule {
    /// The name of the rule in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Rule::Format => "format",
            Rule::InstructionSet => "instruction_set",
            Rule::Valid => "valid",
            Rule::Floats => "floats",
            Rule::Operator => "operator",
            Rule::Type => "type",
            Rule::ImportKind => "import_kind",
            Rule::UnknownImport => "unknown_import",
            Rule::ImportSignature => "import_signature",
            Rule::ExportSignature => "export_signature",
            Rule::ReservedName => "reserved_name",
            Rule::Segment => "segment",
            Rule::Limit(name) | Rule::Feature(name) => name,
            Rule::Metered => "metered",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
