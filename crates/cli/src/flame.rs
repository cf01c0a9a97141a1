//! Flame graphs: stacks as an image, in SVG.
//!
//! A frame is as wide as what it cost, and stands below the frame that called it; where nothing stands below it, that is
//! its own. The title of each frame says both, exactly. The same stacks are the same image.

use std::{collections::BTreeMap, fmt::Write};

use crate::{
    numbers::grouped,
    profile::{Frame, Kind, Stacks, share},
};

/// How wide the image is.
const WIDTH: u64 = 1_200;
/// How high a frame is.
const ROW: usize = 18;
/// How wide a letter is.
const LETTER: u64 = 7;

/// A frame, what it cost with all below it, and what it cost by itself.
#[derive(Default)]
struct Node {
    whole: u64,
    own: u64,
    below: BTreeMap<Frame, Node>,
}

/// Where frames are drawn.
struct Canvas {
    total: u64,
    svg: String,
}

/// The stacks as an image.
pub(crate) fn svg(title: &str, stacks: &Stacks) -> String {
    let mut root = Node::default();
    for (stack, gas) in stacks {
        root.add(stack, *gas);
    }
    let height = root.rows() * ROW;
    let mut canvas = Canvas {
        total: root.whole.max(1),
        svg: format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" font-family=\"monospace\" font-size=\"12\">\n"
        ),
    };
    let all = Frame {
        name: title.to_owned(),
        kind: Kind::Other,
    };
    canvas.draw(&all, &root, 0, 0);
    canvas.svg.push_str("</svg>\n");
    canvas.svg
}

impl Node {
    fn add(&mut self, stack: &[Frame], gas: u64) {
        self.whole = self.whole.saturating_add(gas);
        match stack.split_first() {
            Some((first, rest)) => self.below.entry(first.clone()).or_default().add(rest, gas),
            None => self.own = self.own.saturating_add(gas),
        }
    }

    fn rows(&self) -> usize {
        let below = self.below.values().map(Node::rows).max();
        below.unwrap_or_default().saturating_add(1)
    }
}

impl Canvas {
    /// Draws a frame in its row, with `before` gas to its left, and what is below it.
    fn draw(&mut self, frame: &Frame, node: &Node, row: usize, before: u64) {
        let (x, width) = (self.scaled(before), self.scaled(node.whole));
        let y = row * ROW;
        let letters = width / 1_000 / LETTER;
        let name: String = match usize::try_from(letters) {
            Ok(letters) if letters > 2 => frame.name.chars().take(letters).collect(),
            _ => String::new(),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(
            self.svg,
            "<g><title>{}: {} gas, {}, {} its own</title>\
             <rect x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{ROW}\" fill=\"{}\" stroke=\"white\" stroke-width=\"0.5\"/>\
             <text x=\"{}\" y=\"{}\">{}</text></g>",
            escaped(&frame.name),
            grouped(node.whole),
            share(node.whole, self.total),
            grouped(node.own),
            thousandths(x),
            thousandths(width),
            colour(frame),
            thousandths(x.saturating_add(3_000)),
            y + 13,
            escaped(&name),
        );
        let mut before = before;
        for (frame, node) in &node.below {
            self.draw(frame, node, row + 1, before);
            before = before.saturating_add(node.whole);
        }
    }

    /// How wide so much gas is, in thousandths.
    fn scaled(&self, gas: u64) -> u64 {
        let scaled = u128::from(gas) * u128::from(WIDTH) * 1_000 / u128::from(self.total);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

fn thousandths(number: u64) -> String {
    format!("{}.{:03}", number / 1_000, number % 1_000)
}

/// Functions are warm, in shades by their names; syscalls are blue.
fn colour(frame: &Frame) -> String {
    let mixed = frame.name.bytes().fold(7_u32, |mixed, byte| {
        mixed.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    match frame.kind {
        Kind::Function => format!("rgb({},{},80)", 220 + mixed % 35, 120 + mixed / 35 % 90),
        Kind::Syscall => format!("rgb(110,{},230)", 160 + mixed % 50),
        Kind::Other => "rgb(200,200,200)".to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
