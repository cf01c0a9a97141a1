//! What a sandbox, its modules and its instances share.

use std::{future::Future, sync::Arc, time::Duration};

use fusee_instrument::Rules;

use crate::{
    Error,
    blocking::block_on,
    slots::Slots,
    workers::{TimeBudget, Workers},
};

/// The export that lets a guest allocate a buffer.
#[derive(Debug)]
pub(crate) struct AllocExport {
    pub(crate) name: String,
    /// Whether its result is the address of the buffer.
    pub(crate) returns_address: bool,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) workers: Arc<Workers>,
    pub(crate) id_export: Option<String>,
    pub(crate) alloc_export: Option<AllocExport>,
    pub(crate) slots: Arc<Slots>,
    pub(crate) rules: Rules,
    pub(crate) call_time: Duration,
}

impl Inner {
    pub(crate) fn time_budget(&self, time: Option<Duration>) -> TimeBudget {
        let limit = time.unwrap_or(self.call_time);
        TimeBudget { limit, left: limit }
    }

    /// Blocks the calling thread until a future of this sandbox is ready.
    pub(crate) fn block_on<T>(
        &self,
        future: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.workers.check_may_block()?;
        block_on(future)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.workers.close();
    }
}
