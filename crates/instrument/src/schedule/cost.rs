//! The price of an instance, part by part.

use fusee_engine::Gas;

/// The price of an instance of one program, part by part. Parts that the program does not have are
/// absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceCost {
    parts: Vec<PartCost>,
}

/// One part of the price of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartCost {
    /// What is priced.
    pub part: InstancePart,
    /// How many of them the program has.
    pub count: u64,
    /// The price of each, in gas.
    pub price: u32,
}

/// What an instance is priced by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstancePart {
    /// The instance itself.
    Base,
    /// Its memory.
    Memory,
    /// The first pages of initial memory, which engines keep from one instance to the next.
    Page,
    /// The pages of initial memory beyond. All pages of a PolkaVM program.
    FarPage,
    /// Data, in units of 64 bytes.
    Data64Bytes,
    /// Data segments and element segments.
    Segment,
    /// Tables.
    Table,
    /// Initial elements of tables, and elements of element segments.
    TableElement,
    /// Functions, imported ones included.
    Function,
    /// Globals.
    Global,
    /// Exports.
    Export,
    /// Instructions of a PolkaVM program.
    Instruction,
    /// Basic blocks of a PolkaVM program.
    Block,
}

impl InstanceCost {
    /// Adds a part, if the program has any of it.
    pub(crate) fn add(&mut self, part: InstancePart, count: u64, price: u32) {
        if count > 0 {
            self.parts.push(PartCost { part, count, price });
        }
    }

    /// The parts, in the order of the schedule.
    #[must_use]
    pub fn parts(&self) -> &[PartCost] {
        &self.parts
    }

    /// The whole price.
    #[must_use]
    pub fn total(&self) -> Gas {
        self.parts
            .iter()
            .fold(Gas::ZERO, |sum, part| sum.saturating_add(part.gas()))
    }

    /// The part with the greatest share of the price. `None` if nothing has a price.
    #[must_use]
    pub fn largest(&self) -> Option<PartCost> {
        let parts = self.parts.iter().copied();
        parts
            .filter(|part| part.gas() > Gas::ZERO)
            .reduce(|largest, part| {
                if part.gas() > largest.gas() {
                    part
                } else {
                    largest
                }
            })
    }

    /// How much less an instance would cost with so many fewer pages of initial memory.
    #[must_use]
    pub fn of_last_pages(&self, pages: u64) -> Gas {
        let (mut left, mut saved) = (pages, Gas::ZERO);
        for part in [InstancePart::FarPage, InstancePart::Page] {
            for found in self.parts.iter().filter(|found| found.part == part) {
                let count = left.min(found.count);
                left = left.saturating_sub(count);
                saved = saved.saturating_add(PartCost { count, ..*found }.gas());
            }
        }
        saved
    }
}

impl PartCost {
    /// The price of this part.
    #[must_use]
    pub fn gas(&self) -> Gas {
        Gas::new(self.price.into()).saturating_mul(self.count)
    }
}

impl InstancePart {
    /// Its name, which is also the name of its price in the schedule and the rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Memory => "memory",
            Self::Page => "page",
            Self::FarPage => "far_page",
            Self::Data64Bytes => "data_64_bytes",
            Self::Segment => "segment",
            Self::Table => "table",
            Self::TableElement => "table_element",
            Self::Function => "function",
            Self::Global => "global",
            Self::Export => "export",
            Self::Instruction => "code_instruction",
            Self::Block => "code_block",
        }
    }
}
