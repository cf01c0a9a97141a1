//! The rules admit the generated programs.

use super::make;
use crate::{Random, smith};

#[test]
fn every_program_is_admitted() {
    for seed in 0..300 {
        let text = make(&mut Random::new(seed));
        let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("{seed}: {error}\n{text}"));
        if let Err(refusal) = fusee_instrument::prepare(&wasm, &smith::rules(seed)) {
            panic!("{seed}: {refusal}\n{text}");
        }
    }
}
