//! All reasons for which a program is refused, for its author.
//!
//! [`prepare`](crate::prepare) returns the first reason, and that it is refused is what nodes agree
//! on. This pass goes on after it, and so costs more. It does not go on after a section that is
//! malformed.

use std::{collections::BTreeMap, fmt};

use fusee_engine::Format;

use crate::{
    prepare::prepare,
    refusal::{Refusal, Rule},
    rules::Rules,
    survey,
};

/// The most reasons that are listed.
const MAX_LISTED: usize = 20;

/// The most reasons that are listed of one rule, so that one does not hide the others.
const MAX_OF_RULE: usize = 8;

/// The reasons for which a program is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusals {
    /// The reasons, in the order in which they were found: at most 20, and at most eight of one
    /// rule. The first is that of [`prepare`](crate::prepare). A function has one reason at most.
    pub listed: Vec<Refusal>,
    /// How many more there are.
    pub more: usize,
}

/// Finds all reasons for which the rules refuse a program. Returns `None` if they admit it.
#[must_use]
pub fn refusals(bytes: &[u8], rules: &Rules) -> Option<Refusals> {
    let first = prepare(bytes, rules).err()?;
    let mut refusals = Collector::new(first);
    if Format::of(bytes) == Format::Wasm {
        survey::collect(bytes, rules, &mut |refusal| refusals.add(refusal));
    }
    Some(refusals.found)
}

struct Collector {
    found: Refusals,
    of_rule: BTreeMap<Rule, usize>,
}

impl Collector {
    fn new(first: Refusal) -> Self {
        Self {
            of_rule: BTreeMap::from([(first.rule, 1)]),
            found: Refusals {
                listed: vec![first],
                more: 0,
            },
        }
    }

    fn add(&mut self, refusal: Refusal) {
        // The first is found again.
        if self.found.listed.contains(&refusal) {
            return;
        }
        let of_rule = self.of_rule.entry(refusal.rule).or_default();
        *of_rule = of_rule.saturating_add(1);
        if *of_rule > MAX_OF_RULE || self.found.listed.len() >= MAX_LISTED {
            self.found.more = self.found.more.saturating_add(1);
        } else {
            self.found.listed.push(refusal);
        }
    }
}

impl fmt::Display for Refusals {
    /// One reason a line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, refusal) in self.listed.iter().enumerate() {
            if position > 0 {
                writeln!(formatter)?;
            }
            refusal.fmt(formatter)?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(formatter, "\nand {more} more"),
        }
    }
}
