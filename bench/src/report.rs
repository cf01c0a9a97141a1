//! What a group found: rows and latencies, as tables or as JSON.

use std::io::{self, Write};

use serde::{
    Serialize, Serializer,
    ser::{SerializeSeq, SerializeStruct},
};

use crate::measure::{Quartiles, Sample, geometric_mean};

/// What a group found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) rows: Vec<Row>,
    pub(crate) latencies: Vec<Latency>,
    pub(crate) costs: Vec<Cost>,
}

/// What something takes of ours, and costs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) name: String,
    /// The median.
    pub(crate) nanoseconds: f64,
    pub(crate) gas: u64,
}

impl Cost {
    /// The time of a thousand gas.
    pub(crate) fn nanoseconds_a_thousand_gas(&self) -> f64 {
        let gas = u32::try_from(self.gas).map_or(f64::INFINITY, f64::from);
        1e3 * self.nanoseconds / gas
    }
}

/// How long something took each time that one side did it.
#[derive(Clone, Debug)]
pub(crate) struct Latency {
    pub(crate) name: &'static str,
    pub(crate) side: &'static str,
    pub(crate) milliseconds: Vec<f64>,
}

/// One comparison.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// The median of our times, or bytes.
    pub(crate) ours: f64,
    /// The median of the peer's.
    pub(crate) peer: f64,
    pub(crate) peer_name: &'static str,
    /// Of both.
    pub(crate) unit: &'static str,
    /// The median of the ratios of the rounds, our time over the peer's.
    pub(crate) ratio: f64,
    /// The first quartile of these ratios.
    pub(crate) ratio_low: f64,
    /// The third quartile of these ratios.
    pub(crate) ratio_high: f64,
    rounds: usize,
}

/// What times are printed in, and memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Milliseconds,
    Microseconds,
    Nanoseconds,
    Kibibytes,
    Bytes,
    /// Of the seconds that each takes. More is better; a ratio is of times all the same.
    TransactionsPerSecond,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "us",
            Unit::Nanoseconds => "ns",
            Unit::Kibibytes => "KiB",
            Unit::Bytes => "B",
            Unit::TransactionsPerSecond => "tx/s",
        }
    }

    /// So many seconds, or bytes, in this unit.
    fn of(self, number: f64) -> f64 {
        match self {
            Unit::Milliseconds => number * 1e3,
            Unit::Microseconds => number * 1e6,
            Unit::Nanoseconds => number * 1e9,
            Unit::Kibibytes => number / 1024.0,
            Unit::Bytes => number,
            Unit::TransactionsPerSecond => 1.0 / number,
        }
    }
}

impl Row {
    /// One comparison's samples.
    pub(crate) fn new(
        name: String,
        peer_name: &'static str,
        unit: Unit,
        samples: &[Sample],
    ) -> Self {
        let median = |side: fn(&Sample) -> f64| Quartiles::of(samples.iter().map(side)).median;
        let ratio = Quartiles::of(samples.iter().map(Sample::ratio));
        Self {
            name,
            ours: unit.of(median(|sample| sample.ours)),
            peer: unit.of(median(|sample| sample.peer)),
            peer_name,
            unit: unit.name(),
            ratio: ratio.median,
            ratio_low: ratio.low,
            ratio_high: ratio.high,
            rounds: samples.len(),
        }
    }

    /// The geometric mean of `rows`, each of which counts the same. Times are the means of the
    /// rows'; the ratio and its quartiles are those of the rounds' mean ratios.
    pub(crate) fn geometric_mean(
        name: String,
        rows: &[Row],
        samples: &[Vec<Sample>],
    ) -> Option<Self> {
        let first = rows.first()?;
        let mean = |column: fn(&Row) -> f64| geometric_mean(rows.iter().map(column));
        let rounds = samples.iter().map(Vec::len).min().unwrap_or(0);
        let ratio = Quartiles::of((0..rounds).map(|round| {
            geometric_mean(
                samples
                    .iter()
                    .filter_map(|samples| samples.get(round).map(Sample::ratio)),
            )
        }));
        Some(Self {
            name,
            ours: mean(|row| row.ours),
            peer: mean(|row| row.peer),
            ratio: ratio.median,
            ratio_low: ratio.low,
            ratio_high: ratio.high,
            rounds,
            ..first.clone()
        })
    }
}

impl From<Vec<Row>> for Findings {
    fn from(rows: Vec<Row>) -> Self {
        Self {
            rows,
            latencies: Vec::new(),
            costs: Vec::new(),
        }
    }
}

impl Latency {
    /// All of them, the least first.
    pub(crate) fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.milliseconds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// What half of them, nine tenths, 99 hundredths and all of them do not exceed.
    pub(crate) fn percentiles(&self) -> [f64; 4] {
        let sorted = self.sorted();
        [50, 90, 99, 100].map(|percent| {
            let rank = (sorted.len() * percent).div_ceil(100);
            let found = sorted.get(rank.saturating_sub(1));
            found.copied().unwrap_or(f64::NAN)
        })
    }
}

impl Serialize for Findings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lengths = [self.rows.len(), self.latencies.len(), self.costs.len()];
        let length = lengths.into_iter().sum();
        let mut all = serializer.serialize_seq(Some(length))?;
        for row in &self.rows {
            all.serialize_element(row)?;
        }
        for latency in &self.latencies {
            all.serialize_element(latency)?;
        }
        for cost in &self.costs {
            all.serialize_element(cost)?;
        }
        all.end()
    }
}

impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [p50, p90, p99, most] = self.percentiles();
        let mut fields = serializer.serialize_struct("Latency", 8)?;
        fields.serialize_field("name", self.name)?;
        fields.serialize_field("side", self.side)?;
        fields.serialize_field("unit", "ms")?;
        fields.serialize_field("p50", &p50)?;
        fields.serialize_field("p90", &p90)?;
        fields.serialize_field("p99", &p99)?;
        fields.serialize_field("greatest", &most)?;
        fields.serialize_field("times", &self.milliseconds.len())?;
        fields.end()
    }
}

/// Prints what was found as a JSON array.
pub(crate) fn json(found: &Findings) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, found)?;
    writeln!(out)?;
    Ok(())
}

/// Prints what was found as tables.
pub(crate) fn table(found: &Findings) -> anyhow::Result<()> {
    if !found.rows.is_empty() {
        rows_table(&found.rows)?;
    }
    if !found.latencies.is_empty() {
        latencies_table(&found.latencies)?;
    }
    if !found.costs.is_empty() {
        costs_table(&found.costs)?;
    }
    Ok(())
}

fn latencies_table(latencies: &[Latency]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:12}  {:18}  unit  {:>9}  {:>9}  {:>9}  {:>9}  times",
        "name", "side", "p50", "p90", "p99", "greatest",
    )?;
    for latency in latencies {
        let [p50, p90, p99, most] = latency.percentiles();
        writeln!(
            out,
            "{:12}  {:18}  ms    {p50:>9.3}  {p90:>9.3}  {p99:>9.3}  {most:>9.3}  {}",
            latency.name,
            latency.side,
            latency.milliseconds.len(),
        )?;
    }
    Ok(())
}

fn costs_table(costs: &[Cost]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:28}  {:>9}  {:>9}  ns for 1,000 gas",
        "name", "ns", "gas"
    )?;
    for cost in costs {
        writeln!(
            out,
            "{:28}  {:>9.1}  {:>9}  {:.1}",
            cost.name,
            cost.nanoseconds,
            cost.gas,
            cost.nanoseconds_a_thousand_gas(),
        )?;
    }
    Ok(())
}

fn rows_table(rows: &[Row]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let widest = |column: fn(&Row) -> usize, title: &str| {
        rows.iter().map(column).max().unwrap_or(0).max(title.len())
    };
    let name_width = widest(|row| row.name.len(), "name");
    let peer_width = widest(|row| row.peer_name.len(), "peer_name");
    writeln!(
        out,
        "{:name_width$}  {:>9}  {:>9}  {:peer_width$}  unit  {:>6}  quartiles",
        "name", "ours", "peer", "peer_name", "ratio",
    )?;
    for row in rows {
        writeln!(
            out,
            "{:name_width$}  {:>9.3}  {:>9.3}  {:peer_width$}  {:4}  {:>6.3}  {:.3}..{:.3}",
            row.name,
            row.ours,
            row.peer,
            row.peer_name,
            row.unit,
            row.ratio,
            row.ratio_low,
            row.ratio_high,
        )?;
    }
    Ok(())
}
