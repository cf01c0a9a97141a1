//! Rates: what an engine's own gas costs in ours.
//!
//! Some programs bring their cost model with them, and the engine counts by it. One price, rounded up once for all that an
//! entry has used, makes our gas of it; how often it was asked for in between changes nothing.

use std::num::NonZeroU32;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::Gas;

/// So much of our gas for so many units of an engine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct Rate {
    gas: NonZeroU32,
    units: NonZeroU32,
}

/// The units that an entry has used, and what they cost.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    rate: Rate,
    units: u64,
}

impl Rate {
    /// One for one.
    pub const ONE: Rate = Rate {
        gas: NonZeroU32::MIN,
        units: NonZeroU32::MIN,
    };

    /// `gas` of ours for `units` of an engine's.
    #[must_use]
    pub const fn new(gas: NonZeroU32, units: NonZeroU32) -> Self {
        Self { gas, units }
    }

    /// So much of ours for each unit; one at least.
    #[must_use]
    pub const fn whole(gas: u32) -> Self {
        match NonZeroU32::new(gas) {
            Some(gas) => Self::new(gas, NonZeroU32::MIN),
            None => Self::ONE,
        }
    }

    /// Our gas in this rate.
    #[must_use]
    pub const fn gas(self) -> u32 {
        self.gas.get()
    }

    /// The engine's units in this rate.
    #[must_use]
    pub const fn units(self) -> u32 {
        self.units.get()
    }

    /// What so many units cost, rounded up.
    #[must_use]
    pub fn price(self, units: u64) -> Gas {
        // Nearly always; the division of 128 bits below takes ten times as long.
        if let Some(gas) = units.checked_mul(u64::from(self.gas.get())) {
            return Gas::new(gas.div_ceil(u64::from(self.units.get())));
        }
        // Neither product of 64 and 32 bits is too large for 128.
        let gas = u128::from(units).saturating_mul(u128::from(self.gas.get()));
        let price = gas.div_ceil(u128::from(self.units.get()));
        Gas::new(u64::try_from(price).unwrap_or(u64::MAX))
    }

    /// The most units that cost no more than `gas`.
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
    /// Of an entry that begins.
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        Self { rate, units: 0 }
    }

    /// How many more units may be used for `gas` more.
    #[must_use]
    pub fn allowance(&self, gas: Gas) -> u64 {
        let all = self.rate.price(self.units).saturating_add(gas);
        self.rate.affordable(all).saturating_sub(self.units)
    }

    /// So many units more were used: what they cost beside those before them.
    pub fn spend(&mut self, units: u64) -> Gas {
        let before = self.rate.price(self.units);
        self.units = self.units.saturating_add(units);
        self.rate.price(self.units).saturating_sub(before)
    }
}

#[cfg(test)]
mod tests;
