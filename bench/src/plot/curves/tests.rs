//! Tests of what a picture of latencies shows.

use super::{Curves, LATENCIES, svg};
use crate::{plot::RIGHT, report::Latency};

fn picture() -> String {
    let curves = Curves {
        title: "times",
        sides: vec!["ours", "wasmtime"],
        goal_milliseconds: 10.0,
    };
    let latency = |name, side| Latency {
        name,
        side,
        milliseconds: vec![100.0, 1.0],
    };
    let latencies = [
        latency("cancel/loop", "ours"),
        latency("cancel/loop", "wasmtime"),
        latency("cancel/calls", "ours"),
    ];
    svg(&curves, &latencies)
}

#[test]
fn a_curve_rises_by_a_share_at_each_time_the_least_first() {
    let (first, last) = (LATENCIES.position(1e6), LATENCIES.position(1e8));
    let path = format!("M205.0 178.0H{first:.1}V113.0H{last:.1}V48.0H{RIGHT:.1}");
    assert!(picture().contains(&path), "{path}");
}

#[test]
fn a_name_has_a_panel_and_a_goal_and_a_side_of_it_a_curve() {
    let picture = picture();
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    for name in ["cancel/loop", "cancel/calls"] {
        assert_eq!(picture.matches(&format!(">{name}</text>")).count(), 1);
    }
    assert_eq!(picture.matches("the goal").count(), 2);
    assert_eq!(picture.matches("<path ").count(), 3);
}
