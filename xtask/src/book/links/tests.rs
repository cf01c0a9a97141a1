//! Links of pages that are rendered.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Lead, lead, values, with_titles};

/// Where a link of the page `gas.html` leads to, in this work tree.
fn of(link: &str) -> Result<Lead, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let headings = BTreeMap::from([
        ("gas.html", ["prices"].into()),
        ("limits.html", ["limits", "work"].into()),
    ]);
    lead(root, &headings, "gas.html", link)
}

#[test]
fn links_inside_name_a_page_and_a_heading() {
    for link in [
        "limits.html",
        "limits.html#work",
        "#prices",
        "gas.html#prices",
    ] {
        assert_eq!(of(link), Ok(Lead::Inside), "{link}");
    }
    for link in ["limit.html", "limits.html#prices", "#work", "picture.svg"] {
        of(link).unwrap_err();
    }
    assert_eq!(of("https://example.org/#a"), Ok(Lead::Inside));
}

#[test]
fn links_outside_name_a_file_of_the_work_tree() {
    let outside = |path: &str| Ok(Lead::Outside(path.to_owned()));
    assert_eq!(of("../../calibration.html"), outside("docs/calibration.md"));
    assert_eq!(
        of("../../../SECURITY.html#engines"),
        outside("SECURITY.md#engines")
    );
    assert_eq!(of("../../../guests/wat"), outside("guests/wat"));
    assert_eq!(of("../.."), outside("docs"));
    of("../../no-such-page.html").unwrap_err();
    of("../../../../etc/passwd").unwrap_err();
}

#[test]
fn attributes_have_values() {
    let text = r#"<a href="a.html">a</a> <img src="b.svg"> <a id="c" href="d">"#;
    let found: Vec<_> = values(text, &[" href=\"", " src=\""]).collect();
    assert_eq!(found, ["a.html", "d", "b.svg"]);
}

#[test]
fn links_with_the_name_of_a_file_get_its_title() {
    let page = r##"<h1 class="menu-title">Book</h1><h1 id="a-b"><a class="header" href="#a-b">A <code>b</code></a></h1>"##;
    let pages = BTreeMap::from([("gas.html".to_owned(), page.to_owned())]);
    assert_eq!(
        with_titles(r#"<a href="gas.html#b">gas.md</a>, gas.md"#, &pages),
        r#"<a href="gas.html#b">A <code>b</code></a>, gas.md"#
    );
}
