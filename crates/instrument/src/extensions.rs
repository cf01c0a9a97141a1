//! WebAssembly features that a set of rules can admit beside those that all rules admit.

/// Which of these features programs may use. Default: none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// The operators `return_call` and `return_call_indirect`, at the prices of `call` and
    /// `call_indirect`. The frame of the caller is released first, so that a chain of such calls
    /// takes the stack of one.
    pub tail_calls: bool,
    /// Additions, subtractions and multiplications of integers in the initial values of globals and
    /// the offsets of segments. They are computed when the program is prepared, and cost nothing.
    pub extended_constants: bool,
    /// The operator `table.grow`. A table grows up to its limit or the one of the rules. Needs a
    /// [`Schedule`](crate::Schedule) with a price for it, which version 1 does not have.
    pub table_grow: bool,
    /// The operators on integers of 128 bits. Need a [`Schedule`](crate::Schedule) with their
    /// prices, which version 1 does not have.
    pub wide_arithmetic: bool,
}

impl Extensions {
    /// None of them.
    pub const NONE: Self = Self {
        tail_calls: false,
        extended_constants: false,
        table_grow: false,
        wide_arithmetic: false,
    };

    /// All of them.
    pub const ALL: Self = Self {
        tail_calls: true,
        extended_constants: true,
        table_grow: true,
        wide_arithmetic: true,
    };

    /// Which form of the encoding can tell: 0 for none of them, 1 for the first two.
    pub(crate) fn generation(self) -> u32 {
        if self.table_grow || self.wide_arithmetic {
            2
        } else {
            u32::from(self != Self::NONE)
        }
    }

    /// The name of each feature, as WebAssembly's proposals have it, and whether it is admitted.
    pub fn iter(self) -> impl Iterator<Item = (&'static str, bool)> {
        let Self {
            tail_calls,
            extended_constants,
            table_grow,
            wide_arithmetic,
        } = self;
        [
            ("tail_call", tail_calls),
            ("extended_const", extended_constants),
            ("table_grow", table_grow),
            ("wide_arithmetic", wide_arithmetic),
        ]
        .into_iter()
    }
}
