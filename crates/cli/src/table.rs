//! Tables of text: columns as wide as their widest cell.

/// Alignment of the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Formats rows as lines, indented by `indent` spaces.
pub(crate) fn table<const N: usize>(indent: usize, rows: &[[String; N]]) -> String {
    aligned(indent, [Align::Left; N], rows)
}

/// Formats rows with an alignment per column.
pub(crate) fn aligned<const N: usize>(
    indent: usize,
    columns: [Align; N],
    rows: &[[String; N]],
) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for ((cell, width), align) in row.iter().zip(widths).zip(columns) {
            line.push_str(&match align {
                Align::Left => format!("{cell:<width$}  "),
                Align::Right => format!("{cell:>width$}  "),
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
