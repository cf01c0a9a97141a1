//! Rates: the conversion of an engine's gas units into Fusee's gas.
//!
//! The cost model of some formats is part of the engine, which counts gas in its own units. The
//! rate converts the total of an entry and rounds it up once. So the number of conversions in
//! between does not affect the result.

use std::num::NonZeroU32;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::Gas;

/// The ratio of Fusee's gas to an engine's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct Rate {
    gas: NonZeroU32,
    units: NonZeroU32,
}

/// The units that one entry has used, and their price.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    rate: Rate,
    units: u64,
}

impl Rate {
    /// One gas for each unit.
    pub const ONE: Rate = Rate {
        gas: NonZeroU32::MIN,
        units: NonZeroU32::MIN,
    };

    /// `gas` for `units`.
    #[must_use]
    pub const fn new(gas: NonZeroU32, units: NonZeroU32) -> Self {
        Self { gas, units }
    }

    /// `gas` for each unit, but at least 1.
    #[must_use]
    pub const fn whole(gas: u32) -> Self {
        match NonZeroU32::new(gas) {
            Some(gas) => Self::new(gas, NonZeroU32::MIN),
            None => Self::ONE,
        }
    }

    /// The gas of the ratio.
    #[must_use]
    pub const fn gas(self) -> u32 {
        self.gas.get()
    }

    /// The units of the ratio.
    #[must_use]
    pub const fn units(self) -> u32 {
        self.units.get()
    }

    /// The price of `units`, rounded up.
    #[must_use]
    pub fn price(self, units: u64) -> Gas {
        // The common case: the 128-bit division below takes ten times as long.
        if let Some(gas) = units.checked_mul(u64::from(self.gas.get())) {
            return Gas::new(gas.div_ceil(u64::from(self.units.get())));
        }
        // A product of 64 and 32 bits fits into 128 bits.
        let gas = u128::from(units).saturating_mul(u128::from(self.gas.get()));
        let price = gas.div_ceil(u128::from(self.units.get()));
        Gas::new(u64::try_from(price).unwrap_or(u64::MAX))
    }

    /// The maximum number of units that cost at most `gas`.
    #[must_use]
    pub fn affordable(self, gas: Gas) -> u64 {
        if let Some(units) = gas.units().checked_mul(u64::from(self.units.get())) {
            return units.checked_div(u64::from(self.gas.get())).unwrap_or(0);
        }
        let units = u128::from(gas.units()).saturating_mul(u128::from(self.units.get()));
        let affordable = units.checked_div(u128::from(self.gas.get())).unwrap_or(0);
        u64::try_from(affordable).unwrap_or(u64::MAX)
    }
}

impl Tally {
    /// A tally of zero units.
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        Self { rate, units: 0 }
    }

    /// The number of further units that `gas` pays for.
    #[must_use]
    pub fn allowance(&self, gas: Gas) -> u64 {
        let all = self.rate.price(self.units).saturating_add(gas);
        self.rate.affordable(all).saturating_sub(self.units)
    }

    /// Adds `units` and returns their price.
    pub fn spend(&mut self, units: u64) -> Gas {
        let before = self.rate.price(self.units);
        self.units = self.units.saturating_add(units);
        self.rate.price(self.units).saturating_sub(before)
    }
}

#[cfg(test)]
mod tests;
