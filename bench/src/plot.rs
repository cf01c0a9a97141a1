//! The pictures of pages, with times on a logarithmic scale. Here is the one of rows: a lane for
//! each thing to do, a point for each side. That of latencies is in `curves`.
//!
//! It is plain SVG, whose text takes the colour of a light or a dark page.

pub(crate) mod curves;
#[cfg(test)]
mod tests;

use std::fmt::{self, Write};

use crate::report::Row;

/// Sides in the order of the legend, with colours that can be told apart on light and on dark
/// ground.
const SIDES: &[(&str, &str)] = &[
    (OURS, "#e8590c"),
    ("wasmtime", "#4c8ed9"),
    ("wasmi", "#2f9e6e"),
    ("wasmer", "#a06cd5"),
    ("polkavm", "#d6336c"),
    ("sc-virtualization", "#b08900"),
    ("cosmwasm-vm", "#8a8f98"),
    ("soroban-env-host", "#b08900"),
    ("BTreeMap", "#a06cd5"),
    ("redb", "#4c8ed9"),
    ("limit", "#8a8f98"),
];

const OURS: &str = "ours";

const STYLE: &str = "<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
line { stroke: #d0d7de }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } line { stroke: #3d444d } }
</style>";

/// Where the scale begins and ends, in pixels from the left.
const LEFT: f64 = 205.0;
const RIGHT: f64 = 780.0;
const WIDTH: f64 = 800.0;

/// Between two lanes, and above the first.
const LANE: f64 = 26.0;
const TOP: f64 = 48.0;

/// What a scale calls the powers of ten of nanoseconds.
const POWERS: [&str; 10] = [
    "1 ns", "10 ns", "100 ns", "1 us", "10 us", "100 us", "1 ms", "10 ms", "100 ms", "1 s",
];

/// A logarithmic scale of times: the powers of ten of nanoseconds at its ends.
#[derive(Clone, Copy, Debug)]
struct Scale {
    first: u32,
    last: u32,
}

/// From a nanosecond to a second.
const TIMES: Scale = Scale { first: 0, last: 9 };

/// A side's time in one lane.
struct Point<'a> {
    lane: &'a str,
    side: &'a str,
    nanoseconds: f64,
    /// What it tells when it is pointed at.
    title: String,
}

/// The rows that are times; those on several threads say the same as those on one.
pub(crate) fn svg(rows: &[Row]) -> String {
    let points = points(rows);
    let mut lanes: Vec<&str> = points.iter().map(|point| point.lane).collect();
    lanes.dedup();
    let mut svg = String::new();
    // Writing to a string does not fail.
    let _ = draw(&mut svg, &lanes, &points);
    svg
}

/// A number with three figures or so.
pub(crate) fn number(number: f64) -> String {
    let decimals = match number {
        n if n < 10.0 => 2,
        n if n < 100.0 => 1,
        _ => 0,
    };
    format!("{number:.decimals$}")
}

fn points(rows: &[Row]) -> Vec<Point<'_>> {
    let mut points: Vec<Point<'_>> = Vec::new();
    for row in rows.iter().filter(|row| !row.name.starts_with("threads/")) {
        let Some(nanoseconds) = nanoseconds_of(row.unit) else {
            continue;
        };
        let point = |side, name, time: f64| Point {
            lane: &row.name,
            side,
            nanoseconds: time * nanoseconds,
            title: format!("{name}: {} {}", number(time), row.unit),
        };
        if points.last().is_none_or(|above| above.lane != row.name) {
            points.push(point(OURS, OURS, row.ours));
        }
        // Of a name, the first word is who it is, and the rest how.
        let side = row.peer_name.split([' ', ',']).next().unwrap_or_default();
        points.push(point(side, row.peer_name, row.peer));
    }
    points
}

/// The nanoseconds of a unit of time.
pub(crate) fn nanoseconds_of(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1.0),
        "us" => Some(1e3),
        "ms" => Some(1e6),
        _ => None,
    }
}

fn draw(svg: &mut String, lanes: &[&str], points: &[Point<'_>]) -> fmt::Result {
    let below = (0..lanes.len()).fold(TOP, |y, _| y + LANE);
    let height = below + LANE;
    open(svg, height, "Times of Fusee and its peers")?;
    let is_there = |side: &&(&str, &str)| points.iter().any(|point| point.side == side.0);
    let sides: Vec<_> = SIDES.iter().filter(is_there).copied().collect();
    legend(svg, &sides)?;
    TIMES.draw(svg, TOP, below)?;
    let mut y = TOP + LANE / 2.0;
    for lane in lanes {
        writeln!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{lane}</text>"#,
            LEFT - 14.0,
            y + 4.0
        )?;
        // Ours comes first, and is drawn last, so that nothing hides it.
        for point in points.iter().rev().filter(|point| point.lane == *lane) {
            point.draw(svg, y)?;
        }
        y += LANE;
    }
    writeln!(svg, "</svg>")
}

fn open(svg: &mut String, height: f64, title: &str) -> fmt::Result {
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">"#
    )?;
    writeln!(svg, "<title>{title}</title>\n{STYLE}")
}

fn legend(svg: &mut String, sides: &[(&str, &str)]) -> fmt::Result {
    let mut x = LEFT;
    let count = u32::try_from(sides.len()).unwrap_or(1).max(1);
    let pitch = (RIGHT - LEFT + 15.0) / f64::from(count);
    for (side, colour) in sides {
        writeln!(
            svg,
            r#"<circle cx="{x:.1}" cy="20" r="6" fill="{colour}"/>"#
        )?;
        writeln!(svg, r#"<text x="{:.1}" y="24">{side}</text>"#, x + 12.0)?;
        x += pitch;
    }
    Ok(())
}

impl Point<'_> {
    fn draw(&self, svg: &mut String, y: f64) -> fmt::Result {
        let x = TIMES.position(self.nanoseconds);
        let colour = SIDES
            .iter()
            .find(|(side, _)| *side == self.side)
            .map_or("#8a8f98", |(_, colour)| colour);
        let radius = if self.side == OURS { 7.0 } else { 5.0 };
        writeln!(
            svg,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{colour}" fill-opacity="0.85"><title>{}</title></circle>"#,
            self.title
        )
    }
}

impl Scale {
    /// Where a time stands; those beyond an end stand at it.
    fn position(self, nanoseconds: f64) -> f64 {
        let (first, last) = (f64::from(self.first), f64::from(self.last));
        let share = (nanoseconds.log10() - first) / (last - first);
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// A line for each power of ten, and its name below.
    fn draw(self, svg: &mut String, top: f64, below: f64) -> fmt::Result {
        for (power, name) in (0_u32..).zip(POWERS) {
            if !(self.first..=self.last).contains(&power) {
                continue;
            }
            let x = self.position(10_f64.powf(f64::from(power)));
            writeln!(
                svg,
                r#"<line x1="{x:.1}" y1="{top}" x2="{x:.1}" y2="{below}"/>"#
            )?;
            writeln!(
                svg,
                r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{name}</text>"#,
                below + 18.0
            )?;
        }
        Ok(())
    }
}
