//! Gas: what running costs, in whole units.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

/// An amount of gas.
///
/// At most [`Gas::MAX`], so that a guest's signed counter can hold it. Arithmetic is checked: gas
/// is never lost or made by an overflow.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshDeserialize,
    BorshSerialize,
)]
pub struct Gas(u64);

impl Gas {
    /// No gas.
    pub const ZERO: Gas = Gas(0);
    /// The most gas that a run can be given: the largest positive `i64`.
    pub const MAX: Gas = Gas(i64::MAX.unsigned_abs());

    /// `units` of gas; more than [`Gas::MAX`] is [`Gas::MAX`].
    #[must_use]
    pub const fn new(units: u64) -> Self {
        if units > Self::MAX.0 {
            Self::MAX
        } else {
            Self(units)
        }
    }

    /// The units.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// The units as a guest's counter holds them.
    #[must_use]
    pub fn counter(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// The gas in a guest's counter: what is below zero is none.
    #[must_use]
    pub fn from_counter(counter: i64) -> Self {
        Self(u64::try_from(counter).unwrap_or(0))
    }

    /// `self + other`, or `None` above [`Gas::MAX`].
    #[must_use]
    pub fn checked_add(self, other: Gas) -> Option<Gas> {
        self.0
            .checked_add(other.0)
            .filter(|sum| *sum <= Self::MAX.0)
            .map(Gas)
    }

    /// `self - other`, or `None` below zero.
    #[must_use]
    pub fn checked_sub(self, other: Gas) -> Option<Gas> {
        self.0.checked_sub(other.0).map(Gas)
    }

    /// `self + other`, at most [`Gas::MAX`]: for prices, where more than all gas is all gas.
    #[must_use]
    pub fn saturating_add(self, other: Gas) -> Gas {
        Self::new(self.0.saturating_add(other.0))
    }

    /// `self - other`, at least zero: for reports, where gas below zero is none.
    #[must_use]
    pub fn saturating_sub(self, other: Gas) -> Gas {
        Gas(self.0.saturating_sub(other.0))
    }

    /// `self * times`, at most [`Gas::MAX`]: for prices, where more than all gas is all gas.
    #[must_use]
    pub fn saturating_mul(self, times: u64) -> Gas {
        Self::new(self.0.saturating_mul(times))
    }
}

impl fmt::Display for Gas {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
