//! The meter: the gas of a run.
//!
//! The guest decrements a counter of its own. The meter refills the counter with one *slice* of gas
//! at a time, and the run can be interrupted at each refill. The *reserve* is the gas beyond the
//! counter. Counter and reserve together are the gas left, so the slice affects no outcome.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::Gas;

/// The slice of an engine that runs out of one at little cost: it takes some tens of microseconds
/// of computation.
pub const DEFAULT_SLICE: Gas = Gas::new(100_000);

/// The largest slice: metered code packs gas and stack height into one counter.
pub const MAX_SLICE: Gas = Gas::new(1 << 40);

/// The guest used more gas than it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfGas;

/// What happens when a run is out of gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfGasPolicy {
    /// The run ends.
    Stop,
    /// The run is suspended. It continues after it is given more gas.
    Suspend,
}

/// Interrupts a run from any thread. The run ends with [`EngineError::Interrupted`].
///
/// A run checks its interrupt at the end of each slice, after each chunk of a bulk memory operator,
/// and when it is resumed after a suspension for gas.
///
/// [`EngineError::Interrupted`]: crate::EngineError::Interrupted
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A handle that is not triggered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Interrupts every run that has this handle or a clone of it. It cannot be undone.
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
    /// The gas beyond the counter; below zero, the debt beyond the counter.
    reserve: i64,
    /// The last known value of the guest's counter. Can be below zero between two gas checks.
    counter: i64,
    /// What the host charged or a trap forfeited, of all that was used.
    charged: Gas,
    out_of_gas_policy: OutOfGasPolicy,
    interrupt: Option<Interrupt>,
}

impl Meter {
    /// A meter of `limit` gas with this slice, clamped to 1 to [`MAX_SLICE`] units.
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
            charged: Gas::ZERO,
            out_of_gas_policy,
            interrupt,
        }
    }

    /// The meter of another run, in the place of this one and with the same slice.
    #[inline]
    pub fn renew(
        &mut self,
        limit: Gas,
        out_of_gas_policy: OutOfGasPolicy,
        interrupt: Option<&Interrupt>,
    ) {
        let first = self.slice.min(limit);
        self.limit = limit;
        self.reserve = limit.saturating_sub(first).counter();
        self.counter = first.counter();
        self.charged = Gas::ZERO;
        self.out_of_gas_policy = out_of_gas_policy;
        self.set_interrupt(interrupt);
    }

    /// The gas limit: all the gas that the run was given so far.
    #[must_use]
    pub const fn limit(&self) -> Gas {
        self.limit
    }

    /// The gas left; zero if the balance is below zero.
    #[must_use]
    #[inline]
    pub fn left(&self) -> Gas {
        Gas::from_counter(self.balance())
    }

    /// The gas used; the limit if the balance is below zero.
    #[must_use]
    #[inline]
    pub fn used(&self) -> Gas {
        self.limit.saturating_sub(self.left())
    }

    /// The gas used by the guest's own operators, without what the host [charged](Self::charge) or
    /// a trap [forfeited](Self::forfeit). Exact to one slice if the run trapped.
    #[must_use]
    #[inline]
    pub fn used_by_operators(&self) -> Gas {
        self.used().saturating_sub(self.charged)
    }

    /// Whether the guest used more gas than it was given.
    #[must_use]
    #[inline]
    pub fn is_overdrawn(&self) -> bool {
        self.balance() < 0
    }

    /// The last known value of the guest's counter.
    #[must_use]
    #[inline]
    pub const fn counter(&self) -> i64 {
        self.counter
    }

    /// Returns the counter for the guest. If it is below zero, refills it with the next slice, or
    /// with what is left. If the run owes gas, the counter is -1 and the reserve is the rest of the
    /// debt.
    #[inline]
    pub fn hand_out(&mut self) -> i64 {
        if self.counter < 0 {
            let balance = self.balance();
            self.counter = balance.clamp(-1, self.slice.counter());
            self.reserve = balance.saturating_sub(self.counter);
        }
        self.counter
    }

    /// Records the guest's counter.
    #[inline]
    pub const fn note(&mut self, counter: i64) {
        self.counter = counter;
    }

    /// Uses up all gas that is left: the cost of a trap for which the counter is not exact.
    pub fn forfeit(&mut self) {
        self.charged = self.charged.saturating_add(self.left());
        self.reserve = 0;
        self.counter = 0;
    }

    /// Subtracts `price` from the gas left.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if the balance is below zero then. With [`OutOfGasPolicy::Suspend`] the run
    /// owes the price instead, and is suspended at the guest's next gas check, since a host
    /// function cannot be interrupted halfway.
    pub fn charge(&mut self, price: Gas) -> Result<(), OutOfGas> {
        self.counter = self.counter.saturating_sub(price.counter());
        self.charged = self.charged.saturating_add(price);
        match self.out_of_gas_policy {
            OutOfGasPolicy::Stop if self.is_overdrawn() => Err(OutOfGas),
            OutOfGasPolicy::Stop | OutOfGasPolicy::Suspend => Ok(()),
        }
    }

    /// Raises the gas limit by `more`, to at most [`Gas::MAX`].
    pub fn top_up(&mut self, more: Gas) {
        let given = Gas::MAX.saturating_sub(self.limit).min(more);
        self.limit = self.limit.saturating_add(given);
        self.reserve = self.reserve.saturating_add(given.counter());
    }

    /// Sets the gas left, and cancels a debt. The gas used so far stays the same, except that the
    /// limit saturates at [`Gas::MAX`].
    pub fn set_left(&mut self, gas: Gas) {
        let used = self.used();
        let first = self.slice.min(gas);
        self.limit = used.saturating_add(gas);
        self.reserve = gas.saturating_sub(first).counter();
        self.counter = first.counter();
    }

    /// Replaces the run's interrupt.
    // In most cases it is the one of the run before. Counting its users takes longer than the rest
    // of a call's beginning.
    #[inline]
    pub fn set_interrupt(&mut self, interrupt: Option<&Interrupt>) {
        let is_same = match (&self.interrupt, interrupt) {
            (Some(before), Some(after)) => Arc::ptr_eq(&before.0, &after.0),
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            self.interrupt = interrupt.cloned();
        }
    }

    /// What happens when the run is out of gas.
    #[must_use]
    pub const fn out_of_gas_policy(&self) -> OutOfGasPolicy {
        self.out_of_gas_policy
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        let interrupt = self.interrupt.as_ref();
        interrupt.is_some_and(Interrupt::is_triggered)
    }

    /// The gas left; below zero, the debt.
    ///
    /// Counter and reserve together never exceed the limit, so this saturates only far below zero.
    #[must_use]
    #[inline]
    pub const fn balance(&self) -> i64 {
        self.counter.saturating_add(self.reserve)
    }
}
