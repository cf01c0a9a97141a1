//! Probes: something that is done many times, and how long it takes once.

use std::fmt;

use anyhow::Result;

use super::PerEngine;
use crate::measure::{Quartiles, processor_time};

/// Seconds that a sample takes at least: long beside what reading the clock takes.
const SAMPLE: f64 = 5e-4;

pub(super) struct Probe {
    work: Box<dyn FnMut(i32) -> Result<()>>,
    /// How often the work is done in a sample.
    times: i32,
    /// The nanoseconds that it took once, in each sample.
    samples: Vec<f64>,
}

impl Probe {
    /// Of something that is done as often as it is told to.
    pub(super) fn new(work: impl FnMut(i32) -> Result<()> + 'static) -> Result<Self> {
        let mut probe = Self {
            work: Box::new(work),
            times: 1,
            samples: Vec::new(),
        };
        // The first time takes longer than any other, and one of two may be disturbed.
        probe.seconds()?;
        while probe.seconds()?.min(probe.seconds()?) < SAMPLE && probe.times < i32::MAX / 2 {
            probe.times *= 2;
        }
        Ok(probe)
    }

    pub(super) fn sample(&mut self) -> Result<()> {
        let once = self.seconds()? / f64::from(self.times);
        self.samples.push(once * 1e9);
        Ok(())
    }

    /// The nanoseconds that it takes once: the low quartile, since what disturbs only ever adds.
    pub(super) fn time(&self) -> f64 {
        Quartiles::of(self.samples.iter().copied()).low
    }

    pub(super) fn of(probes: &PerEngine<Self>, engine: usize) -> f64 {
        probes.get(engine).map_or(f64::NAN, Self::time)
    }

    fn seconds(&mut self) -> Result<f64> {
        let (done, time) = processor_time(|| (self.work)(self.times));
        done?;
        Ok(time.as_secs_f64())
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Probe")
            .field("times", &self.times)
            .field("samples", &self.samples)
            .finish_non_exhaustive()
    }
}
