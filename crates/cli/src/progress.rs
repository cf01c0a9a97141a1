//! Progress of long work, on standard error, where a terminal shows it.

use std::{
    cell::Cell,
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::output::Format;

/// How many steps are done before the line changes again.
const STEPS: usize = 100;

/// Shows that `done` of `all` are done. Shows nothing of short work.
pub(crate) fn tell(what: &str, done: usize, all: usize) {
    let mut error = io::stderr().lock();
    if all < STEPS || !error.is_terminal() {
        return;
    }
    // Nothing depends on it.
    let _ = match done == all {
        true => write!(error, "\r\u{1b}[K"),
        false if done.is_multiple_of(STEPS) => write!(error, "\r{done} of {all} {what}"),
        false => return,
    };
    let _ = error.flush();
}

/// A line that says what is waited for, until it is dropped. Nothing is shown before
/// [`show`](Self::show).
#[derive(Debug)]
pub(crate) struct Waiting {
    what: &'static str,
    is_shown: Cell<bool>,
}

impl Waiting {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self {
            what,
            is_shown: Cell::new(false),
        }
    }

    /// Shows the line, where a terminal shows it.
    pub(crate) fn show(&self) {
        let mut error = io::stderr().lock();
        if !self.is_shown.get() && error.is_terminal() {
            // Nothing depends on it.
            let _ = write!(error, "\r{} ..", self.what);
            let _ = error.flush();
            self.is_shown.set(true);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.is_shown.get() {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}

/// How long work takes before it is shown, and how often the line changes.
const PERIOD: Duration = Duration::from_secs(1);

/// Removes the line.
const CLEAR: &str = "\r\u{1b}[K";

/// A line that says what is worked on, and for how many seconds, from the first second on until it
/// is dropped. It stands where a terminal shows it, and not beside JSON.
#[derive(Debug)]
pub(crate) struct Working {
    done: Arc<AtomicU32>,
    /// The thread that writes the line. It ends when its channel is closed.
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Working {
    /// Begins work whose steps are not counted.
    pub(crate) fn begin(what: &'static str, format: Format) -> Self {
        Self::counted(what, None, format)
    }

    /// Begins work of so many steps.
    pub(crate) fn counted(what: &'static str, steps: Option<u32>, format: Format) -> Self {
        match is_shown(format, io::stderr().is_terminal()) {
            true => Self::show(what, steps, PERIOD, io::stderr()),
            false => Self {
                done: Arc::default(),
                shown: None,
            },
        }
    }

    /// A step is done.
    pub(crate) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    fn show(
        what: &'static str,
        steps: Option<u32>,
        period: Duration,
        mut to: impl Write + Send + 'static,
    ) -> Self {
        let done = Arc::new(AtomicU32::new(0));
        let (end, ended) = mpsc::channel();
        let counted = Arc::clone(&done);
        let thread = thread::spawn(move || {
            // Nothing depends on what is written.
            let mut write = |line: &str| {
                let _ = to.write_all(line.as_bytes()).and_then(|()| to.flush());
            };
            let mut periods = 0_u32;
            while ended.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                periods = periods.saturating_add(1);
                let seconds = period.saturating_mul(periods).as_secs();
                let steps = steps.map_or_else(String::new, |steps| {
                    format!(": {} of {steps}", counted.load(Ordering::Relaxed))
                });
                write(&format!("{CLEAR}{what}{steps} .. {seconds} s"));
            }
            if periods > 0 {
                write(CLEAR);
            }
        });
        Self {
            done,
            shown: Some((end, thread)),
        }
    }
}

/// Whether work is shown to a command that asks for this format.
fn is_shown(format: Format, is_terminal: bool) -> bool {
    is_terminal && format == Format::Text
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.shown.take() {
            drop(end);
            // Whatever is written next stands on a line of its own.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
