//! What a server has done, as plain numbers. Exporting them is for those who read them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;

/// The upper bounds of the buckets of latencies.
const BUCKETS: [Duration; 10] = [
    Duration::from_micros(250),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(20),
];

/// The numbers of a server at one time. Counters begin at 0 when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RpcMetrics {
    /// By the name of the method.
    pub methods: BTreeMap<String, MethodMetrics>,
    /// Open connections.
    pub connections: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Counter: subscriptions that were ended because they did not keep up.
    pub slow_subscriptions: u64,
    /// Counter: connections that were closed at once because there were too many.
    pub refused_connections: u64,
    /// Counter: requests that were refused for their `Host` or `Origin`.
    pub refused_hosts: u64,
    /// Counter: HTTP requests that were refused because their client asks too often.
    pub refused_requests: u64,
}

/// The calls of one method.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MethodMetrics {
    /// Counter: all calls that have ended.
    pub calls: u64,
    /// Counters: those that failed, by the kind of error. `cancelled`: the client left.
    pub errors: BTreeMap<String, u64>,
    /// The time that all of them took together.
    pub time: Duration,
    /// Counters: those that took at most so long, for each bucket of [`RpcMetrics::buckets`].
    pub within: [u64; 10],
}

impl RpcMetrics {
    /// The upper bounds of the buckets of latencies, ascending.
    #[must_use]
    pub const fn buckets() -> &'static [Duration] {
        &BUCKETS
    }
}

/// The counters, which the calls share.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<RpcMetrics>);

impl Counters {
    /// A call has ended.
    pub(super) fn called(&self, method: &str, error: Option<&str>, time: Duration) {
        let mut metrics = self.metrics();
        let method = match metrics.methods.get_mut(method) {
            Some(method) => method,
            // The names are those of the server's methods, so they are few.
            None => metrics.methods.entry(method.to_owned()).or_default(),
        };
        method.calls = method.calls.saturating_add(1);
        method.time = method.time.saturating_add(time);
        if let Some(error) = error {
            let count = method.errors.entry(error.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
        for (count, bound) in method.within.iter_mut().zip(BUCKETS) {
            *count = count.saturating_add((time <= bound).into());
        }
    }

    /// Changes the other numbers.
    pub(super) fn change(&self, change: impl FnOnce(&mut RpcMetrics)) {
        change(&mut self.metrics());
    }

    pub(super) fn read(&self) -> RpcMetrics {
        self.metrics().clone()
    }

    fn metrics(&self) -> MutexGuard<'_, RpcMetrics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
