//! Names that are any bytes, as text.
//!
//! A name that is UTF-8 without a backslash is itself. Of all others, each backslash and each byte
//! that is not ASCII becomes `\xNN`. So two names never have the same text.

use std::borrow::Cow;

/// The text of a name.
#[must_use]
pub fn escape(name: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(name) {
        Ok(text) if !text.contains('\\') => Cow::Borrowed(text),
        _ => {
            let escaped = |byte: &u8| match byte {
                b'\\' | 0x80.. => format!("\\x{byte:02x}"),
                ascii => char::from(*ascii).to_string(),
            };
            Cow::Owned(name.iter().map(escaped).collect())
        }
    }
}

/// The name with this text. A text of no name is the name itself.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, [u8]> {
    let escaped = || {
        let mut parts = text.split('\\');
        let mut name = parts.next()?.as_bytes().to_vec();
        for part in parts {
            let (digits, rest) = part.strip_prefix('x')?.split_at_checked(2)?;
            name.push(u8::from_str_radix(digits, 16).ok()?);
            name.extend(rest.as_bytes());
        }
        Some(name)
    };
    match text.contains('\\').then(escaped).flatten() {
        Some(name) => Cow::Owned(name),
        None => Cow::Borrowed(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests;
