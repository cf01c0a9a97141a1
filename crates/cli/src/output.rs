//! The standard output: text for people, or JSON for programs.
//!
//! A reader that goes away early, as `head` does, is no failure: the rest is not written.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::{Exit, Failure};

/// What an answer is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Where answers go.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    is_styled: bool,
    is_closed: bool,
}

impl Output {
    pub(crate) fn new(format: Format, no_color: bool) -> Self {
        let is_styled = format == Format::Text && !no_color && io::stdout().is_terminal();
        Self {
            format,
            is_styled,
            is_closed: false,
        }
    }

    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// The text in bold, where the output is a terminal.
    pub(crate) fn bold(&self, text: &str) -> String {
        if self.is_styled {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Writes text, at once.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        if self.is_closed {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
        {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            Err(error) => {
                let error = anyhow::Error::new(error).context("the answer could not be written");
                Err(Failure::new(Exit::Host, error).next("check where the standard output goes"))
            }
        }
    }

    /// Writes a JSON document.
    pub(crate) fn json(&mut self, answer: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(answer)
            .map_err(|error| Failure::new(Exit::Host, error))?;
        self.text(&format!("{text}\n"))
    }

    /// Writes the answer in the format that was asked for.
    pub(crate) fn answer(
        &mut self,
        answer: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Text => self.text(&text()),
            Format::Json => self.json(answer),
        }
    }
}

/// Writes to the standard error, and if that is closed to nobody.
pub(crate) fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
