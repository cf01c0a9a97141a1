//! Measuring: two sides by turns, so that what disturbs the machine disturbs both.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use anyhow::Result;
use cpu_time::ThreadTime;

/// One side of a comparison: does its work once, and says how long that took.
pub(crate) type Side = Box<dyn FnMut() -> Result<Duration>>;

/// Does some work once, and says how many seconds a part of it took, which may be less than a
/// nanosecond.
pub(crate) type Gauge = Box<dyn FnMut() -> Result<f64>>;

/// Two ways to do the same work.
pub(crate) struct Comparison {
    pub(crate) ours: Side,
    pub(crate) peer: Side,
}

/// What one round found: the seconds that each side took, or the bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) ours: f64,
    pub(crate) peer: f64,
}

/// The middle of some numbers, and how far they spread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quartiles {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

/// Measures every comparison `rounds` times, after one round that is not counted. A round goes
/// through all comparisons, ours and the peer by turns. The samples come in the order of the
/// comparisons, and each comparison's in the order of the rounds.
pub(crate) fn interleave(comparisons: &mut [Comparison], rounds: u32) -> Result<Vec<Vec<Sample>>> {
    let mut samples = vec![Vec::new(); comparisons.len()];
    for round in 0..=rounds {
        for (comparison, samples) in comparisons.iter_mut().zip(&mut samples) {
            let sample = Sample {
                ours: (comparison.ours)()?.as_secs_f64(),
                peer: (comparison.peer)()?.as_secs_f64(),
            };
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    Ok(samples)
}

/// Reads every gauge `rounds` times, after one round that is not counted. A round goes through all
/// gauges. What each told comes in the order of the rounds.
pub(crate) fn by_turns(gauges: &mut [Gauge], rounds: u32) -> Result<Vec<Vec<f64>>> {
    let mut readings = vec![Vec::new(); gauges.len()];
    for round in 0..=rounds {
        for (gauge, readings) in gauges.iter_mut().zip(&mut readings) {
            let seconds = gauge()?;
            if round > 0 {
                readings.push(seconds);
            }
        }
    }
    Ok(readings)
}

/// What two gauges told in the same rounds.
pub(crate) fn pairs(ours: &[f64], peer: &[f64]) -> Vec<Sample> {
    let rounds = ours.iter().zip(peer);
    rounds.map(|(&ours, &peer)| Sample { ours, peer }).collect()
}

/// Does the work, and says how long this thread computed. Time in which another process has the
/// processor does not count, nor does time in which the thread waits.
pub(crate) fn processor_time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = ThreadTime::now();
    let done = work();
    (done, start.elapsed())
}

/// The wall's clock, for what begins on one thread and ends on another.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring is what this binary is for"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Does the work, and says how long that took on the wall's clock, whoever worked or waited.
pub(crate) fn real_time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = now();
    let done = work();
    (done, start.elapsed())
}

impl Sample {
    /// Our time over the peer's.
    pub(crate) fn ratio(&self) -> f64 {
        self.ours / self.peer
    }
}

impl Quartiles {
    /// Of nothing, they are not a number.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let number = |position: usize| sorted.get(position).copied().unwrap_or(f64::NAN);
        let at = |quarter: usize| {
            let steps = last * quarter;
            let (below, above) = (number(steps / 4), number(steps.div_ceil(4)));
            let share = f64::from(u8::try_from(steps % 4).unwrap_or(0)) / 4.0;
            below + (above - below) * share
        };
        Self {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }
}

/// The geometric mean; of nothing, not a number.
pub(crate) fn geometric_mean(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for number in numbers {
        sum += number.ln();
        count += 1.0;
    }
    (sum / count).exp()
}
