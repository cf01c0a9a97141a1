//! The parking lot: how many runs of an executor are parked at once.
//!
//! A parked run holds its instance. So there is a limit, which is counted where a run is parked and costs
//! nothing to one that never is; dropping a parked run frees its place at once.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::RunError;

/// The places of an executor.
#[derive(Debug)]
pub(crate) struct ParkingLot {
    limit: u32,
    taken: AtomicU32,
}

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<ParkingLot>);

impl ParkingLot {
    pub(crate) fn new(limit: u32) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: AtomicU32::new(0),
        })
    }

    /// Takes a place.
    pub(crate) fn take(self: &Arc<Self>) -> Result<Place, RunError> {
        let next = |taken: u32| (taken < self.limit).then(|| taken.saturating_add(1));
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map(|_| Place(Arc::clone(self)))
            .map_err(|_| RunError::TooManyParked { limit: self.limit })
    }

    pub(crate) fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
