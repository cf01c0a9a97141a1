//! What the hosts of the peers have for a system program: an input, what it wrote, and what it is
//! answered.

use anyhow::{Result, ensure};

use crate::{
    contest::guest::Guest,
    system::guest::{ANSWER, EXIT_CODE_BYTES, INPUT, WANTED_BYTES},
};

/// What a program reads and writes. `M` is how the engine calls its memory.
pub(super) struct Io<M> {
    pub(super) memory: Option<M>,
    pub(super) input: Vec<u8>,
    pub(super) output: Vec<u8>,
    pub(super) return_data: Vec<u8>,
}

impl<M> Io<M> {
    pub(super) const fn new() -> Self {
        Self {
            memory: None,
            input: Vec::new(),
            output: Vec::new(),
            return_data: Vec::new(),
        }
    }

    /// A call begins.
    pub(super) fn begin(&mut self, guest: &Guest) {
        self.input.clear();
        self.output.clear();
        self.return_data.clear();
        if guest.answer > EXIT_CODE_BYTES {
            self.input.extend_from_slice(&INPUT);
        }
    }

    /// The program has returned to wait, and is answered.
    pub(super) fn serve(&mut self) -> Result<()> {
        ensure!(
            self.output.len() == WANTED_BYTES,
            "the guest wants something else"
        );
        self.output.clear();
        // What comes before the answer, and behind it, is as long as in our own interface.
        self.return_data.extend_from_slice(&[0; 9]);
        self.return_data.extend_from_slice(&ANSWER);
        self.return_data.extend_from_slice(&[0; 20]);
        Ok(())
    }

    /// A call has ended: how much the program wrote, where it writes anything. Who writes the exit
    /// code for it, as ours does, is nobody.
    pub(super) fn end(&self, code: i32, guest: &Guest) -> Result<i32> {
        ensure!(code == 0, "the guest returned {code}");
        let answer = i32::try_from(self.output.len())?.max(EXIT_CODE_BYTES);
        guest.check(answer)?;
        Ok(answer)
    }
}

/// The bytes of a range, if they are all there.
pub(super) fn slice(bytes: &[u8], from: u32, length: u32) -> Option<&[u8]> {
    let from = usize::try_from(from).ok()?;
    bytes.get(from..)?.get(..usize::try_from(length).ok()?)
}

/// Copies bytes to a place in a memory, if it is all there.
pub(super) fn put(memory: &mut [u8], to: u32, bytes: &[u8]) -> Option<()> {
    let to = usize::try_from(to).ok()?;
    let place = memory.get_mut(to..)?.get_mut(..bytes.len())?;
    place.copy_from_slice(bytes);
    Some(())
}

/// A length as programs are told it.
pub(super) fn size(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap_or(i32::MAX)
}
