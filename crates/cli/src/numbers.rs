//! Numbers on the command line: decimal or hexadecimal, with separators.

use std::fmt::Display;

use fusee::sandbox::{Gas, Value, ValueType};

/// Formats a number with a comma as thousands separator.
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

/// Parses an integer: decimal, or hexadecimal after `0x`, with `_` or `,` as separators.
pub(crate) fn parse_amount(text: &str) -> Result<u128, String> {
    let plain = text.replace(['_', ','], "");
    let parsed = match plain.strip_prefix("0x") {
        Some(digits) => u128::from_str_radix(digits, 16),
        None => plain.parse(),
    };
    parsed.map_err(|_| match plain.parse::<i128>() {
        Ok(_) => format!("{text} is negative: give an integer from 0 to 2^128-1"),
        Err(_) => "not an integer from 0 to 2^128-1, such as 5000, 5_000 or 0x1388".to_owned(),
    })
}

/// Parses a gas limit.
pub(crate) fn parse_gas(text: &str) -> Result<Gas, String> {
    let amount = parse_amount(text).map_err(|_| {
        format!(
            "gas is an integer from 0 to {}, such as 5_000_000",
            Gas::MAX
        )
    })?;
    let units = u64::try_from(amount)
        .ok()
        .filter(|units| *units <= Gas::MAX.units());
    units
        .map(Gas::new)
        .ok_or_else(|| format!("the largest gas limit is {}", Gas::MAX))
}

/// Parses an argument of a function: a signed or unsigned integer of the width of the type, or a
/// floating-point number.
pub(crate) fn parse_value(text: &str, value_type: ValueType) -> Result<Value, String> {
    let (value, expected) = match value_type {
        ValueType::I32 => (
            parse_integer(text)
                .and_then(|number| signed_or_unsigned(number, u32::cast_signed))
                .map(Value::I32),
            whole(i32::MIN, u32::MAX),
        ),
        ValueType::I64 => (
            parse_integer(text)
                .and_then(|number| signed_or_unsigned(number, u64::cast_signed))
                .map(Value::I64),
            whole(i64::MIN, u64::MAX),
        ),
        ValueType::F32 => (parse_f32(text).map(Value::F32), FLOATS.to_owned()),
        ValueType::F64 => (parse_f64(text).map(Value::F64), FLOATS.to_owned()),
    };
    value.ok_or_else(|| format!("`{text}` is not an {value_type}: expected {expected}"))
}

/// The syntax of floating-point numbers.
const FLOATS: &str = "a number such as -1.5, 2e10, inf or nan, or a NaN's bits as nan:0x7fc00001";

/// The canonical NaNs, which `nan` stands for.
const F32_NAN: u32 = 0x7fc0_0000;
const F64_NAN: u64 = 0x7ff8_0000_0000_0000;

fn whole(least: impl Display, most: impl Display) -> String {
    format!("an integer from {least} to {most}")
}

fn parse_integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let magnitude = i128::try_from(parse_amount(digits).ok()?).ok()?;
    if negative {
        magnitude.checked_neg()
    } else {
        Some(magnitude)
    }
}

fn signed_or_unsigned<S: TryFrom<i128>, U: TryFrom<i128>>(
    number: i128,
    cast: impl FnOnce(U) -> S,
) -> Option<S> {
    S::try_from(number)
        .ok()
        .or_else(|| U::try_from(number).ok().map(cast))
}

/// Parses a float as bits. The bits of a NaN are explicit, because the standard library may choose
/// different ones on other machines.
fn parse_f32(text: &str) -> Option<u32> {
    let number = |text: &str| text.parse::<f32>().ok().filter(|number| !number.is_nan());
    match text.strip_prefix("nan") {
        None => number(text).map(f32::to_bits),
        Some("") => Some(F32_NAN),
        Some(bits) => u32::from_str_radix(bits.strip_prefix(":0x")?, 16)
            .ok()
            .filter(|bits| f32::from_bits(*bits).is_nan()),
    }
}

fn parse_f64(text: &str) -> Option<u64> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| !number.is_nan());
    match text.strip_prefix("nan") {
        None => number(text).map(f64::to_bits),
        Some("") => Some(F64_NAN),
        Some(bits) => u64::from_str_radix(bits.strip_prefix(":0x")?, 16)
            .ok()
            .filter(|bits| f64::from_bits(*bits).is_nan()),
    }
}

#[cfg(test)]
mod tests;
