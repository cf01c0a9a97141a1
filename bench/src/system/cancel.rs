//! How long a guest runs on that was interrupted: from the trigger to where its call has returned
//! on its thread, with the instance dropped.
//!
//! Two threads are never idle: on each a guest runs that never ends, and more calls wait for a
//! thread. At a moment that the guest cannot know, one of the two is interrupted. What else the
//! machine does is in the times, as it is in the life of a node.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use fusee::sandbox::Interrupt;

use super::guest::Busy;
use crate::{Options, measure, ours, peers, report::Latency};

/// Threads on which guests run.
const THREADS: usize = 2;

/// Calls that wait for one.
const WAITING: usize = 6;

/// Cancellations of each side in a round.
const TIMES: u32 = 15;

/// Between two triggers, microseconds: at least, and how much more at most.
const PAUSE: (u64, u64) = (500, 6_000);

/// What a guest does.
struct Kind {
    name: &'static str,
    wat: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "cancel/loop",
        wat: r#"(module (func (export "run") (loop $again (br $again))))"#,
    },
    Kind {
        // A tree of calls so high that nobody sees its end, and no loop.
        name: "cancel/calls",
        wat: r#"(module
            (func $tree (param i32)
                (if (i32.eqz (local.get 0)) (then (return)))
                (call $tree (i32.sub (local.get 0) (i32.const 1)))
                (call $tree (i32.sub (local.get 0) (i32.const 1))))
            (func (export "run") (call $tree (i32.const 64))))"#,
    },
    Kind {
        // All the memory that a program may have which nobody trusts: 64 MiB at a time.
        name: "cancel/fill",
        wat: r#"(module
            (memory (export "memory") 1024)
            (func (export "run")
                (loop $again
                    (memory.fill (i32.const 0) (i32.const 7) (i32.const 67108864))
                    (br $again))))"#,
    },
];

/// Who runs it.
struct Side {
    name: &'static str,
    make: fn(&[u8]) -> Result<Busy>,
}

const SIDES: &[Side] = &[
    Side {
        name: "ours, on Wasmtime",
        make: |wasm| ours::system::busy(ours::wasmtime()?, wasm),
    },
    Side {
        name: "ours, on wasmi",
        make: |wasm| ours::system::busy(ours::wasmi(), wasm),
    },
    Side {
        name: "wasmtime, epochs",
        make: peers::wasmtime::system::busy,
    },
];

/// What happens on a thread.
enum Event {
    /// A guest begins to run there.
    Started(usize, Interrupt),
    /// Its call has returned.
    Ended(usize, Instant),
    Failed(anyhow::Error),
}

/// The names of the sides, in the order in which they are drawn.
pub(super) fn sides() -> impl Iterator<Item = &'static str> {
    SIDES.iter().map(|side| side.name)
}

/// The kinds that were asked for, by all sides in turns. The first round is not counted.
pub(super) fn measure(options: &Options) -> Result<Vec<Latency>> {
    let mut found = Vec::new();
    for kind in KINDS.iter().filter(|kind| options.wants(kind.name)) {
        let wasm = wat::parse_str(kind.wat)?;
        for side in SIDES {
            let latency = Latency {
                name: kind.name,
                side: side.name,
                milliseconds: Vec::new(),
            };
            found.push((latency, (side.make)(&wasm)?));
        }
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..=options.rounds {
        for (latency, busy) in &mut found {
            let milliseconds = cancel_some(busy, &mut random)
                .with_context(|| format!("{}, {}", latency.name, latency.side))?;
            if round > 0 {
                latency.milliseconds.extend(milliseconds);
            }
        }
    }
    Ok(found.into_iter().map(|(latency, _)| latency).collect())
}

fn cancel_some(busy: &Busy, random: &mut Random) -> Result<Vec<f64>> {
    let (jobs, queue) = channel();
    let queue = Mutex::new(queue);
    let (sender, events) = channel();
    thread::scope(|scope| {
        for index in 0..THREADS {
            let (queue, sender) = (&queue, sender.clone());
            scope.spawn(move || work(index, busy, queue, &sender));
        }
        drop(sender);
        let mut calls = VecDeque::new();
        let mut submit = || {
            let interrupt = Interrupt::new();
            calls.push_back(interrupt.clone());
            // Nobody takes it once a thread has failed, which is told elsewhere.
            let _ = jobs.send(interrupt);
        };
        let found = cancel_by_turns(&events, &mut submit, random);
        // Whatever came out, the threads are to end: nothing runs on, and nothing waits.
        for call in calls {
            call.trigger();
        }
        drop(jobs);
        found
    })
}

/// Interrupts one guest after the other, and submits another call for each.
fn cancel_by_turns(
    events: &Receiver<Event>,
    submit: &mut impl FnMut(),
    random: &mut Random,
) -> Result<Vec<f64>> {
    let mut running: [Option<Interrupt>; THREADS] = [const { None }; THREADS];
    for _ in 0..THREADS + WAITING {
        submit();
    }
    let mut found = Vec::new();
    for _ in 0..TIMES {
        while running.iter().any(Option::is_none) {
            match events.recv()? {
                Event::Started(index, interrupt) => {
                    let place = running.get_mut(index).context("there is no such thread")?;
                    *place = Some(interrupt);
                }
                Event::Ended(..) => bail!("a guest has ended that nobody interrupted"),
                Event::Failed(error) => return Err(error),
            }
        }
        let (least, more) = PAUSE;
        thread::sleep(Duration::from_micros(least + random.below(more)));
        let index = usize::try_from(random.below(2))?;
        let chosen = running.get_mut(index).and_then(Option::take);
        let start = measure::now();
        chosen.context("there is no such thread")?.trigger();
        let end = match events.recv()? {
            Event::Ended(ended, end) if ended == index => end,
            Event::Ended(..) | Event::Started(..) => bail!("another guest has ended"),
            Event::Failed(error) => return Err(error),
        };
        found.push(end.saturating_duration_since(start).as_secs_f64() * 1e3);
        submit();
    }
    Ok(found)
}

/// A thread: one call after the other. Who was interrupted before is not started.
fn work(index: usize, busy: &Busy, queue: &Mutex<Receiver<Interrupt>>, events: &Sender<Event>) {
    loop {
        let call = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(interrupt) = call else {
            return;
        };
        if interrupt.is_triggered() {
            continue;
        }
        // When everything is measured, nobody listens any more.
        let _ = events.send(Event::Started(index, interrupt.clone()));
        let event = match busy(&interrupt) {
            Ok(()) => Event::Ended(index, measure::now()),
            Err(error) => Event::Failed(error),
        };
        let _ = events.send(event);
    }
}

/// The same numbers each time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
