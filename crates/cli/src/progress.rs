//! Progress of long work, on standard error, where a terminal shows it.

use std::{
    cell::Cell,
    io::{self, IsTerminal, Write},
};

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
