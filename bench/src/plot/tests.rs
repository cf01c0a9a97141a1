//! Tests of where points stand, and of what a picture shows.

use super::{LEFT, RIGHT, TIMES, number, points, svg};
use crate::{
    measure::pairs,
    report::{Row, Unit},
};

fn rows() -> Vec<Row> {
    let row = |name: &str, peer_name, unit| {
        Row::new(name.into(), peer_name, unit, &pairs(&[2e-6], &[4e-6]))
    };
    vec![
        row("call/fresh/tiny", "wasmtime", Unit::Microseconds),
        row(
            "call/fresh/tiny",
            "cosmwasm-vm file, no call",
            Unit::Microseconds,
        ),
        row("threads/2/tiny", "wasmtime", Unit::Microseconds),
        row("suspended/1000", "wasmtime", Unit::Kibibytes),
    ]
}

#[test]
fn a_time_stands_where_its_logarithm_says() {
    assert!((TIMES.position(1.0) - LEFT).abs() < 1e-9);
    assert!((TIMES.position(1e9) - RIGHT).abs() < 1e-9);
    let step = TIMES.position(100.0) - TIMES.position(10.0);
    assert!((TIMES.position(1e6) - TIMES.position(1e5) - step).abs() < 1e-9);
    assert!((TIMES.position(1e12) - RIGHT).abs() < 1e-9);
}

#[test]
fn a_lane_has_one_point_of_ours_and_one_of_each_peer() {
    let rows = rows();
    let found: Vec<_> = points(&rows)
        .into_iter()
        .map(|point| (point.lane, point.side, point.title))
        .collect();
    let expected = [
        ("call/fresh/tiny", "ours", "ours: 2.00 us".to_owned()),
        (
            "call/fresh/tiny",
            "wasmtime",
            "wasmtime: 4.00 us".to_owned(),
        ),
        (
            "call/fresh/tiny",
            "cosmwasm-vm",
            "cosmwasm-vm file, no call: 4.00 us".to_owned(),
        ),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_picture_is_closed_and_names_its_lanes() {
    let svg = svg(&rows());
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains(">call/fresh/tiny</text>"));
    assert!(!svg.contains("threads"));
}

#[test]
fn numbers_have_three_figures_or_so() {
    assert_eq!([1.234, 12.34, 1234.5].map(number), ["1.23", "12.3", "1234"]);
}
