//! The schedule's source, with other prices.
//!
//! The table of operators has a line an operator, with the name in quotes and the price at the end.
//! The other prices are fields of the literals `Dynamic` and `InstancePrices`.

use anyhow::{Result, ensure};

use super::{Calibration, Item, Kind};

/// Puts every price that was found into the text of `schedule.rs`.
pub(super) fn rewrite(source: &str, calibration: &Calibration) -> Result<String> {
    let mut text = String::new();
    let mut found = 0;
    let mut literal = None;
    for line in source.lines() {
        literal = match line.trim() {
            "dynamic: Dynamic {" => Some(Kind::Length),
            "instance: InstancePrices {" => Some(Kind::Instance),
            "}," => None,
            _ => literal,
        };
        let new = match (literal, operator(line), field(line)) {
            (None, Some((head, name)), _) => price(calibration, Kind::Operator, name)
                .map(|price| format!("{head}{price:>width$},", width = width(line, head))),
            (Some(kind), _, Some((head, name))) => {
                price(calibration, kind, name).map(|price| format!("{head}: {},", grouped(price)))
            }
            _ => None,
        };
        found += usize::from(new.is_some());
        text.push_str(new.as_deref().unwrap_or(line));
        text.push('\n');
    }
    let mut prices: Vec<_> = written(&calibration.items)
        .map(|item| (item.name.as_str(), item.kind == Kind::Length))
        .collect();
    let count = {
        prices.sort_unstable();
        prices.dedup();
        prices.len()
    };
    ensure!(
        found == count,
        "the schedule has {found} of the {count} prices that were found"
    );
    Ok(text)
}

/// Prices that stand in the schedule. Names in parentheses are sums of several.
fn written(items: &[Item]) -> impl Iterator<Item = &Item> {
    items
        .iter()
        .filter(|item| !item.name.starts_with('('))
        .filter(|item| matches!(item.kind, Kind::Operator | Kind::Length | Kind::Instance))
}

/// What stands before the price in a line of the table, and the operator's name.
fn operator(line: &str) -> Option<(&str, &str)> {
    let (head, price) = line.rsplit_once('"')?;
    let (_, name) = head.rsplit_once('"')?;
    let price = price.strip_suffix(',')?.trim();
    let is_price = !price.is_empty() && price.bytes().all(|byte| byte.is_ascii_digit());
    let length = head.len().checked_add(1)?;
    is_price.then_some((line.get(..length)?, name))
}

/// The columns between the name and the comma.
fn width(line: &str, head: &str) -> usize {
    line.len().saturating_sub(head.len()).saturating_sub(1)
}

/// What stands before the colon in a field of a literal, and the field's name.
fn field(line: &str) -> Option<(&str, &str)> {
    let (head, price) = line.split_once(": ")?;
    let price = price.strip_suffix(',')?;
    let is_price = price
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'_');
    is_price.then_some((head, head.trim()))
}

/// The greatest of the prices that were found for this: a price may stand for several operators.
fn price(calibration: &Calibration, kind: Kind, name: &str) -> Option<u64> {
    calibration
        .items
        .iter()
        .filter(|item| item.kind == kind && item.name == name)
        .map(|item| item.price)
        .max()
}

/// With a line between each three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && digits.len().abs_diff(position) % 3 == 0 {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
