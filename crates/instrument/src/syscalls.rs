//! Syscall rules: which functions programs may import, and what each call costs.
//!
//! Rules list every syscall with its price. A host charges from the price table of the rules that
//! it was built with, and from nothing else.

use std::fmt;

use fusee_engine::{Gas, ValueType};

/// A function that programs may import, and its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyscallRule {
    /// The module that it is imported from.
    pub module: String,
    /// Its name.
    pub name: String,
    /// The number by which the host is asked. The two greatest are reserved for profiles.
    pub number: u32,
    /// Its parameters, at most [`MAX_SYSCALL_ARGS`](fusee_engine::MAX_SYSCALL_ARGS). A wasm program
    /// that imports a function with more is refused, and so is a PolkaVM program that imports one
    /// with more than [`MAX_REGISTER_ARGS`](fusee_engine::MAX_REGISTER_ARGS). Only programs that
    /// may compute with floating-point numbers can pass them.
    pub params: Vec<ValueType>,
    /// Its result.
    pub result: Option<ValueType>,
    /// Whether the host may suspend the guest before it answers.
    pub may_suspend: bool,
    /// What a call costs.
    pub price: SyscallPrice,
}

/// The price of a syscall.
///
/// A call that handles `n` bytes costs `base + each * u + square * (u * u / 512)`, where `u` is `n`
/// in length units, rounded up. Which bytes count is part of the syscall's definition. The sums and
/// products saturate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyscallPrice {
    /// Charged for every call, before the syscall acts.
    pub base: Gas,
    /// The unit in which lengths are counted.
    pub unit: LengthUnit,
    /// Charged for each length unit.
    pub each: Gas,
    /// Charged for each 512 square length units; a part of 512 costs nothing.
    pub square: Gas,
}

/// The unit in which a price counts lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthUnit {
    /// One byte.
    Byte,
    /// 32 bytes. A part of a word counts as a whole word.
    Word,
}

/// How many square length units the price [`SyscallPrice::square`] is for.
const SQUARE_UNITS: u64 = 512;

impl LengthUnit {
    /// The bytes of one unit.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            LengthUnit::Byte => 1,
            LengthUnit::Word => 32,
        }
    }

    const fn count(self, bytes: u64) -> u64 {
        match self {
            LengthUnit::Byte => bytes,
            LengthUnit::Word => bytes.div_ceil(32),
        }
    }
}

impl SyscallPrice {
    /// The price of a syscall that costs nothing.
    pub const FREE: Self = Self::bytes(0, 0);

    /// `base` gas, and `each` gas for each byte.
    #[must_use]
    pub const fn bytes(base: u64, each: u64) -> Self {
        Self {
            base: Gas::new(base),
            unit: LengthUnit::Byte,
            each: Gas::new(each),
            square: Gas::ZERO,
        }
    }

    /// `base` gas, and `each` gas for each 32-byte word.
    #[must_use]
    pub const fn words(base: u64, each: u64) -> Self {
        Self {
            unit: LengthUnit::Word,
            ..Self::bytes(base, each)
        }
    }

    /// The same price, and `square` gas for each 512 square length units.
    #[must_use]
    pub const fn with_square(self, square: u64) -> Self {
        Self {
            square: Gas::new(square),
            ..self
        }
    }

    /// The price of `bytes` bytes without the base price.
    #[must_use]
    #[inline]
    pub const fn length(&self, bytes: u64) -> Gas {
        let units = self.unit.count(bytes);
        let linear = self.each.units().saturating_mul(units);
        if self.square.units() == 0 {
            return Gas::new(linear);
        }
        let squares = units.saturating_mul(units) / SQUARE_UNITS;
        Gas::new(linear.saturating_add(self.square.units().saturating_mul(squares)))
    }

    /// The price of a call that handles `bytes` bytes.
    #[must_use]
    pub fn call(&self, bytes: u64) -> Gas {
        self.base.saturating_add(self.length(bytes))
    }
}

impl fmt::Display for SyscallRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            module,
            name,
            number,
            params,
            result,
            may_suspend,
            price,
        } = self;
        let params: Vec<_> = params.iter().map(ToString::to_string).collect();
        write!(
            formatter,
            "{number} {module}.{name} ({})",
            params.join(", ")
        )?;
        if let Some(result) = result {
            write!(formatter, " -> {result}")?;
        }
        if *may_suspend {
            formatter.write_str(", may suspend")?;
        }
        write!(formatter, ": {price}")
    }
}

impl fmt::Display for SyscallPrice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            LengthUnit::Byte => "byte",
            LengthUnit::Word => "word",
        };
        let (base, each, square) = (self.base.units(), self.each.units(), self.square.units());
        write!(formatter, "{base}")?;
        if each > 0 {
            write!(formatter, " + {each}/{unit}")?;
        }
        if square > 0 {
            write!(formatter, " + {square}/({SQUARE_UNITS} square {unit}s)")?;
        }
        Ok(())
    }
}

/// The prices of the syscalls of one set of rules, by number.
///
/// A lookup is two array accesses for numbers below 4,096, and a binary search above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyscallPrices {
    /// By number: a position in `prices`, plus one; zero for a number without a price.
    positions: Box<[u16]>,
    prices: Box<[SyscallPrice]>,
    /// The prices of the greater numbers, in the order of the numbers.
    sparse: Box<[(u32, SyscallPrice)]>,
}

/// The numbers below this are looked up in an array.
const DENSE_NUMBERS: u32 = 4_096;

impl SyscallPrices {
    /// The prices in a list of syscalls. Of two with one number the first counts.
    #[must_use]
    pub fn new(syscalls: &[SyscallRule]) -> Self {
        let dense = syscalls.iter().filter(|rule| rule.number < DENSE_NUMBERS);
        let end = dense.clone().map(|rule| rule.number.saturating_add(1));
        let end = usize::try_from(end.max().unwrap_or(0)).unwrap_or(usize::MAX);
        let mut positions = vec![0_u16; end];
        let mut prices = Vec::new();
        for rule in dense {
            let position = usize::try_from(rule.number)
                .ok()
                .and_then(|number| positions.get_mut(number));
            if let (Some(position @ 0), Ok(next)) =
                (position, u16::try_from(prices.len().saturating_add(1)))
            {
                *position = next;
                prices.push(rule.price);
            }
        }
        let mut sparse: Vec<_> = syscalls
            .iter()
            .filter(|rule| rule.number >= DENSE_NUMBERS)
            .map(|rule| (rule.number, rule.price))
            .collect();
        sparse.sort_by_key(|(number, _)| *number);
        sparse.dedup_by_key(|(number, _)| *number);
        Self {
            positions: positions.into(),
            prices: prices.into(),
            sparse: sparse.into(),
        }
    }

    /// The price of a syscall; `None` if the rules do not list its number.
    #[must_use]
    #[inline]
    pub fn price(&self, number: u32) -> Option<&SyscallPrice> {
        if number >= DENSE_NUMBERS {
            return self.sparse_price(number);
        }
        let position = self.positions.get(usize::try_from(number).ok()?)?;
        self.prices.get(usize::from(*position).checked_sub(1)?)
    }

    fn sparse_price(&self, number: u32) -> Option<&SyscallPrice> {
        let found = self
            .sparse
            .binary_search_by_key(&number, |(number, _)| *number);
        self.sparse.get(found.ok()?).map(|(_, price)| price)
    }
}

#[cfg(test)]
mod tests;
