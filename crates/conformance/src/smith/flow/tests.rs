//! The rules admit the generated programs.

use fusee_instrument::Extensions;

use super::make;
use crate::{Random, smith};

#[test]
fn every_program_is_admitted() {
    for seed in 0..300 {
        let text = make(&mut Random::new(seed), Extensions::ALL);
        let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("{seed}: {error}\n{text}"));
        let rules = smith::rules(seed, Extensions::ALL);
        if let Err(refusal) = fusee_instrument::prepare(&wasm, &rules) {
            panic!("{seed}: {refusal}\n{text}");
        }
    }
}
