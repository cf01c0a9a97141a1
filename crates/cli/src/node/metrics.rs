//! The metrics of a node as text for Prometheus (OpenMetrics), made of plain numbers each time.

use std::{fmt, time::Duration};

use fusee::{
    chain::store,
    node::{Metrics, Node, SelfCheck, SelfCheckCounts},
    rpc::{RpcMetrics, RpcServer},
    sandbox::{CacheCounts, RunCounts},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::MetricType,
    registry::{Registry, Unit},
};

use super::service::Context;

/// The numbers of a node at one time.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    pub(super) version: &'static str,
    pub(super) engine: &'static str,
    pub(super) chain_id: String,
    pub(super) node: Metrics,
    /// The time of the last block, in milliseconds since the Unix epoch.
    pub(super) block_time: u64,
    pub(super) has_failed: bool,
    pub(super) runs: RunCounts,
    pub(super) suspended_runs: u32,
    pub(super) cached_bytes: u64,
    pub(super) caches: CacheCounts,
    /// Of the cache of values.
    pub(super) values: store::CacheCounts,
    /// `None`: no blocks are checked.
    pub(super) self_check: Option<SelfCheckCounts>,
    /// `None`: nothing listens.
    pub(super) rpc: Option<RpcMetrics>,
}

/// Writes one metric after the other.
struct Writer<'a>(DescriptorEncoder<'a>);

impl Numbers {
    /// Reads them.
    pub(super) fn read(context: &Context, node: &Node, server: Option<&RpcServer>) -> Self {
        let executor = &context.engines.executor;
        let metrics = node.metrics();
        // Before the first block, it is that of genesis.
        let header = node.chain().header(metrics.height).ok();
        Self {
            version: env!("FUSEE_VERSION"),
            engine: context.engines.name,
            chain_id: context.genesis.parameters.chain_id.clone(),
            node: metrics,
            block_time: header.map_or(context.genesis.time, |header| header.time),
            has_failed: node.failure().is_some(),
            runs: executor.run_counts(),
            suspended_runs: executor.suspended_runs(),
            cached_bytes: executor.cached_bytes(),
            caches: executor.cache_counts(),
            values: node.chain().store().cache_counts(),
            self_check: node.self_check().map(SelfCheck::counts),
            rpc: server.map(RpcServer::metrics),
        }
    }

    /// Those of a process that has no node yet: what is counted there is 0.
    pub(super) fn before_blocks(context: &Context) -> Self {
        let executor = &context.engines.executor;
        Self {
            version: env!("FUSEE_VERSION"),
            engine: context.engines.name,
            chain_id: context.genesis.parameters.chain_id.clone(),
            block_time: context.genesis.time,
            runs: executor.run_counts(),
            suspended_runs: executor.suspended_runs(),
            cached_bytes: executor.cached_bytes(),
            caches: executor.cache_counts(),
            ..Self::default()
        }
    }

    /// The text.
    pub(super) fn text(self) -> String {
        let mut registry = Registry::with_prefix("fusee");
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = text::encode(&mut text, &registry);
        text
    }

    fn chain(&self, to: &mut Writer<'_>) -> fmt::Result {
        let node = &self.node;
        to.gauge(
            "block_height",
            "Height of the last committed block",
            node.height,
        )?;
        to.gauge(
            "indexed_block_height",
            "Height of the last block in the index",
            node.indexed_height,
        )?;
        to.seconds_gauge(
            "block_timestamp",
            "Time of the last block, since the Unix epoch",
            Duration::from_millis(self.block_time),
        )?;
        to.gauge(
            "failed",
            "1: the node has stopped making blocks",
            self.has_failed.into(),
        )?;
        to.counter("blocks", "Committed blocks", node.blocks)?;
        to.counter("transactions", "Transactions in them", node.transactions)?;
        to.counter("gas_used", "Gas that they used", node.gas_used)?;
        to.seconds(
            "block_execution",
            "Time to execute blocks and proposals",
            node.execution,
        )?;
        to.seconds(
            "block_commit",
            "Time to seal and commit blocks",
            node.commit,
        )?;
        to.counter(
            "index_failures",
            "Blocks that could not be indexed at once",
            node.index_failures,
        )
    }

    fn mempool(&self, to: &mut Writer<'_>) -> fmt::Result {
        let node = &self.node;
        let waiting = u64::try_from(node.mempool.transactions).unwrap_or(u64::MAX);
        to.gauge("mempool_transactions", "Transactions that wait", waiting)?;
        to.bytes(
            "mempool",
            "Size of the transactions that wait",
            node.mempool.bytes,
        )?;
        to.counter(
            "mempool_added",
            "Transactions that were added",
            node.submitted,
        )?;
        to.counter(
            "mempool_rejected",
            "Transactions that were rejected",
            node.rejected,
        )?;
        to.counter(
            "mempool_dropped",
            "Transactions that left without being in a block",
            node.dropped,
        )?;
        let watches = u64::try_from(node.watches).unwrap_or(u64::MAX);
        to.gauge(
            "watches",
            "Callers that wait for their transactions",
            watches,
        )?;
        let subscriptions = u64::try_from(node.subscriptions).unwrap_or(u64::MAX);
        to.gauge("subscriptions", "Subscriptions to blocks", subscriptions)?;
        to.counter(
            "slow_subscriptions",
            "Subscriptions that were dropped because they did not keep up",
            node.slow_subscriptions,
        )?;
        to.counter("simulations", "Simulated transactions", node.simulations)?;
        to.counter("queries", "Queries", node.queries)
    }

    fn engines(&self, to: &mut Writer<'_>) -> fmt::Result {
        let runs = &self.runs;
        let of = [
            ("compiled", runs.compiled),
            ("interpreted", runs.interpreted),
        ];
        to.counters(
            "runs",
            "Runs of programs, by what they started on",
            "on",
            &of,
        )?;
        to.counter(
            "interpreter_fallbacks",
            "Runs on the interpreter because compiled code failed for a reason of the host",
            runs.fallbacks,
        )?;
        to.counter(
            "failed_compilations",
            "Compilations that failed",
            runs.failed_compilations,
        )?;
        let suspended = u64::from(self.suspended_runs);
        to.gauge("parked_runs", "Runs that wait for their host", suspended)?;
        to.bytes(
            "program_cache",
            "Size of the cache of programs",
            self.cached_bytes,
        )?;
        let caches = &self.caches;
        for (name, help, hits, misses) in [
            (
                "program_cache_requests",
                "Requests of programs, by whether the cache in memory had them",
                caches.program_hits,
                caches.program_misses,
            ),
            (
                "compiled_programs",
                "Compiled programs that were needed, by whether the data folder had them",
                caches.compiled_hits,
                caches.compiled_misses,
            ),
            (
                "value_cache_reads",
                "Reads of values of the state, by whether the cache in memory had them",
                self.values.hits,
                self.values.misses,
            ),
        ] {
            to.counters(name, help, "result", &[("hit", hits), ("miss", misses)])?;
        }
        let Some(check) = self.self_check else {
            return Ok(());
        };
        let of = [("checked", check.checked), ("skipped", check.skipped)];
        to.counters(
            "self_check_blocks",
            "Blocks that were due to be executed again on another engine",
            "result",
            &of,
        )?;
        to.counter(
            "self_check_alarms",
            "Blocks that another engine did not come to",
            check.alarms,
        )
    }
}

impl Collector for Numbers {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = Writer(encoder);
        to.0.encode_descriptor("node", "The node", None, MetricType::Info)?
            .encode_info(&[
                ("version", self.version),
                ("engine", self.engine),
                ("chain_id", self.chain_id.as_str()),
            ])?;
        self.chain(&mut to)?;
        self.mempool(&mut to)?;
        self.engines(&mut to)?;
        match &self.rpc {
            Some(rpc) => interface(rpc, &mut to),
            None => Ok(()),
        }
    }
}

fn interface(rpc: &RpcMetrics, to: &mut Writer<'_>) -> fmt::Result {
    let methods = rpc.methods.iter();
    let calls: Vec<_> = methods
        .map(|(name, it)| (name.as_str(), it.calls))
        .collect();
    to.counters("rpc_requests", "Calls that have ended", "method", &calls)?;
    let mut errors = to.descriptor("rpc_errors", "Calls that failed", MetricType::Counter)?;
    for (name, method) in &rpc.methods {
        for (kind, count) in &method.errors {
            let labels = [("method", name.as_str()), ("kind", kind.as_str())];
            let mut one = errors.encode_family(&labels)?;
            one.encode_counter::<NoLabelSet, u64, u64>(count, None)?;
        }
    }
    let mut times = to.0.encode_descriptor(
        "rpc_request_duration",
        "Time of calls",
        Some(&Unit::Seconds),
        MetricType::Histogram,
    )?;
    for (name, method) in &rpc.methods {
        let labels = [("method", name.as_str())];
        let mut one = times.encode_family(&labels)?;
        let buckets = buckets(method.calls, &method.within);
        let sum = method.time.as_secs_f64();
        one.encode_histogram::<NoLabelSet>(sum, method.calls, &buckets, None)?;
    }
    to.gauge("rpc_connections", "Open connections", rpc.connections)?;
    to.gauge(
        "rpc_subscriptions",
        "Subscriptions of clients",
        rpc.subscriptions,
    )?;
    to.counter(
        "rpc_slow_subscriptions",
        "Subscriptions that were ended because their client did not keep up",
        rpc.slow_subscriptions,
    )?;
    let refused = [
        ("connections", rpc.refused_connections),
        ("host", rpc.refused_hosts),
        ("rate", rpc.refused_requests),
    ];
    to.counters(
        "rpc_refused",
        "What was refused, by its bound",
        "bound",
        &refused,
    )
}

/// The buckets of a histogram: upper bound and count of each alone, which the encoder adds up.
fn buckets(calls: u64, within: &[u64]) -> Vec<(f64, u64)> {
    let bounds = RpcMetrics::buckets().iter().map(Duration::as_secs_f64);
    let mut below = 0;
    let mut buckets = Vec::new();
    let last = (f64::INFINITY, calls);
    for (bound, count) in bounds.zip(within.iter().copied()).chain([last]) {
        buckets.push((bound, count.saturating_sub(below)));
        below = count;
    }
    buckets
}

impl Writer<'_> {
    fn descriptor<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.descriptor(name, help, MetricType::Gauge)?;
        metric.encode_gauge(&value)
    }

    fn bytes(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let unit = Some(&Unit::Bytes);
        let mut metric = self
            .0
            .encode_descriptor(name, help, unit, MetricType::Gauge)?;
        metric.encode_gauge(&value)
    }

    fn seconds_gauge(&mut self, name: &str, help: &str, value: Duration) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        let mut metric = self
            .0
            .encode_descriptor(name, help, unit, MetricType::Gauge)?;
        metric.encode_gauge(&value.as_secs_f64())
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.descriptor(name, help, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, u64, u64>(&value, None)
    }

    fn seconds(&mut self, name: &str, help: &str, value: Duration) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        let mut metric = self
            .0
            .encode_descriptor(name, help, unit, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, f64, u64>(&value.as_secs_f64(), None)
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: &[(&str, u64)],
    ) -> fmt::Result {
        let mut metric = self.descriptor(name, help, MetricType::Counter)?;
        for (of, value) in values {
            let labels = [(label, *of)];
            let mut one = metric.encode_family(&labels)?;
            one.encode_counter::<NoLabelSet, u64, u64>(value, None)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
