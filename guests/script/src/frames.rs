//! Frames: the scripts that have begun and not ended, in one piece of memory.
//!
//! A frame is an input and the operand stack behind it. Only the last frame runs; where it waits
//! for a call, what it calls gets the memory behind it, so that nothing of it changes. A frame that
//! ends leaves nothing behind: the frames that wait are all that lives on.

use core::ops::Range;

use fusee_system_guest::exit_code;

use crate::machine::{Answer, Fault, Frame, Machine, Step};

/// The memory of all frames.
const MEMORY_BYTES: usize = 256 * 1024;

/// How many frames can wait: as many as calls can be nested.
const DEPTH: usize = 1024;

/// The memory of all frames, and those that wait.
pub(crate) struct Frames {
    memory: [u8; MEMORY_BYTES],
    waiting: [Waiting; DEPTH],
    depth: usize,
}

/// Why a script does not run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// It has ended.
    Returned(i64),
    /// It has ended, since it is no good script.
    Failed(Fault),
    /// It waits.
    Calls(Call),
}

/// What a script that waits has called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Which program.
    pub(crate) code_hash: [u8; 32],
    /// What that may use.
    pub(crate) fuel_limit: u64,
    /// Its input, in the memory of all frames.
    pub(crate) input: Range<usize>,
}

/// A frame that waits, and where it is.
#[derive(Clone, Copy)]
struct Waiting {
    start: usize,
    frame: Frame,
}

impl Frames {
    /// No frame.
    pub(crate) const fn new() -> Self {
        let nothing = Waiting {
            start: 0,
            frame: Frame::EMPTY,
        };
        Self {
            memory: [0; MEMORY_BYTES],
            waiting: [nothing; DEPTH],
            depth: 0,
        }
    }

    /// Begins a script with an input of this length, which `read` fills in.
    pub(crate) fn enter(
        &mut self,
        input_length: usize,
        read: impl FnOnce(&mut [u8]),
        charge: impl FnMut(u64),
    ) -> Pause {
        let start = match self.depth.checked_sub(1) {
            None => 0,
            Some(last) => self
                .waiting
                .get(last)
                .map_or(MEMORY_BYTES, |waiting| waiting.start + waiting.frame.top()),
        };
        let memory = self.memory.get_mut(start..).unwrap_or_default();
        let Some(input) = memory.get_mut(..input_length) else {
            return Pause::Failed(Fault::NO_ROOM);
        };
        read(input);
        match Frame::new(input) {
            Ok(frame) => self.run(start, frame, None, charge),
            Err(fault) => Pause::Failed(fault),
        }
    }

    /// Goes on with the last script that waits.
    ///
    /// # Panics
    ///
    /// If none waits.
    pub(crate) fn resume(&mut self, answer: Answer, charge: impl FnMut(u64)) -> Pause {
        let last = self.depth.checked_sub(1).expect("a script waits");
        self.depth = last;
        let Waiting { start, frame } = *self.waiting.get(last).expect("no more wait than can");
        self.run(start, frame, Some(answer), charge)
    }

    /// The address of a place in the memory of all frames, which stay where they are.
    #[cfg(target_family = "wasm")]
    pub(crate) fn address(&self, place: usize) -> u64 {
        let address = self.memory.as_ptr().addr().wrapping_add(place);
        u64::try_from(address).expect("an address has at most 64 bits")
    }

    fn run(
        &mut self,
        start: usize,
        frame: Frame,
        answer: Option<Answer>,
        mut charge: impl FnMut(u64),
    ) -> Pause {
        let memory = self.memory.get_mut(start..).unwrap_or_default();
        let mut machine = Machine::new(memory, frame);
        let step = match answer {
            None => machine.run(&mut charge),
            Some(answer) => machine
                .answer(answer)
                .and_then(|()| machine.run(&mut charge)),
        };
        let frame = machine.into_frame();
        match step {
            Ok(Step::Returned(value)) => Pause::Returned(value),
            Err(fault) => Pause::Failed(fault),
            Ok(Step::Calls {
                code_hash,
                fuel_limit,
                input,
            }) => {
                let Some(place) = self.waiting.get_mut(self.depth) else {
                    return Pause::Failed(Fault {
                        code: exit_code::CALL_DEPTH_OVERFLOW,
                        message: "too many scripts wait",
                    });
                };
                *place = Waiting { start, frame };
                self.depth += 1;
                Pause::Calls(Call {
                    code_hash,
                    fuel_limit,
                    input: start + input.start..start + input.end,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
