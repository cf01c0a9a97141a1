//! Entries: which exported functions of a contract a call may enter.

use fusee_abi::DEPLOY_METHOD;
use fusee_executor::PreparedProgram;

/// The kind of methods that a call may enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Deploy,
    Method,
}

impl Entry {
    /// Whether a call may enter a method: it must be an exported function without parameters and
    /// results. `deploy` is entered only at deployment. Names with a leading underscore, which
    /// toolchains reserve, are never entered.
    pub(crate) fn admits(self, prepared: &PreparedProgram, name: &str) -> bool {
        let fits = prepared
            .program()
            .export(name)
            .is_some_and(|export| export.params.is_empty() && export.results.is_empty());
        let is_deploy = name == DEPLOY_METHOD;
        fits && !name.starts_with('_') && is_deploy == (self == Entry::Deploy)
    }
}
