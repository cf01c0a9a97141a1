//! When engines agree, and what is said when they do not.

use super::{On, agree, disagreement};
use crate::failure::Exit;

fn answers(values: &[u32]) -> Vec<On<u32>> {
    let engines = ["wasmtime", "wasmi"].into_iter().cycle();
    engines
        .zip(values)
        .map(|(engine, value)| On { engine, it: *value })
        .collect()
}

#[test]
fn engines_agree_where_every_answer_is_the_same() {
    let verdicts = [&[][..], &[1], &[1, 1], &[1, 2], &[1, 1, 2]]
        .map(|values| agree(&answers(values), u32::eq));
    assert_eq!(verdicts, [true, true, true, false, false]);
}

#[test]
fn a_disagreement_names_the_engines_and_their_answers() {
    let failure = disagreement(&answers(&[1, 2]), u32::to_string);
    assert_eq!(failure.exit(), Exit::Disagreement);
    let text = failure.text();
    assert!(
        text.contains("the engines disagree\n  wasmtime: 1\n  wasmi: 2\n"),
        "{text}"
    );
}
