//! Contenders: what is measured here, and how.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use cpu_time::ThreadTime;

/// A program, and a call of it.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) wasm: Vec<u8>,
    pub(crate) entry: String,
    pub(crate) argument: i32,
    /// What the call answers.
    pub(crate) answer: i32,
}

/// Does its work once each time that it is called.
pub(crate) enum Contender {
    /// On several threads, if it is told to.
    Shared(Box<dyn Fn() -> Result<()> + Send + Sync>),
    /// With something that is alive.
    Alone(Box<dyn FnMut() -> Result<()>>),
}

impl Contender {
    /// Does what the question says, and tells how long it took.
    pub(crate) fn answer(&mut self, question: &str) -> Result<Duration> {
        let mut words = question.split_whitespace();
        let clock = words.next().context("a question names a clock")?;
        let mut number = || -> Result<u32> { Ok(words.next().context("a number")?.parse()?) };
        match clock {
            "processor" => {
                let times = number()?;
                let start = ThreadTime::now();
                self.repeat(times)?;
                Ok(start.elapsed())
            }
            "real" => {
                let (threads, times) = (number()?, number()?);
                let start = now();
                self.repeat_on(threads, times)?;
                Ok(start.elapsed())
            }
            _ => bail!("there is no clock `{clock}`"),
        }
    }

    fn repeat(&mut self, times: u32) -> Result<()> {
        for _ in 0..times {
            match self {
                Contender::Shared(work) => work()?,
                Contender::Alone(work) => work()?,
            }
        }
        Ok(())
    }

    fn repeat_on(&mut self, threads: u32, times: u32) -> Result<()> {
        let Contender::Shared(work) = self else {
            ensure!(threads == 1, "this contender works alone");
            return self.repeat(times);
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| (0..times).try_for_each(|_| work())))
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| match worker.join() {
                    Ok(done) => done,
                    Err(_) => bail!("a thread that calls has panicked"),
                })
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measuring is what this binary is for"
)]
fn now() -> Instant {
    Instant::now()
}
