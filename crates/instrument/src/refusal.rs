//! Refusals: why a program is not run.

use std::fmt;

use thiserror::Error;

/// Why a program is refused: the rule, what it found and where.
///
/// The same bytes and rules are refused for the same reason on every machine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Refusal {
    /// The rule.
    pub rule: Rule,
    /// What the program has, where the rule is a limit.
    pub value: Option<u64>,
    /// The most that it may have, where the rule is a limit.
    pub limit: Option<u64>,
    /// Where in the program: bytes from its beginning.
    pub offset: Option<u64>,
    /// What is wrong, for people.
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

    /// Of the program as a whole.
    pub(crate) fn whole(rule: Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            value: None,
            limit: None,
            offset: None,
            message: message.into(),
        }
    }

    pub(crate) fn over(
        limit_name: &'static str,
        value: u64,
        limit: u64,
        offset: Option<u64>,
    ) -> Self {
        let message = format!(
            "{} {} where {limit} are the most",
            value,
            limit_name.replace('_', " ")
        );
        Self {
            rule: Rule::Limit(limit_name),
            value: Some(value),
            limit: Some(limit),
            offset,
            message,
        }
    }
}

/// A rule that refuses programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The rules admit programs of this format.
    Format,
    /// A PolkaVM program's instructions are of a set that is admitted.
    InstructionSet,
    /// The bytes are a wasm module, valid under the features that are admitted; or a whole PolkaVM program.
    Valid,
    /// No floating-point types and operators.
    Floats,
    /// Nothing of the wasm feature of this name, which is the name of the proposal that it came by.
    Feature(&'static str),
    /// No operator that the gas schedule has no price for; no PolkaVM instruction that is not known, or grows memory.
    Operator,
    /// No types but integers and function references.
    Type,
    /// Imports are functions.
    ImportKind,
    /// Imports are known by name.
    UnknownImport,
    /// Imports have the signature that the host answers.
    ImportSignature,
    /// No imports or exports under names that metered code uses.
    ReservedName,
    /// Active segments fit into the memory or the table as it is from the start, so that making an
    /// instance cannot fail.
    Segment,
    /// There is no more of a thing than the limit of this name allows.
    Limit(&'static str),
    /// The metered program is valid again. This never refuses unless the meter itself is wrong.
    Metered,
}

impl Rule {
    /// The rule's name.
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
