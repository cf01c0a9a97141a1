//! Entries: which exported functions of a contract a call may enter.

use fusee_abi::{DEPLOY_METHOD, MIGRATE_METHOD};
use fusee_engine::Export;
use fusee_executor::PreparedProgram;

use crate::ContractRules;

/// The kind of methods that a call may enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// `deploy`, at a deployment.
    Deploy,
    /// `migrate`, at an upgrade.
    Migrate,
    /// Any other.
    Method,
}

impl Entry {
    /// Whether a call may enter a method of a program.
    pub(crate) fn admits(
        self,
        rules: &ContractRules,
        prepared: &PreparedProgram,
        name: &str,
    ) -> bool {
        let export = prepared.program().export(name);
        export.is_some_and(|export| self.admits_export(rules, export))
    }

    /// The methods that a call may enter in a program.
    pub(crate) fn methods<'a>(
        self,
        rules: &'a ContractRules,
        prepared: &'a PreparedProgram,
    ) -> impl Iterator<Item = &'a str> {
        let exports = prepared.program().exports.iter();
        exports
            .filter(move |export| self.admits_export(rules, export))
            .map(|export| export.name.as_str())
    }

    /// Whether a call may enter an export: it must be a function without parameters and results.
    /// `deploy` is entered only at deployment, and `migrate` only at an upgrade, if the rules have
    /// upgrades. Names with a leading underscore, which toolchains reserve, are never entered, and
    /// neither is an export without a name: a call without a method is a transfer.
    fn admits_export(self, rules: &ContractRules, export: &Export) -> bool {
        let name = export.name.as_str();
        let fits = export.params.is_empty() && export.results.is_empty();
        let kind = match name {
            DEPLOY_METHOD => Entry::Deploy,
            MIGRATE_METHOD if rules.has_upgrades() => Entry::Migrate,
            _ => Entry::Method,
        };
        fits && !name.is_empty() && !name.starts_with('_') && self == kind
    }
}
