//! Which crate may depend on which: the table in ARCHITECTURE.md, and nothing else.
//!
//! The table and the manifests must agree in both directions. An edge that the table allows and no
//! crate uses is an offence too, so the map never shows more than there is.

use std::collections::BTreeMap;

use super::Finding;
use crate::markdown::{self, Row};
use crate::workspace::{Member, Origin, Purpose, line_where, short_name};

pub(super) const PAGE: &str = "ARCHITECTURE.md";
const BEGIN: &str = "<!-- edges:begin -->";
const END: &str = "<!-- edges:end -->";
const RULE: &str = "edges";

/// One row: the crate's line in the page, and the edges that it allows.
struct Allowed<'a> {
    line: usize,
    edges: Vec<(Purpose, &'a str)>,
}

pub(super) fn check(members: &[Member], page: &str) -> Vec<Finding> {
    let Some(rows) = markdown::rows_between(page, BEGIN, END) else {
        return vec![Finding::new(
            PAGE,
            1,
            RULE,
            format!("no table between `{BEGIN}` and `{END}`"),
        )];
    };
    let mut findings = Vec::new();
    let mut table = BTreeMap::new();
    for row in &rows {
        match allowed(row) {
            Some((name, allowed)) => {
                if table.insert(name, allowed).is_some() {
                    findings.push(Finding::new(
                        PAGE,
                        row.line,
                        RULE,
                        format!("a second row for `{name}`"),
                    ));
                }
            }
            None => findings.push(Finding::new(
                PAGE,
                row.line,
                RULE,
                "not a row of three cells of names",
            )),
        }
    }
    for member in members {
        match table.remove(member.name.as_str()) {
            Some(allowed) => compare(member, &allowed, &mut findings),
            None => {
                let line = line_where(page, |text| text.trim() == BEGIN);
                findings.push(Finding::new(
                    PAGE,
                    line,
                    RULE,
                    format!("no row for the crate `{}`", member.name),
                ));
            }
        }
    }
    for (name, row) in table {
        findings.push(Finding::new(
            PAGE,
            row.line,
            RULE,
            format!("there is no crate `{name}`"),
        ));
    }
    findings
}

fn allowed<'a>(row: &Row<'a>) -> Option<(&'a str, Allowed<'a>)> {
    let [name, build, test] = row.cells.as_slice() else {
        return None;
    };
    let build = markdown::names(build)?
        .into_iter()
        .map(|to| (Purpose::Build, to));
    let test = markdown::names(test)?
        .into_iter()
        .map(|to| (Purpose::Test, to));
    Some((
        markdown::name(name)?,
        Allowed {
            line: row.line,
            edges: build.chain(test).collect(),
        },
    ))
}

fn compare(member: &Member, allowed: &Allowed<'_>, findings: &mut Vec<Finding>) {
    let from = &member.name;
    let mut used = Vec::new();
    for dependency in member
        .dependencies
        .iter()
        .filter(|to| to.origin == Origin::Local)
    {
        let edge = (dependency.purpose, short_name(&dependency.package));
        if !allowed.edges.contains(&edge) {
            let (purpose, to) = edge;
            let line = member.line_naming(&dependency.package);
            let message = format!(
                "`{from}` may not {} `{to}`: {PAGE} has no such edge",
                verb(purpose)
            );
            findings.push(Finding::new(&member.manifest, line, RULE, message));
        }
        used.push(edge);
    }
    for (purpose, to) in allowed.edges.iter().filter(|edge| !used.contains(edge)) {
        let message = format!(
            "`{from}` does not {} `{to}`: remove it from the table",
            verb(*purpose)
        );
        findings.push(Finding::new(PAGE, allowed.line, RULE, message));
    }
}

fn verb(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Build => "depend on",
        Purpose::Test => "dev-depend on",
    }
}

#[cfg(test)]
mod tests;
