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
}

impl Extensions {
    /// None of them.
    pub const NONE: Self = Self {
        tail_calls: false,
        extended_constants: false,
    };

    /// All of them.
    pub const ALL: Self = Self {
        tail_calls: true,
        extended_constants: true,
    };

    /// The name of each feature, as WebAssembly's proposals have it, and whether it is admitted.
    pub fn iter(self) -> impl Iterator<Item = (&'static str, bool)> {
        let Self {
            tail_calls,
            extended_constants,
        } = self;
        [
            ("tail_call", tail_calls),
            ("extended_const", extended_constants),
        ]
        .into_iter()
    }
}
