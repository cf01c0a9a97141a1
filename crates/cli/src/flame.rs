//! Flame graphs: stacks of frames as an SVG image.
//!
//! The width of a frame is its total gas. Callees are drawn below their caller; the part of a frame
//! with nothing below it is its self gas. The title of each frame states both numbers and the full
//! name. Equal stacks produce equal images.

use std::{collections::BTreeMap, fmt::Write};

use crate::{
    numbers::grouped,
    profile::{Frame, Kind, Stacks, share},
};

/// Width of the image in pixels.
const WIDTH: u64 = 1_200;
/// Height of a frame in pixels.
const ROW: usize = 18;
/// Upper bound of the width of a monospace letter of 12 pixels, in thousandths of a pixel.
const LETTER: u64 = 7_250;
/// Space at either side of a name, in thousandths of a pixel.
const PADDING: u64 = 3_000;
/// Frames with room for fewer letters than this have no name.
const MIN_LETTERS: u64 = 3;

/// A frame with its callees: the gas of all of them together, and its self gas.
#[derive(Default)]
struct Node {
    total: u64,
    own: u64,
    callees: BTreeMap<Frame, Node>,
}

/// The image so far.
struct Canvas {
    total: u64,
    svg: String,
}

/// Draws the stacks below one frame, which has the given title.
pub(crate) fn svg(title: &str, stacks: &Stacks) -> String {
    let mut root = Node::default();
    for (stack, gas) in stacks {
        root.add(stack, *gas);
    }
    let height = root.rows() * ROW;
    let mut canvas = Canvas {
        total: root.total.max(1),
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
        self.total = self.total.saturating_add(gas);
        match stack.split_first() {
            Some((first, rest)) => {
                let callee = self.callees.entry(first.clone()).or_default();
                callee.add(rest, gas);
            }
            None => self.own = self.own.saturating_add(gas),
        }
    }

    fn rows(&self) -> usize {
        let callees = self.callees.values().map(Node::rows).max();
        callees.unwrap_or_default().saturating_add(1)
    }
}

impl Canvas {
    /// Draws a frame in its row, `before` gas from the left edge, and its callees below it.
    fn draw(&mut self, frame: &Frame, node: &Node, row: usize, before: u64) {
        let (left, width) = (self.scaled(before), self.scaled(node.total));
        let y = row * ROW;
        // Writing into a string cannot fail.
        let _ = write!(
            self.svg,
            "<g><title>{}: {} gas ({}), self {} gas</title>\
             <rect x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{ROW}\" fill=\"{}\" stroke=\"white\" stroke-width=\"0.5\"/>",
            escaped(&frame.name),
            grouped(node.total),
            share(node.total, self.total),
            grouped(node.own),
            thousandths(left),
            thousandths(width),
            colour(frame),
        );
        let name = shortened(&frame.name, width);
        if !name.is_empty() {
            // A nested image clips its text, whatever font draws it.
            let _ = write!(
                self.svg,
                "<svg x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{ROW}\"><text x=\"{}\" y=\"13\">{}</text></svg>",
                thousandths(left),
                thousandths(width),
                thousandths(PADDING),
                escaped(&name),
            );
        }
        self.svg.push_str("</g>\n");
        let mut before = before;
        for (frame, node) in &node.callees {
            self.draw(frame, node, row + 1, before);
            before = before.saturating_add(node.total);
        }
    }

    /// The width of so much gas, in thousandths of a pixel.
    fn scaled(&self, gas: u64) -> u64 {
        let scaled = u128::from(gas) * u128::from(WIDTH) * 1_000 / u128::from(self.total);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

/// As much of a name as a frame of this width has room for. A name that is cut ends in an ellipsis.
fn shortened(name: &str, width: u64) -> String {
    let room = width.saturating_sub(2 * PADDING) / LETTER;
    if room < MIN_LETTERS {
        return String::new();
    }
    let needed = name.chars().map(letters).fold(0, u64::saturating_add);
    if needed <= room {
        return name.to_owned();
    }
    let mut left = room.saturating_sub(letters('…'));
    let mut short: String = name
        .chars()
        .take_while(|character| {
            let fits = letters(*character) <= left;
            left = left.saturating_sub(letters(*character));
            fits
        })
        .collect();
    short.push('…');
    short
}

/// The room that a character takes, in letters. Some scripts are twice as wide as Latin.
const fn letters(character: char) -> u64 {
    if character.is_ascii() || character == '…' {
        1
    } else {
        2
    }
}

fn thousandths(number: u64) -> String {
    format!("{}.{:03}", number / 1_000, number % 1_000)
}

/// The colour of a frame: warm for functions, in shades by name; blue for syscalls.
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

#[cfg(test)]
mod tests;
