//! How much a compiler optimises.

/// How much a compiler optimises a program. It affects speed only: gas and outcomes are those of
/// the metered program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Without moving and merging computations, which takes quadratic time in some programs.
    Reduced,
    /// With all optimisations.
    Full,
}
