//! Progress, as a terminal gets it.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use super::{CLEAR, Working, is_shown};
use crate::output::Format;

/// What a terminal was sent.
#[derive(Clone, Debug, Default)]
struct Terminal(Arc<Mutex<Vec<u8>>>);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Terminal {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Waits until it was sent the text.
    fn wait_for(&self, text: &str) {
        for _ in 0..20_000 {
            if self.text().contains(text) {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        panic!("no `{text}` in {:?}", self.text());
    }
}

#[test]
fn long_work_is_shown_until_it_ends() {
    let terminal = Terminal::default();
    let period = Duration::from_millis(500);
    let working = Working::show("reading", Some(3), period, terminal.clone());
    working.step();
    terminal.wait_for(&format!("{CLEAR}reading: 1 of 3 .. "));
    working.step();
    terminal.wait_for(&format!("{CLEAR}reading: 2 of 3 .. "));
    terminal.wait_for(" .. 1 s");
    drop(working);
    let ended = terminal.text();
    assert!(ended.ends_with(CLEAR), "{ended:?}");

    let working = Working::show("writing", None, Duration::from_millis(1), terminal.clone());
    terminal.wait_for("writing .. 0 s");
    drop(working);
}

#[test]
fn short_work_is_not_shown() {
    let terminal = Terminal::default();
    drop(Working::show(
        "reading",
        None,
        Duration::from_secs(600),
        terminal.clone(),
    ));
    assert_eq!(terminal.text(), "");
}

#[test]
fn only_a_terminal_shows_work_and_not_beside_json() {
    let shown = [
        (Format::Text, true, true),
        (Format::Text, false, false),
        (Format::Json, true, false),
        (Format::Json, false, false),
    ];
    for (format, is_terminal, expected) in shown {
        assert_eq!(is_shown(format, is_terminal), expected, "{format:?}");
    }
}
