//! Calls: what contenders do, and the ways to measure it.

use std::{any::Any, thread};

use anyhow::{Result, bail};

use crate::{
    contest::guest::Guest,
    measure::{Gauge, processor_time, real_time},
    peers::process::{self, Program},
};

/// Does a guest's call from the beginning, and returns what it answers.
pub(crate) type Call = Box<dyn Fn() -> Result<i32> + Send + Sync>;

/// Calls an instance that stays alive.
pub(crate) type Recall = Box<dyn FnMut() -> Result<i32>>;

/// Starts one more call, which waits for its host, and hands it out. Whoever drops it destroys it.
pub(crate) type Parker = Box<dyn FnMut() -> Result<Box<dyn Any>>>;

/// Who is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Contender {
    /// In this process.
    Here(fn(Guest) -> Result<Call>),
    /// In this process, with an instance that stays alive.
    Live(fn(Guest) -> Result<Recall>),
    /// In this process, with something alive that each measurement makes anew: its threads run
    /// where the system has put them, which may double its times.
    Anew(fn(Guest) -> Result<Recall>),
    /// In this process, telling its time itself.
    Timed(fn(Guest) -> Result<Gauge>),
    /// In a process of its own, by the name that it has there.
    Apart(&'static Program, &'static str),
}

/// How it is measured, and what is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// So many calls, in processor time of the thread: the time of one.
    InARow(u32),
    /// One call, in processor time of the thread: the time of one of its so many syscalls.
    EachSyscall(u32),
    /// So many calls on this thread, in real time, since a process or a thread beside it computes.
    /// The time of one of so many parts of all.
    InRealTime { calls: u32, parts: u32 },
    /// One call, in real time: it may compute on several threads, and wait for a disk.
    Once,
    /// So many calls on each of so many threads, in real time: what one takes while all of them
    /// call.
    OnThreads { threads: u32, calls: u32 },
}

impl Contender {
    pub(crate) fn gauge(self, way: Way, guest: Guest) -> Result<Gauge> {
        match self {
            Contender::Here(make) => way.gauge(make(guest)?),
            Contender::Live(make) => way.gauge_alone(make(guest)?),
            Contender::Anew(make) => Ok(Box::new(move || {
                let mut gauge = way.gauge_alone(make(guest.clone())?)?;
                gauge()?;
                gauge()
            })),
            Contender::Timed(make) => make(guest),
            Contender::Apart(program, name) => {
                process::gauge(program, name, &guest, way.question(), way.parts())
            }
        }
    }
}

impl Way {
    fn gauge(self, call: Call) -> Result<Gauge> {
        let parts = self.parts();
        match self {
            Way::InARow(_) | Way::EachSyscall(_) | Way::InRealTime { .. } => self.gauge_alone(call),
            Way::Once => Ok(on_threads(1, 1, parts, call)),
            Way::OnThreads { threads, calls } => Ok(on_threads(threads, calls, parts, call)),
        }
    }

    /// Of calls on this thread alone.
    fn gauge_alone(self, call: impl FnMut() -> Result<i32> + 'static) -> Result<Gauge> {
        let parts = self.parts();
        match self {
            Way::InARow(calls) => Ok(in_a_row(calls, parts, call)),
            Way::EachSyscall(_) => Ok(in_a_row(1, parts, call)),
            Way::InRealTime { calls, .. } => Ok(in_real_time(calls, parts, call)),
            Way::Once | Way::OnThreads { .. } => bail!("it is called on this thread alone"),
        }
    }

    /// The same, as the process of the peers understands it.
    fn question(self) -> String {
        match self {
            Way::InARow(calls) => format!("processor {calls}"),
            Way::EachSyscall(_) => "processor 1".to_owned(),
            Way::InRealTime { calls, .. } => format!("real 1 {calls}"),
            Way::Once => "real 1 1".to_owned(),
            Way::OnThreads { threads, calls } => format!("real {threads} {calls}"),
        }
    }

    /// Into how many parts the time of all is divided.
    fn parts(self) -> f64 {
        match self {
            Way::InARow(parts) | Way::EachSyscall(parts) | Way::InRealTime { parts, .. } => {
                f64::from(parts)
            }
            Way::Once => 1.0,
            Way::OnThreads { threads, calls } => f64::from(threads) * f64::from(calls),
        }
    }
}

fn in_a_row(calls: u32, parts: f64, mut call: impl FnMut() -> Result<i32> + 'static) -> Gauge {
    Box::new(move || {
        let (done, time) = processor_time(|| repeat(calls, &mut call));
        done.map(|()| time.as_secs_f64() / parts)
    })
}

fn in_real_time(calls: u32, parts: f64, mut call: impl FnMut() -> Result<i32> + 'static) -> Gauge {
    Box::new(move || {
        let (done, time) = real_time(|| repeat(calls, &mut call));
        done.map(|()| time.as_secs_f64() / parts)
    })
}

fn on_threads(threads: u32, calls: u32, parts: f64, call: Call) -> Gauge {
    Box::new(move || {
        let (done, time) = real_time(|| {
            thread::scope(|scope| {
                let workers: Vec<_> = (0..threads)
                    .map(|_| scope.spawn(|| repeat(calls, &call)))
                    .collect();
                workers
                    .into_iter()
                    .try_for_each(|worker| match worker.join() {
                        Ok(done) => done,
                        Err(_) => bail!("a thread that calls has panicked"),
                    })
            })
        });
        done.map(|()| time.as_secs_f64() / parts)
    })
}

fn repeat(calls: u32, mut call: impl FnMut() -> Result<i32>) -> Result<()> {
    for _ in 0..calls {
        call()?;
    }
    Ok(())
}
