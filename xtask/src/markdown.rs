//! Tables in the project's own pages.
//!
//! Only what those pages use: one row a line, no escaped bars, names in backticks.

/// One row of a table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    /// Counted from 1 in the whole page.
    pub(crate) line: usize,
    pub(crate) cells: Vec<&'a str>,
}

/// The rows of every table in the page whose first cell is a name in backticks.
///
/// Headings and rulers have none, and are left out.
pub(crate) fn rows(page: &str) -> Vec<Row<'_>> {
    numbered(page)
        .filter_map(|(line, text)| row(line, text))
        .collect()
}

/// Like [`rows`], but only between the two marker lines; `None` if either is missing.
pub(crate) fn rows_between<'a>(page: &'a str, begin: &str, end: &str) -> Option<Vec<Row<'a>>> {
    let place = |marker: &str| numbered(page).find(|(_, text)| text.trim() == marker);
    let (first, _) = place(begin)?;
    let (last, _) = place(end)?;
    let inside = |line: usize| first < line && line < last;
    Some(
        rows(page)
            .into_iter()
            .filter(|row| inside(row.line))
            .collect(),
    )
}

/// The single name in a cell.
pub(crate) fn name(cell: &str) -> Option<&str> {
    let name = cell.strip_prefix('`')?.strip_suffix('`')?;
    (!name.is_empty() && !name.contains(['`', ' '])).then_some(name)
}

/// The names in a cell, separated by commas; `-` stands for none.
pub(crate) fn names(cell: &str) -> Option<Vec<&str>> {
    match cell {
        "-" => Some(Vec::new()),
        list => list.split(',').map(|item| name(item.trim())).collect(),
    }
}

fn numbered(page: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(page.lines())
}

fn row(line: usize, text: &str) -> Option<Row<'_>> {
    let inner = text.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    name(cells.first()?)?;
    Some(Row { line, cells })
}

#[cfg(test)]
mod tests;
