//! Standard output: text or JSON.
//!
//! A reader that closes the pipe early, such as `head`, is not a failure. Texts contain names and
//! messages of untrusted programs, so control characters are escaped.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::{Exit, Failure};

const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// The format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

/// The output of a command.
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

    /// Whether nobody reads the output any more.
    pub(crate) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// The text in bold, if the output is a terminal.
    pub(crate) fn bold(&self, text: &str) -> String {
        if self.is_styled {
            format!("{BOLD}{text}{PLAIN}")
        } else {
            text.to_owned()
        }
    }

    /// Writes text and flushes it.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.write(&harmless(text))
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
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
                let error = anyhow::Error::new(error).context("cannot write the output");
                Err(Failure::new(Exit::Host, error)
                    .next("check where standard output is redirected"))
            }
        }
    }

    /// Writes a JSON document.
    pub(crate) fn json(&mut self, answer: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(answer)
            .map_err(|error| Failure::new(Exit::Host, error))?;
        self.write(&format!("{text}\n"))
    }

    /// Writes a result in the requested format.
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

/// Writes to standard error, and ignores failures.
pub(crate) fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(harmless(text).as_bytes());
}

/// Escapes control characters, except newlines, tabs and our own styles.
fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let style = [BOLD, PLAIN].into_iter().find(|style| {
            let mut style = style.chars();
            style.next() == Some(character) && rest.as_str().starts_with(style.as_str())
        });
        if let Some(style) = style {
            harmless.push_str(style);
            rest.by_ref()
                .take(style.chars().count().saturating_sub(1))
                .for_each(drop);
        } else if character.is_control() && !matches!(character, '\n' | '\t') {
            harmless.extend(character.escape_default());
        } else {
            harmless.push(character);
        }
    }
    harmless
}

#[cfg(test)]
mod tests;
