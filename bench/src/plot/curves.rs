//! The picture of latencies: for each name a panel, for each side a curve, which says what share of
//! the times is no longer than that.

#[cfg(test)]
mod tests;

use std::fmt::{self, Write};

use super::{LANE, LEFT, RIGHT, Scale, TOP, legend, open};
use crate::report::Latency;

/// What a picture shows.
#[derive(Debug)]
pub(crate) struct Curves {
    pub(crate) title: &'static str,
    /// In the order of the legend.
    pub(crate) sides: Vec<&'static str>,
    pub(crate) goal_milliseconds: f64,
}

/// From ten microseconds to a second.
const LATENCIES: Scale = Scale { first: 4, last: 9 };

/// Of sides, as many as there are.
const COLOURS: &[&str] = &["#e8590c", "#2f9e6e", "#4c8ed9", "#a06cd5", "#8a8f98"];

const GOAL_COLOUR: &str = "#d6336c";

/// Of a panel, and between two of them.
const PANEL: f64 = 130.0;
const GAP: f64 = 44.0;

/// Shares that have a line.
const SHARES: &[(f64, &str)] = &[(0.0, "0"), (0.5, "50 %"), (0.9, "90 %"), (1.0, "100 %")];

/// The picture of all of them.
pub(crate) fn svg(curves: &Curves, latencies: &[Latency]) -> String {
    let mut svg = String::new();
    // Writing to a string does not fail.
    let _ = curves.draw(&mut svg, latencies);
    svg
}

impl Curves {
    fn draw(&self, svg: &mut String, latencies: &[Latency]) -> fmt::Result {
        let mut names: Vec<&str> = latencies.iter().map(|latency| latency.name).collect();
        names.dedup();
        let height = names.iter().fold(TOP, |y, _| y + PANEL + GAP);
        open(svg, height, self.title)?;
        let sides: Vec<(&str, &str)> = self
            .sides
            .iter()
            .copied()
            .zip(COLOURS.iter().copied())
            .collect();
        legend(svg, &sides)?;
        let mut top = TOP;
        for name in names {
            let of_name = latencies.iter().filter(|latency| latency.name == name);
            self.panel(svg, name, top, of_name)?;
            top += PANEL + GAP;
        }
        writeln!(svg, "</svg>")
    }

    fn panel<'a>(
        &self,
        svg: &mut String,
        name: &str,
        top: f64,
        latencies: impl Iterator<Item = &'a Latency>,
    ) -> fmt::Result {
        let below = top + PANEL;
        writeln!(
            svg,
            r#"<text x="10" y="{:.1}">{name}</text>"#,
            top + PANEL / 2.0
        )?;
        LATENCIES.draw(svg, top, below)?;
        for (share, text) in SHARES {
            let y = below - share * PANEL;
            writeln!(
                svg,
                r#"<line x1="{LEFT}" y1="{y:.1}" x2="{RIGHT}" y2="{y:.1}"/>"#
            )?;
            writeln!(
                svg,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{text}</text>"#,
                LEFT - 14.0,
                y + 4.0
            )?;
        }
        let goal = LATENCIES.position(self.goal_milliseconds * 1e6);
        writeln!(
            svg,
            r#"<line x1="{goal:.1}" y1="{:.1}" x2="{goal:.1}" y2="{below}" style="stroke:{GOAL_COLOUR}" stroke-width="2" stroke-dasharray="6 4"><title>the goal</title></line>"#,
            top - LANE / 4.0
        )?;
        for latency in latencies {
            let position = self.sides.iter().position(|side| *side == latency.side);
            let colour = position.and_then(|position| COLOURS.get(position));
            curve(svg, below, latency, colour.unwrap_or(&"#8a8f98"))?;
        }
        Ok(())
    }
}

/// A step up for each time.
fn curve(svg: &mut String, below: f64, latency: &Latency, colour: &str) -> fmt::Result {
    let sorted = latency.sorted();
    let mut path = format!("M{LEFT:.1} {below:.1}");
    let step = PANEL / f64::from(u32::try_from(sorted.len()).unwrap_or(u32::MAX));
    let mut y = below;
    for milliseconds in &sorted {
        let x = LATENCIES.position(milliseconds * 1e6);
        y -= step;
        write!(path, "H{x:.1}V{y:.1}")?;
    }
    write!(path, "H{RIGHT:.1}")?;
    writeln!(
        svg,
        r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"><title>{}</title></path>"#,
        latency.side
    )
}
