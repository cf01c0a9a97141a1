//! The prices of the schedule, read from pages like `docs/schedule-v1.md`.
//!
//! A row is identified by the heading above it and the name in its first cell. Its values are the
//! cells that are numbers.

use std::collections::BTreeMap;

use fusee_instrument::Schedule;

/// The prices of one version of the schedule.
#[derive(Clone, Debug)]
pub struct Prices {
    /// The tables by heading, and their rows by name.
    tables: BTreeMap<String, BTreeMap<String, Vec<u64>>>,
}

/// The price of an operator by its length operand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LengthPrice {
    /// Size of a charging unit.
    pub(crate) unit: u64,
    /// Price of each started unit.
    pub(crate) price: u64,
    /// Price of each unit of a growth beyond the resident pages.
    pub(crate) far: u64,
    /// The greatest length. Greater ones count as this one.
    pub(crate) max: u64,
}

impl Prices {
    /// The prices of a published schedule or of the [round](crate::round) one, by its version.
    ///
    /// # Panics
    ///
    /// If there is no such version.
    #[must_use]
    pub fn of(schedule: &Schedule) -> Self {
        match schedule.version {
            0 => Self::round(),
            1 => Self::v1(),
            2 => Self::of_page(include_str!("../../../../docs/schedule-v2.md")),
            other => panic!("there is no version {other} of the schedule"),
        }
    }

    /// The prices of version 1 of the schedule.
    #[must_use]
    pub fn v1() -> Self {
        Self::of_page(include_str!("../../../../docs/schedule-v1.md"))
    }

    /// The [round prices](crate::round), with the limits of version 1.
    #[must_use]
    pub fn round() -> Self {
        Self::of_page(concat!(
            include_str!("../../../../docs/schedule-v1.md"),
            include_str!("../round.md")
        ))
    }

    /// Reads the prices of a page in the same format.
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

    /// Replaces the price of an operator.
    #[must_use]
    pub fn with_operator(mut self, name: &str, price: u64) -> Self {
        let operators = self.tables.entry("Operators".to_owned()).or_default();
        operators.insert(name.to_owned(), vec![price]);
        self
    }

    /// The price of an operator, by its name in the text format.
    pub(crate) fn operator(&self, name: &str) -> Result<u64, String> {
        self.number("Operators", name)
    }

    /// The price of the operator's length operand, if its cost depends on one.
    pub(crate) fn length(&self, name: &str) -> Option<LengthPrice> {
        let far = self.length_row(&format!("{name}, far"));
        let mut length = self.length_row(name)?;
        length.far = far.map_or(length.price, |far| far.price);
        Some(length)
    }

    fn length_row(&self, name: &str) -> Option<LengthPrice> {
        match self.tables.get("Lengths")?.get(name)?.as_slice() {
            [unit, price, max] => Some(LengthPrice {
                unit: *unit,
                price: *price,
                far: *price,
                max: *max,
            }),
            _ => None,
        }
    }

    /// The value of a row with a single number.
    pub(crate) fn number(&self, heading: &str, name: &str) -> Result<u64, String> {
        match self.tables.get(heading).and_then(|table| table.get(name)) {
            Some(numbers) if numbers.len() == 1 => Ok(numbers.iter().sum()),
            _ => Err(format!(
                "the schedule has no single price for {heading}: `{name}`"
            )),
        }
    }
}

impl LengthPrice {
    /// The price of a length. `is_far` says whether it makes the memory grow beyond the resident
    /// pages.
    pub(crate) fn of(self, length: u64, is_far: bool) -> u64 {
        let units = length.min(self.max).div_ceil(self.unit.max(1));
        let price = if is_far { self.far } else { self.price };
        price.saturating_mul(units)
    }
}

/// The name in the first cell of a row, and the numbers in the other cells.
fn row(line: &str) -> Option<(&str, Vec<u64>)> {
    let mut cells = line
        .strip_prefix('|')?
        .strip_suffix('|')?
        .split('|')
        .map(str::trim);
    let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
    Some((name, cells.filter_map(|cell| cell.parse().ok()).collect()))
}
