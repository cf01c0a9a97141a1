//! Rust sources as text: words, and the code without comments and literals.
//!
//! This is a scanner, not a parser. It knows just enough of the language to tell code from prose.

/// Whether the line says the word, alone or as a part of an identifier, in any case and number:
/// `account` is in "two accounts", `ACCOUNT_BYTES`, `from_account` and `AccountKey`, not in
/// "accounted".
pub(crate) fn says(line: &str, word: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    lower.match_indices(word).any(|(start, found)| {
        let (Some(before), Some(rest)) = (line.get(..start), line.get(start..)) else {
            return false;
        };
        let (Some(itself), Some(after)) = (rest.get(..found.len()), rest.get(found.len()..)) else {
            return false;
        };
        let after = after.strip_prefix(['s', 'S']).unwrap_or(after);
        starts_word(before, itself) && ends_word(itself, after)
    })
}

fn starts_word(before: &str, itself: &str) -> bool {
    match (before.chars().next_back(), itself.chars().next()) {
        (Some(left), Some(right)) if left.is_alphabetic() => {
            left.is_lowercase() && right.is_uppercase()
        }
        _ => true,
    }
}

fn ends_word(itself: &str, after: &str) -> bool {
    match (itself.chars().next_back(), after.chars().next()) {
        (Some(left), Some(right)) if right.is_alphabetic() => {
            left.is_lowercase() && right.is_uppercase()
        }
        _ => true,
    }
}

/// Whether the code uses the keyword or identifier, whole.
pub(crate) fn uses(code: &str, identifier: &str) -> bool {
    let continues = |character: char| !(character.is_alphanumeric() || character == '_');
    code.split(continues).any(|found| found == identifier)
}

/// The source with comments and literals made blank; line breaks stay where they are.
pub(crate) fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (length, kind) = token(rest, first, code.chars().next_back());
        let (taken, left) = rest.split_at(length.min(rest.len()));
        match kind {
            Kind::Code => code.push_str(taken),
            Kind::Prose => code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' })),
        }
        rest = left;
    }
    code
}

/// A line that consists of a line comment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LineComment<'a> {
    /// The number of the line, from 1.
    pub(crate) line: usize,
    /// The comment, from its slashes on.
    pub(crate) text: &'a str,
    /// The comment with its indentation.
    pub(crate) whole_line: &'a str,
}

/// The lines that consist of a line comment. Comments after code are not included.
pub(crate) fn line_comments(source: &str) -> Vec<LineComment<'_>> {
    let mut comments = Vec::new();
    let (mut rest, mut previous) = (source, None);
    let (mut line, mut line_start) = (1_usize, 0_usize);
    while let Some(first) = rest.chars().next() {
        let (length, _) = token(rest, first, previous);
        let (taken, left) = rest.split_at(length.min(rest.len()));
        let at = source.len().saturating_sub(rest.len());
        let indent = source.get(line_start..at).unwrap_or_default();
        if taken.starts_with("//") && indent.trim().is_empty() {
            let end = at.saturating_add(taken.len());
            comments.push(LineComment {
                line,
                text: taken,
                whole_line: source.get(line_start..end).unwrap_or_default(),
            });
        }
        line = line.saturating_add(taken.matches('\n').count());
        if let Some(newline) = taken.rfind('\n') {
            line_start = at.saturating_add(newline).saturating_add(1);
        }
        previous = taken.chars().next_back();
        rest = left;
    }
    comments
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Code,
    Prose,
}

/// How long the next piece is, and what it is.
fn token(rest: &str, first: char, previous: Option<char>) -> (usize, Kind) {
    let in_word = previous.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        (rest.find('\n').unwrap_or(rest.len()), Kind::Prose)
    } else if rest.starts_with("/*") {
        (block_comment(rest), Kind::Prose)
    } else if let Some(length) = raw_string(rest).filter(|_| !in_word) {
        (length, Kind::Prose)
    } else if first == '"' {
        (quoted(rest, '"'), Kind::Prose)
    } else if first == '\'' && is_character(rest) {
        (quoted(rest, '\''), Kind::Prose)
    } else {
        (first.len_utf8(), Kind::Code)
    }
}

/// The length of a block comment, nested ones included.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut marks = rest.char_indices();
    while let Some((at, _)) = marks.next() {
        let here = rest.get(at..).unwrap_or_default();
        let step = match here {
            _ if here.starts_with("/*") => depth.saturating_add(1),
            _ if here.starts_with("*/") => depth.saturating_sub(1),
            _ => continue,
        };
        depth = step;
        marks.next();
        if depth == 0 {
            return at.saturating_add(2);
        }
    }
    rest.len()
}

/// The length of a raw string (`r`, `br` or `cr`, any number of hashes), if one starts here.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest
        .strip_prefix('b')
        .or_else(|| rest.strip_prefix('c'))
        .unwrap_or(rest);
    let after = after.strip_prefix('r')?;
    let body = after.trim_start_matches('#');
    let hashes = after.len().saturating_sub(body.len());
    let body = body.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let left = body
        .find(&end)
        .and_then(|at| body.get(at.saturating_add(end.len())..))
        .unwrap_or_default();
    Some(rest.len().saturating_sub(left.len()))
}

/// The length of a literal between two marks, in which a backslash hides the next character.
fn quoted(rest: &str, mark: char) -> usize {
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == mark {
            return at.saturating_add(1);
        }
    }
    rest.len()
}

/// Whether a quote begins a character, not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut characters = rest.chars().skip(1);
    match characters.next() {
        Some('\\') => true,
        Some(_) => characters.next() == Some('\''),
        None => false,
    }
}

#[cfg(test)]
mod tests;
