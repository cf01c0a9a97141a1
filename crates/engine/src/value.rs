//! Arguments and results of guest functions.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

/// The type of a parameter or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshDeserialize, BorshSerialize)]
pub enum ValueType {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit floating-point number.
    F32,
    /// A 64-bit floating-point number.
    F64,
}

impl fmt::Display for ValueType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            ValueType::I32 => "i32",
            ValueType::I64 => "i64",
            ValueType::F32 => "f32",
            ValueType::F64 => "f64",
        })
    }
}

/// An argument or a result.
///
/// Floating-point numbers are stored and compared as bits: zeros of different signs differ, and a
/// NaN equals itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit floating-point number.
    F32(u32),
    /// The bits of a 64-bit floating-point number.
    F64(u64),
}

impl Value {
    /// The type of this value.
    #[must_use]
    pub const fn value_type(self) -> ValueType {
        match self {
            Value::I32(_) => ValueType::I32,
            Value::I64(_) => ValueType::I64,
            Value::F32(_) => ValueType::F32,
            Value::F64(_) => ValueType::F64,
        }
    }
}

impl From<f32> for Value {
    fn from(number: f32) -> Self {
        Value::F32(number.to_bits())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::F64(number.to_bits())
    }
}

/// Integers are signed. Floating-point numbers have the shortest representation that parses to the
/// same bits. NaNs are formatted as their bits.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::I32(value) => value.fmt(formatter),
            Value::I64(value) => value.fmt(formatter),
            Value::F32(bits) if f32::from_bits(bits).is_nan() => write!(formatter, "nan:{bits:#x}"),
            Value::F64(bits) if f64::from_bits(bits).is_nan() => write!(formatter, "nan:{bits:#x}"),
            Value::F32(bits) => fmt::Debug::fmt(&f32::from_bits(bits), formatter),
            Value::F64(bits) => fmt::Debug::fmt(&f64::from_bits(bits), formatter),
        }
    }
}
