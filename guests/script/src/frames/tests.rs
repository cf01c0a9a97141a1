//! Frames that wait, under others and after them.

use super::{Call, DEPTH, Fault, Frames, MEMORY_BYTES, Pause};
use crate::machine::{
    Answer,
    opcode::*,
    tests::{input, push},
};

fn frames() -> Box<Frames> {
    Box::new(Frames::new())
}

fn enter(frames: &mut Frames, input: &[u8]) -> Pause {
    frames.enter(input.len(), |memory| memory.copy_from_slice(input), |_| ())
}

fn resume(frames: &mut Frames, payload: i64) -> Pause {
    let answer = Answer {
        exit_code: 0,
        payload,
    };
    frames.resume(answer, |_| ())
}

/// Adds what it calls to what it has.
fn caller(own: i64) -> Vec<u8> {
    let code = [
        &push(own)[..],
        &push(1),
        &push(53),
        &push(0),
        &push(53),
        &[CALL, DROP, ADD, RETURN],
    ];
    input(&code, &[7; 32])
}

fn range(pause: Pause) -> std::ops::Range<usize> {
    match pause {
        Pause::Calls(Call { input, .. }) => input,
        other => panic!("{other:?}"),
    }
}

#[test]
fn frames_that_wait_stay_as_they_are_under_others() {
    let mut frames = frames();
    for round in 0..3 {
        let mut ranges = Vec::new();
        for level in 0..5 {
            let input = caller(1 << level);
            let range = range(enter(&mut frames, &input));
            assert_eq!(&frames.memory[range.clone()], &input[..53]);
            ranges.push(range);
        }
        let leaf = input(&[&push(round), &[RETURN]], &[]);
        let mut value = match enter(&mut frames, &leaf) {
            Pause::Returned(value) => value,
            other => panic!("{other:?}"),
        };
        for level in (0..5).rev() {
            assert_eq!(
                &frames.memory[ranges[level].clone()],
                &caller(1 << level)[..53]
            );
            value = match resume(&mut frames, value) {
                Pause::Returned(value) => value,
                other => panic!("{other:?}"),
            };
        }
        assert_eq!(value, round + 31);
        assert_eq!(frames.depth, 0);
    }
}

#[test]
fn a_script_that_fails_leaves_those_that_wait() {
    let mut frames = frames();
    range(enter(&mut frames, &caller(5)));
    for bad in [&[255][..], &[ADD], &[]] {
        let bad = input(&[bad], &[]);
        assert!(matches!(enter(&mut frames, &bad), Pause::Failed(_)));
    }
    // One fails after it has waited.
    let code = [&push(1)[..], &push(41), &push(0), &push(0), &[CALL, 255]];
    range(enter(&mut frames, &input(&code, &[7; 40])));
    assert!(matches!(resume(&mut frames, 1), Pause::Failed(_)));
    assert_eq!(resume(&mut frames, 6), Pause::Returned(11));
}

#[test]
fn as_many_scripts_wait_as_calls_can_be_nested() {
    let mut frames = frames();
    for _ in 0..DEPTH {
        range(enter(&mut frames, &caller(1)));
    }
    match enter(&mut frames, &caller(1)) {
        Pause::Failed(fault) => assert_eq!(fault.message, "too many scripts wait"),
        other => panic!("{other:?}"),
    }
    for _ in 0..DEPTH {
        assert_eq!(resume(&mut frames, 2), Pause::Returned(3));
    }
    assert_eq!(frames.depth, 0);
}

#[test]
fn an_input_that_has_no_room_is_not_read() {
    let mut frames = frames();
    let no_room = Pause::Failed(Fault::NO_ROOM);
    let enter_long =
        |frames: &mut Frames, length| frames.enter(length, |_| panic!("no room"), |_| ());
    assert_eq!(enter_long(&mut frames, MEMORY_BYTES + 1), no_room);
    assert_eq!(enter_long(&mut frames, usize::MAX), no_room);

    let whole = input(&[&push(1), &[RETURN]], &[]);
    let mut exact = whole.clone();
    exact.resize(MEMORY_BYTES, 0);
    assert_eq!(enter(&mut frames, &exact), no_room, "for the stack");
    exact.resize(MEMORY_BYTES - 8, 0);
    assert_eq!(enter(&mut frames, &exact), Pause::Returned(1));
    range(enter(&mut frames, &caller(1)));
    assert_eq!(enter(&mut frames, &exact), no_room);
    assert_eq!(enter(&mut frames, &whole), Pause::Returned(1));
    assert_eq!(resume(&mut frames, 0), Pause::Returned(1));
}

#[test]
#[should_panic(expected = "a script waits")]
fn nothing_is_resumed_where_nothing_waits() {
    resume(&mut frames(), 0);
}
