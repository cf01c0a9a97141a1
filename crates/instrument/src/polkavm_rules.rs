//! The part of the rules that applies to PolkaVM programs.

use std::borrow::Cow;

use fusee_engine::Rate;
use polkavm_common::program::InstructionSetKind;

use crate::byte_names;

/// Size of a memory page of a PolkaVM program in bytes.
pub const POLKAVM_PAGE_BYTES: u32 = 4_096;

/// Prices of PolkaVM programs. Present in rules that admit such programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolkaVmRules {
    /// Version of this set of prices, for display.
    pub version: u32,
    /// Gas for each unit of PolkaVM's full cost model, with the L2 cache hit model.
    pub rate: Rate,
    /// Gas for each instruction of the program, charged to every instance. The interpreter
    /// translates code anew for each instance, which takes about 30 times as long as executing the
    /// instruction once.
    pub code_instruction: u32,
    /// Gas for each basic block of the program, charged to every instance in addition to its
    /// instructions.
    pub code_block: u32,
    /// The instruction sets for which a program may be linked.
    pub instruction_sets: InstructionSets,
    /// What is checked beyond what makes a program run identically on every backend.
    pub checks: PolkaVmChecks,
}

/// Instruction sets of PolkaVM programs. All are frozen: an upgrade of the library does not change
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstructionSets {
    /// `revivev1`.
    #[default]
    ReviveV1,
    /// `revivev1` and `jamv1`.
    ReviveV1AndJamV1,
}

/// How much of a PolkaVM program is checked before it runs.
///
/// Both admit only programs that run identically on every backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolkaVmChecks {
    /// Names are UTF-8, no name is exported twice, and no instruction is unknown.
    #[default]
    Strict,
    /// Names are any bytes, and have the form of [`byte_names`] in a
    /// [`Program`](fusee_engine::Program). Of several exports of one name the last counts. An
    /// unknown instruction traps when it is reached, and so does the end of the code.
    Lenient,
}

impl InstructionSets {
    /// Whether programs may be linked for this set.
    pub(crate) const fn admit(self, set: InstructionSetKind) -> bool {
        match set {
            InstructionSetKind::ReviveV1 => true,
            InstructionSetKind::JamV1 => matches!(self, Self::ReviveV1AndJamV1),
            // They change with the library.
            InstructionSetKind::Latest32 | InstructionSetKind::Latest64 => false,
        }
    }

    /// The names of the sets, for messages.
    pub(crate) const fn names(self) -> &'static str {
        match self {
            Self::ReviveV1 => "`revivev1`",
            Self::ReviveV1AndJamV1 => "`revivev1` or `jamv1`",
        }
    }
}

impl PolkaVmChecks {
    /// The name of an import or export as text. `None` if these checks refuse it.
    #[must_use]
    pub fn name(self, name: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Strict => std::str::from_utf8(name).ok().map(Cow::Borrowed),
            Self::Lenient => Some(byte_names::escape(name)),
        }
    }

    /// The bytes of a name that [`name`](Self::name) returned.
    #[must_use]
    pub fn bytes(self, name: &str) -> Cow<'_, [u8]> {
        match self {
            Self::Strict => Cow::Borrowed(name.as_bytes()),
            Self::Lenient => byte_names::unescape(name),
        }
    }
}

impl PolkaVmRules {
    /// Version 1, as measured in `docs/book/src/polkavm.md`: 16 gas a unit, 125 gas an instruction
    /// and 250 gas a basic block. A unit is about one cycle of a processor that runs four
    /// instructions at once.
    #[must_use]
    pub const fn v1() -> Self {
        Self {
            version: 1,
            rate: Rate::whole(16),
            code_instruction: 125,
            code_block: 250,
            instruction_sets: InstructionSets::ReviveV1,
            checks: PolkaVmChecks::Strict,
        }
    }
}
