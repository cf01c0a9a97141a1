//! Progress of long work, on standard error, where a terminal shows it.

use std::io::{self, IsTerminal, Write};

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
