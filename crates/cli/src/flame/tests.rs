//! The geometry of flame graphs: boxes lie in each other, and names lie in their boxes.

use super::{Kind, LETTER, PADDING, Stacks, WIDTH, letters, shortened, svg};
use crate::profile::Frame;

fn frame(name: &str) -> Frame {
    Frame {
        name: name.to_owned(),
        kind: Kind::Function,
    }
}

/// The value of an attribute, in thousandths.
fn attribute(tag: &str, name: &str) -> u64 {
    let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap();
    let (value, _) = rest.split_once('"').unwrap();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "000"));
    whole.parse::<u64>().unwrap() * 1_000 + fraction.parse::<u64>().unwrap()
}

#[test]
fn names_do_not_outgrow_their_boxes() {
    let long = "<alloc::vec::Vec<u8> as core::fmt::Write>::write_str".repeat(9);
    let wide = "\u{6f22}".repeat(300);
    let mut stacks = Stacks::new();
    for (path, gas) in [
        (vec![long.as_str()], 500),
        (vec![long.as_str(), wide.as_str()], 300),
        (vec![long.as_str(), "short"], 100),
        (vec!["a_name_of_thirty_three_characters"], 60),
        (vec!["tiny"], 1),
    ] {
        stacks.insert(path.into_iter().map(frame).collect(), gas);
    }
    let image = svg(&"title ".repeat(90), &stacks);
    let mut named = 0;
    for group in image.split("<g>").skip(1) {
        let (_, rest) = group.split_once("<title>").unwrap();
        let (title, rest) = rest.split_once(": ").unwrap_or((rest, ""));
        let (_, tag) = rest.split_once("<rect").unwrap_or(("", rest));
        let (left, width) = (attribute(tag, "x"), attribute(tag, "width"));
        assert!(left + width <= WIDTH * 1_000, "{group}");
        let Some((_, text)) = group.split_once("<svg") else {
            continue;
        };
        named += 1;
        // What clips the text is exactly the box.
        assert_eq!(attribute(text, "x"), left);
        assert_eq!(attribute(text, "width"), width);
        let (_, text) = text.split_once("y=\"13\">").unwrap();
        let (shown, _) = text.split_once("</text>").unwrap();
        let shown = shown.replace("&lt;", "<").replace("&gt;", ">");
        let needed: u64 = shown.chars().map(letters).sum();
        assert!(
            PADDING + needed * LETTER + PADDING <= width,
            "{shown}: {width}"
        );
        assert!(!title.contains('…'), "{title}");
    }
    assert_eq!(named, 5, "{image}");
    let escaped = long.replace('<', "&lt;").replace('>', "&gt;");
    assert!(image.contains(&format!(
        "<title>{escaped}: 900 gas (93.7%), self 500 gas</title>"
    )));
    assert!(image.contains(">short</text>"), "{image}");
}

#[test]
fn a_name_is_cut_where_its_box_ends() {
    let room = |letters: u64| 2 * PADDING + letters * LETTER;
    assert_eq!(shortened("transfer", room(8)), "transfer");
    assert_eq!(shortened("transfer", room(8) - 1), "transf…");
    assert_eq!(shortened("transfer", room(3)), "tr…");
    assert_eq!(shortened("transfer", room(3) - 1), "");
    assert_eq!(
        shortened("\u{6f22}\u{6f22}\u{6f22}", room(5)),
        "\u{6f22}\u{6f22}…"
    );
}
