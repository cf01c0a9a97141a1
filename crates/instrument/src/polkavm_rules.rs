//! The part of the rules that applies to PolkaVM programs.

use fusee_engine::Rate;

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
}

impl PolkaVmRules {
    /// Version 1, as measured in `docs/polkavm.md`: 16 gas a unit, 125 gas an instruction and 250
    /// gas a basic block. A unit is about one cycle of a processor that runs four instructions at
    /// once.
    #[must_use]
    pub const fn v1() -> Self {
        Self {
            version: 1,
            rate: Rate::whole(16),
            code_instruction: 125,
            code_block: 250,
        }
    }
}
