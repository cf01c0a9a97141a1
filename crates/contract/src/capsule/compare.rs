//! Comparison of two runs of a capsule, to the first step in which they differ.

use std::iter;

use fusee_engine::Interrupt;

use super::{Capsule, CapsuleError};
use crate::{
    Contracts,
    steps::{CHUNK_STEPS, RunStep, StepFrame, Steps},
};

/// A run of a capsule.
#[derive(Clone, Copy, Debug)]
pub enum CapsuleRun<'a> {
    /// The run that was recorded.
    Recorded,
    /// A replay on these contracts.
    Replay(&'a Contracts),
}

/// The first step in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDifference {
    /// The number of equal steps before it.
    pub equal: u64,
    /// Whether the runs differ in this step. Otherwise in one of the 16,384 that follow: a capsule
    /// has the steps of the first 16,384, and of those behind only digests.
    pub is_exact: bool,
    /// The call in which the step is. `None` if no replay knows it.
    pub frame: Option<StepFrame>,
    /// The step of each run. `None` if the run has ended, or its steps are not known.
    pub steps: [Option<RunStep>; 2],
}

impl StepDifference {
    /// The index of the operation in which the runs differ first. `None` if their steps are not
    /// known.
    #[must_use]
    pub fn operation(&self) -> Option<u32> {
        let steps = self.steps.iter().flatten();
        steps.map(|step| step.operation).min()
    }
}

impl Capsule {
    /// Finds the first step in which two runs differ: a call, a syscall, or the
    /// end of a call. Returns `None` if all steps are equal.
    ///
    /// Each replay runs once, and once more if the difference is beyond the first 16,384 steps.
    ///
    /// # Errors
    ///
    /// As [`replay`](Self::replay).
    pub fn first_difference(
        &self,
        runs: [CapsuleRun<'_>; 2],
        interrupt: &Interrupt,
    ) -> Result<Option<StepDifference>, CapsuleError> {
        let mut sides = self.steps_of(runs, 0, interrupt)?;
        let [first, second] = &sides;
        let chunks = first.chunks.len().max(second.chunks.len());
        let mut chunks = 0..chunks;
        let Some(chunk) = chunks.find(|at| first.chunks.get(*at) != second.chunks.get(*at)) else {
            return Ok(None);
        };
        if chunk > 0 {
            sides = self.steps_of(runs, chunk, interrupt)?;
        }
        let before = chunk.saturating_mul(CHUNK_STEPS);
        let is_known = runs
            .iter()
            .all(|side| chunk == 0 || matches!(side, CapsuleRun::Replay(_)));
        let mut difference = StepDifference {
            equal: count(before),
            is_exact: is_known,
            frame: None,
            steps: [None, None],
        };
        if is_known {
            let [first, second] = &sides;
            let equal = iter::zip(&first.kept, &second.kept);
            let equal = equal.take_while(|(one, other)| one == other).count();
            difference.equal = count(before.saturating_add(equal));
            difference.steps = [first, second].map(|side| side.kept.get(equal).copied());
            let frames = [first, second].map(|side| &side.frames);
            let frame = |at: usize| frames.iter().find_map(|frames| frames.get(at));
            // Where both runs have ended or one is unknown, the step before tells.
            let frame = frame(equal).or_else(|| frame(equal.checked_sub(1)?));
            difference.frame = frame.map(|frame| StepFrame::clone(frame));
        }
        Ok(Some(difference))
    }

    fn steps_of(
        &self,
        sides: [CapsuleRun<'_>; 2],
        chunk: usize,
        interrupt: &Interrupt,
    ) -> Result<[Steps; 2], CapsuleError> {
        let steps = |side| match side {
            CapsuleRun::Recorded => Ok(self.steps.clone()),
            CapsuleRun::Replay(contracts) => self.replayed_steps(contracts, chunk, interrupt),
        };
        let [one, other] = sides;
        Ok([steps(one)?, steps(other)?])
    }
}

fn count(steps: usize) -> u64 {
    u64::try_from(steps).unwrap_or(u64::MAX)
}
