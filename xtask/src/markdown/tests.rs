//! What counts as a row, and what counts as a name.

use super::{name, names, rows, rows_between};

const PAGE: &str = "\
| crate | may use |
|---|---|
| `before` | - |
<!-- begin -->
| crate | may use |
|---|---|
| `inside` | `a`, `b` |
<!-- end -->
";

#[test]
fn headings_and_rulers_are_no_rows() {
    let lines: Vec<usize> = rows(PAGE).iter().map(|row| row.line).collect();
    assert_eq!(lines, [3, 7]);
}

#[test]
fn markers_bound_the_rows() {
    let rows = rows_between(PAGE, "<!-- begin -->", "<!-- end -->").unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].cells, ["`inside`", "`a`, `b`"]);
    assert_eq!(rows_between(PAGE, "<!-- begin -->", "<!-- fin -->"), None);
}

#[test]
fn names_stand_in_backticks() {
    assert_eq!(name("`engine`"), Some("engine"));
    assert_eq!(name("engine"), None);
    assert_eq!(names("-"), Some(vec![]));
    assert_eq!(names("`a`, `b`"), Some(vec!["a", "b"]));
    assert_eq!(names("`a`, b"), None);
    assert_eq!(names("`a` `b`"), None);
    assert_eq!(names(""), None);
}
