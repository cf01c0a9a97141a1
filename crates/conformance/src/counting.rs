//! A second implementation of gas: an interpreter that counts while it runs the program as its author
//! made it.
//!
//! It follows `docs/gas.md` and `docs/schedule.md` and shares no code with what meters programs, so that where
//! both agree, neither is likely to be wrong. It tells the same [`Verdict`](crate::Verdict) as a lane does, and parks where
//! a lane does. It believes that the rules have admitted the program; their limits are not its business, except
//! those that a running program meets.

mod body;
mod machine;
mod memory;
mod names;
mod numbers;
mod op;
mod prices;
mod program;

use fusee_instrument::Rules;

pub use machine::{Ended, Entry, Instance, Outcome, Parked, slots};
pub use prices::Prices;
pub use program::Program;

/// Reads a program that the rules have admitted. Of the rules it only asks what can be imported.
///
/// # Errors
///
/// What cannot be read, as a text.
pub fn read(wasm: &[u8], prices: &Prices, rules: &Rules) -> Result<Program> {
    Program::read(wasm, prices, |module, name| {
        let mut known = rules.syscalls().iter();
        let found = known.find(|known| known.module == module && known.name == name);
        found.map(|known| known.number)
    })
}

/// What cannot be read or run is told in a text: it fails a test.
type Result<T, E = String> = std::result::Result<T, E>;
