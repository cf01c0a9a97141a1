//! An engine that compiles some constants wrongly.

use std::sync::Arc;

use fusee_engine::{Engine, EngineError, Fingerprint, Format, Module, Program};
use fusee_engine_wasmi::WasmiEngine;

/// wasmi, where some constants of a program become others.
#[derive(Debug)]
pub(super) struct Faulty {
    engine: WasmiEngine,
    constants: Vec<(i64, i64)>,
}

impl Faulty {
    pub(super) fn new(constants: &[(i64, i64)]) -> Self {
        Self {
            engine: WasmiEngine::new(),
            constants: constants.to_vec(),
        }
    }
}

impl Engine for Faulty {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn fingerprint(&self) -> &Fingerprint {
        self.engine.fingerprint()
    }

    fn formats(&self) -> &'static [Format] {
        self.engine.formats()
    }

    fn idle_bytes(&self) -> u64 {
        self.engine.idle_bytes()
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        let mut program = Program::clone(program);
        for (sound, faulty) in &self.constants {
            let [sound, faulty] = [sound, faulty].map(|constant| i32_const(*constant));
            assert_eq!(sound.len(), faulty.len());
            let places = program.code.windows(sound.len());
            let places: Vec<_> = places
                .enumerate()
                .filter(|(_, window)| *window == sound)
                .map(|(place, _)| place)
                .collect();
            for place in places {
                program.code[place..place + faulty.len()].copy_from_slice(&faulty);
            }
        }
        self.engine.compile(&Arc::new(program))
    }
}

/// The operator `i32.const`, with its number as signed LEB128.
fn i32_const(mut number: i64) -> Vec<u8> {
    let mut bytes = vec![0x41];
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        let is_last = (number == 0 && low & 0x40 == 0) || (number == -1 && low & 0x40 != 0);
        bytes.push(low | if is_last { 0 } else { 0x80 });
        if is_last {
            return bytes;
        }
    }
}
