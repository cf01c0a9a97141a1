//! Rows: what a group found, as a table or as JSON.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;

use crate::measure::{Quartiles, Sample, geometric_mean};

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
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "us",
            Unit::Nanoseconds => "ns",
            Unit::Kibibytes => "KiB",
        }
    }

    /// How many there are in a second, or in a byte.
    fn factor(self) -> f64 {
        match self {
            Unit::Milliseconds => 1e3,
            Unit::Microseconds => 1e6,
            Unit::Nanoseconds => 1e9,
            Unit::Kibibytes => 1.0 / 1024.0,
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
            ours: median(|sample| sample.ours) * unit.factor(),
            peer: median(|sample| sample.peer) * unit.factor(),
            peer_name,
            unit: unit.name(),
            ratio: ratio.median,
            ratio_low: ratio.low,
            ratio_high: ratio.high,
            rounds: samples.len(),
        }
    }

    /// The geometric mean of `rows`, each of which counts the same. Times are the means of the rows';
    /// the ratio and its quartiles are those of the rounds' mean ratios.
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

/// Prints the rows as a JSON array.
pub(crate) fn json(rows: &[Row]) -> Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, rows)?;
    writeln!(out)?;
    Ok(())
}

/// Prints the rows as a table.
pub(crate) fn table(rows: &[Row]) -> Result<()> {
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
