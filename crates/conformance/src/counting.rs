//! A second implementation of gas: an interpreter that counts gas while it runs the original
//! program.
//!
//! It follows `docs/book/src/gas.md` and `docs/schedule-*.md` and shares no code with the meter. If
//! both agree, an error in one of them is unlikely. It gives the same [`Verdict`](crate::Verdict)
//! as a lane, and is suspended at the same points. It expects a program that the rules have
//! admitted, and enforces only the limits that apply at run time.

mod body;
mod execute;
mod machine;
mod memory;
mod metered_blocks;
mod names;
mod numbers;
mod op;
mod outline;
mod prices;
mod program;
mod run;
mod types;

use fusee_instrument::Rules;

pub use prices::Prices;
pub use program::Program;
pub use run::{Ended, Entry, Instance, Outcome, Parked, slots};

/// Reads a program that the rules have admitted. Only the syscalls of the rules are used.
///
/// # Errors
///
/// Describes what cannot be read.
pub fn read(wasm: &[u8], prices: &Prices, rules: &Rules) -> Result<Program> {
    Program::read(wasm, prices, |module, name| {
        let mut known = rules.syscalls().iter();
        let found = known.find(|known| known.module == module && known.name == name);
        found.map(|known| known.number)
    })
}

/// Errors are descriptions, because an error fails a test.
type Result<T, E = String> = std::result::Result<T, E>;
