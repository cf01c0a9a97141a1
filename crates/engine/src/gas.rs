//! Gas: the unit of execution cost.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

/// An amount of gas.
///
/// At most [`Gas::MAX`], so that a guest's signed counter can hold it. Arithmetic is checked or
/// saturating; it never wraps.
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
    /// The maximum gas of a run: `i64::MAX`.
    pub const MAX: Gas = Gas(i64::MAX.unsigned_abs());

    /// `units` of gas, at most [`Gas::MAX`].
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

    /// The units as the value of a guest's counter.
    #[must_use]
    pub fn counter(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// The gas of a guest's counter; zero if the counter is below zero.
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

    /// `self + other`, saturating at [`Gas::MAX`]. For prices.
    #[must_use]
    pub fn saturating_add(self, other: Gas) -> Gas {
        Self::new(self.0.saturating_add(other.0))
    }

    /// `self - other`, saturating at zero. For reports.
    #[must_use]
    pub fn saturating_sub(self, other: Gas) -> Gas {
        Gas(self.0.saturating_sub(other.0))
    }

    /// `self * times`, saturating at [`Gas::MAX`]. For prices.
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
