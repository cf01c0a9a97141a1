//! Every package of somebody else has a row in docs/dependencies.md that says why it is here.
//!
//! The rule checks which packages have a row and who uses them; the reasons are for people.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::markdown;
use crate::workspace::{Member, Origin};

pub(super) const PAGE: &str = "docs/dependencies.md";
const RULE: &str = "dependencies";

pub(super) fn check(members: &[Member], page: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut packages = users(members);
    let mut seen = BTreeSet::new();
    for row in markdown::rows(page) {
        let mut report = |message| findings.push(Finding::new(PAGE, row.line, RULE, message));
        let [package, used_by, _what_for, _why] = row.cells.as_slice() else {
            report("not a row of four cells".to_owned());
            continue;
        };
        let package = package.trim_matches('`');
        if !seen.insert(package) {
            report(format!("a second row for `{package}`"));
            continue;
        }
        let Some(users) = packages.remove(package) else {
            report(format!("no crate depends on `{package}`: remove the row"));
            continue;
        };
        let named =
            markdown::names(used_by).map(|names| names.into_iter().collect::<BTreeSet<_>>());
        if named != Some(users.keys().copied().collect()) {
            report(format!("`{package}` is used by {}", listed(&users)));
        }
    }
    for (package, users) in packages {
        for member in users.values() {
            let message = format!("`{package}` has no row in {PAGE}");
            findings.push(Finding::new(
                &member.manifest,
                member.line_naming(package),
                RULE,
                message,
            ));
        }
    }
    findings
}

/// Each external package, with the members that name it in their manifests.
fn users(members: &[Member]) -> BTreeMap<&str, BTreeMap<&str, &Member>> {
    let mut packages: BTreeMap<&str, BTreeMap<&str, &Member>> = BTreeMap::new();
    for member in members {
        for dependency in member
            .dependencies
            .iter()
            .filter(|found| found.origin == Origin::External)
        {
            packages
                .entry(&dependency.package)
                .or_default()
                .insert(&member.name, member);
        }
    }
    packages
}

fn listed(users: &BTreeMap<&str, &Member>) -> String {
    let names: Vec<String> = users.keys().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
