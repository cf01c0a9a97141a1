//! The numbers of the schedule, read from the pages `docs/schedule-*.md`.
//!
//! A row is found by the heading above it and the name in its first cell; its numbers are the cells that
//! are numbers.

use std::collections::BTreeMap;

/// The pages of all versions, as they were when this was compiled.
const PAGES: &[&str] = &[
    include_str!("../../../../docs/schedule-v1.md"),
    include_str!("../../../../docs/schedule-v2.md"),
];

/// The numbers of the schedule.
#[derive(Clone, Debug)]
pub struct Prices {
    /// Each table by its heading, each row by its name.
    tables: BTreeMap<String, BTreeMap<String, Vec<u64>>>,
}

/// What an operator costs by the number on top of its operands.
#[derive(Clone, Copy, Debug)]
pub(super) struct LengthPrice {
    /// So many are one unit.
    pub(super) unit: u64,
    /// What a unit costs, or part of one.
    pub(super) price: u64,
    /// More than so many count as so many.
    pub(super) most: u64,
}

impl Prices {
    /// The numbers of a version of the schedule.
    ///
    /// # Panics
    ///
    /// If there is no such version.
    #[must_use]
    pub fn version(version: u32) -> Self {
        let page = usize::try_from(version)
            .ok()
            .and_then(|version| PAGES.get(version.checked_sub(1)?));
        Self::of_page(page.expect("a version of the schedule has a page"))
    }

    /// The numbers of a page like it.
    #[must_use]
    pub fn of_page(page: &str) -> Self {
        let mut tables: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
        let mut heading = "";
        for line in page.lines() {
            if let Some(found) = line.strip_prefix("## ") {
                heading = found;
            } else if let Some((name, numbers)) = row(line) {
                let table = tables.entry(heading.to_owned()).or_default();
                table.insert(name.to_owned(), numbers);
            }
        }
        Self { tables }
    }

    /// The same, but with another price of an operator.
    #[must_use]
    pub fn with_operator(mut self, name: &str, price: u64) -> Self {
        let operators = self.tables.entry("Operators".to_owned()).or_default();
        operators.insert(name.to_owned(), vec![price]);
        self
    }

    /// The price of an operator by its name in the text format.
    pub(super) fn operator(&self, name: &str) -> Result<u64, String> {
        self.number("Operators", name)
    }

    /// How the operator is charged by a length, if it is.
    pub(super) fn length(&self, name: &str) -> Option<LengthPrice> {
        match self.tables.get("Lengths")?.get(name)?.as_slice() {
            [unit, price, most] => Some(LengthPrice {
                unit: *unit,
                price: *price,
                most: *most,
            }),
            _ => None,
        }
    }

    /// The number of a row that has one.
    pub(super) fn number(&self, heading: &str, name: &str) -> Result<u64, String> {
        match self.tables.get(heading).and_then(|table| table.get(name)) {
            Some(numbers) if numbers.len() == 1 => Ok(numbers.iter().sum()),
            _ => Err(format!("the schedule does not tell {heading}: `{name}`")),
        }
    }
}

impl LengthPrice {
    pub(super) fn of(self, length: u64) -> u64 {
        let units = length.min(self.most).div_ceil(self.unit.max(1));
        self.price.saturating_mul(units)
    }
}

/// The name in the first cell of a row, and the numbers in the others.
fn row(line: &str) -> Option<(&str, Vec<u64>)> {
    let mut cells = line
        .strip_prefix('|')?
        .strip_suffix('|')?
        .split('|')
        .map(str::trim);
    let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
    Some((name, cells.filter_map(|cell| cell.parse().ok()).collect()))
}
