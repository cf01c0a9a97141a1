//! The meter: a run's gas, and how it is handed to the guest.
//!
//! The guest counts down a counter of its own. The meter gives it gas in slices, so that a run
//! comes by often enough to be interrupted; what is not handed out yet is the reserve. Counter
//! and reserve together are the gas left, whatever the slices: a slice changes no outcome.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::Gas;

/// The most gas that a guest holds at a time: metered code keeps a stack height beside it in its counter.
pub const MAX_SLICE: Gas = Gas::new(1 << 45);

/// The guest used more gas than it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfGas;

/// What happens where a run's gas ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfGasPolicy {
    /// The run is out of gas.
    Stop,
    /// The run is parked, and goes on if it is given more.
    Suspend,
}

/// Stops a run from outside, on any thread; the run ends with an error of the host.
///
/// It takes effect where the guest's slice of gas ends, behind each chunk of an operator that works on much memory, and where a guest
/// that was parked for gas is resumed.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A handle that has not been triggered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every run that holds this handle to stop. It cannot be taken back.
    pub fn trigger(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`trigger`](Self::trigger) was called.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The gas of one run.
#[derive(Debug)]
pub struct Meter {
    limit: Gas,
    slice: Gas,
    /// What is not handed out; below zero, what is owed beside what the counter says.
    reserve: i64,
    /// The guest's counter when it last told us; below zero between two of its checks.
    counter: i64,
    out_of_gas_policy: OutOfGasPolicy,
    interrupt: Option<Interrupt>,
}

impl Meter {
    /// A meter of `limit` gas that hands out `slice` at a time: at least one unit, at most [`MAX_SLICE`].
    #[must_use]
    pub fn new(
        limit: Gas,
        slice: Gas,
        out_of_gas_policy: OutOfGasPolicy,
        interrupt: Option<Interrupt>,
    ) -> Self {
        let slice = slice.clamp(Gas::new(1), MAX_SLICE);
        let first = slice.min(limit);
        Self {
            limit,
            slice,
            reserve: limit.saturating_sub(first).counter(),
            counter: first.counter(),
            out_of_gas_policy,
            interrupt,
        }
    }

    /// All the gas that the run was ever given.
    #[must_use]
    pub const fn limit(&self) -> Gas {
        self.limit
    }

    /// The gas left; none if the guest is below zero.
    #[must_use]
    pub fn left(&self) -> Gas {
        Gas::from_counter(self.balance())
    }

    /// Whether the guest used more than it was given.
    #[must_use]
    #[inline]
    pub fn is_overdrawn(&self) -> bool {
        self.balance() < 0
    }

    /// The guest's counter, as far as it is known.
    #[must_use]
    #[inline]
    pub const fn counter(&self) -> i64 {
        self.counter
    }

    /// The counter to hand to the guest. Where it would be below zero, the next slice is handed out, and as much of it as
    /// there is; what is owed beyond that is kept, and the counter is just below zero.
    #[inline]
    pub fn hand_out(&mut self) -> i64 {
        if self.counter < 0 {
            let balance = self.balance();
            self.counter = balance.clamp(-1, self.slice.counter());
            self.reserve = balance.saturating_sub(self.counter);
        }
        self.counter
    }

    /// Takes note of the guest's counter.
    #[inline]
    pub const fn note(&mut self, counter: i64) {
        self.counter = counter;
    }

    /// Takes away all that is left: what a trap costs whose place the counter does not tell.
    pub const fn forfeit(&mut self) {
        self.reserve = 0;
        self.counter = 0;
    }

    /// Takes `price` from the gas left.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if that leaves less than none. A run that is parked where its gas ends owes
    /// the price instead, and is parked at the guest's next check: a host function cannot be left
    /// half done.
    pub fn charge(&mut self, price: Gas) -> Result<(), OutOfGas> {
        self.counter = self.counter.saturating_sub(price.counter());
        match self.out_of_gas_policy {
            OutOfGasPolicy::Stop if self.is_overdrawn() => Err(OutOfGas),
            OutOfGasPolicy::Stop | OutOfGasPolicy::Suspend => Ok(()),
        }
    }

    /// Gives the run more gas, for good; all it was ever given is at most [`Gas::MAX`].
    pub fn top_up(&mut self, more: Gas) {
        let given = Gas::MAX.saturating_sub(self.limit).min(more);
        self.limit = self.limit.saturating_add(given);
        self.reserve = self.reserve.saturating_add(given.counter());
    }

    /// Leaves the run `gas`, more or less than it had, or than it owes. What it has used so far stays used, and all that it was ever given
    /// is at most [`Gas::MAX`]: a run that was given more than that has used less.
    pub fn set_left(&mut self, gas: Gas) {
        let used = self.limit.saturating_sub(self.left());
        let first = self.slice.min(gas);
        self.limit = used.saturating_add(gas);
        self.reserve = gas.saturating_sub(first).counter();
        self.counter = first.counter();
    }

    /// The run is interrupted by this from now on, and no longer by what it began with.
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = Some(interrupt);
    }

    /// What happens where the gas ends.
    #[must_use]
    pub const fn out_of_gas_policy(&self) -> OutOfGasPolicy {
        self.out_of_gas_policy
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        let interrupt = self.interrupt.as_ref();
        interrupt.is_some_and(Interrupt::is_triggered)
    }

    /// The gas left; below zero, what is owed.
    ///
    /// Counter and reserve never exceed the limit together, so this saturates only far below zero.
    #[must_use]
    #[inline]
    pub const fn balance(&self) -> i64 {
        self.counter.saturating_add(self.reserve)
    }
}
