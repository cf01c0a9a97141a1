//! Tests of the arithmetic, and of the order in which sides are measured.

use std::{cell::RefCell, rc::Rc, time::Duration};

use super::{Comparison, Gauge, Quartiles, Side, by_turns, geometric_mean, interleave};

#[test]
fn quartiles_lie_between_the_numbers() {
    let found = Quartiles::of([4.0, 1.0, 3.0, 2.0]);
    assert_eq!([found.low, found.median, found.high], [1.75, 2.5, 3.25],);
    let found = Quartiles::of([7.0]);
    assert_eq!([found.low, found.median, found.high], [7.0, 7.0, 7.0]);
    assert!(Quartiles::of([]).median.is_nan());
}

#[test]
fn geometric_mean_of_a_ratio_and_its_inverse_is_one() {
    assert!((geometric_mean([4.0, 0.25]) - 1.0).abs() < 1e-12);
    assert!(geometric_mean([]).is_nan());
}

#[test]
fn sides_are_measured_by_turns_and_the_first_round_does_not_count() {
    let log = Rc::new(RefCell::new(String::new()));
    let side = |letter: char| -> Side {
        let log = Rc::clone(&log);
        Box::new(move || {
            log.borrow_mut().push(letter);
            Ok(Duration::from_secs(1))
        })
    };
    let mut comparisons = [
        Comparison {
            ours: side('a'),
            peer: side('b'),
        },
        Comparison {
            ours: side('c'),
            peer: side('d'),
        },
    ];
    let samples = interleave(&mut comparisons, 2).expect("no side fails");
    assert_eq!(*log.borrow(), "abcdabcdabcd");
    assert_eq!(samples.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn gauges_are_read_by_turns_and_the_first_round_does_not_count() {
    let log = Rc::new(RefCell::new(String::new()));
    let gauge = |letter: char| -> Gauge {
        let log = Rc::clone(&log);
        let mut reading = 0.0;
        Box::new(move || {
            log.borrow_mut().push(letter);
            reading += 1.0;
            Ok(reading)
        })
    };
    let mut gauges = [gauge('a'), gauge('b'), gauge('c')];
    let readings = by_turns(&mut gauges, 2).expect("no gauge fails");
    assert_eq!(*log.borrow(), "abcabcabc");
    assert_eq!(readings, vec![vec![2.0, 3.0]; 3]);
}
