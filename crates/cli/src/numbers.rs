//! Numbers as people write them: decimal or hexadecimal, with separators.

use fusee_engine::{Gas, Value, ValueType};

/// A number with a comma before every third digit from the right.
pub(crate) fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Reads a whole number: decimal or `0x` and hexadecimal, with `_` or `,` anywhere between digits.
pub(crate) fn parse_amount(text: &str) -> Result<u128, String> {
    let plain = text.replace(['_', ','], "");
    let parsed = match plain.strip_prefix("0x") {
        Some(digits) => u128::from_str_radix(digits, 16),
        None => plain.parse(),
    };
    parsed.map_err(|error| format!("not a whole number from 0 to 2^128-1 ({error})"))
}

/// Reads an amount of gas.
pub(crate) fn parse_gas(text: &str) -> Result<Gas, String> {
    let amount = parse_amount(text)?;
    let units = u64::try_from(amount)
        .ok()
        .filter(|units| *units <= Gas::MAX.units());
    units
        .map(Gas::new)
        .ok_or_else(|| format!("{} is the most gas that there is", Gas::MAX))
}

/// Reads an argument of a function: a signed or an unsigned number of the type's width.
pub(crate) fn parse_value(text: &str, value_type: ValueType) -> Result<Value, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let refuse = || {
        let (least, most) = match value_type {
            ValueType::I32 => (i64::from(i32::MIN), u64::from(u32::MAX)),
            ValueType::I64 => (i64::MIN, u64::MAX),
        };
        format!("`{text}` is not an {value_type}, which is a whole number from {least} to {most}")
    };
    let magnitude = parse_amount(digits)
        .ok()
        .and_then(|amount| i128::try_from(amount).ok())
        .ok_or_else(refuse)?;
    let number = if negative {
        magnitude.checked_neg()
    } else {
        Some(magnitude)
    }
    .ok_or_else(refuse)?;
    let value = match value_type {
        ValueType::I32 => i32::try_from(number)
            .or_else(|_| u32::try_from(number).map(u32::cast_signed))
            .map(Value::I32),
        ValueType::I64 => i64::try_from(number)
            .or_else(|_| u64::try_from(number).map(u64::cast_signed))
            .map(Value::I64),
    };
    value.map_err(|_| refuse())
}

#[cfg(test)]
mod tests;
