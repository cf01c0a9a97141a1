//! Symbols: the names of functions as their authors wrote them.

use std::fmt::{self, Write};

/// Maximum size of a demangled name, in bytes. A short hostile symbol can expand to a megabyte.
const MAX_BYTES: usize = 1_024;

/// Digits of the hash at the end of a Rust symbol.
const HASH_DIGITS: usize = 16;

/// Demangles a Rust symbol and drops its hash. Other names stay as they are.
///
/// Linkers demangle some symbols and keep the hash, so it is dropped there as well.
pub(crate) fn demangled(symbol: &str) -> String {
    let name = rustc_demangle::try_demangle(symbol).ok().and_then(|name| {
        let mut bounded = Bounded(String::new());
        write!(bounded, "{name:#}").ok()?;
        Some(bounded.0)
    });
    let name = name.unwrap_or_else(|| symbol.to_owned());
    without_hash(&name).to_owned()
}

fn without_hash(name: &str) -> &str {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == HASH_DIGITS && hash.bytes().all(is_digit) => path,
        _ => name,
    }
}

/// A string that takes at most `MAX_BYTES`.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len().saturating_add(text.len()) > MAX_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
