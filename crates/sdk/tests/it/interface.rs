//! The interface that is computed at compile time is one that `fusee-interface` reads, and writes
//! with the same bytes.
#![allow(unreachable_pub, reason = "the methods of a contract are public")]

use expect_test::expect_file;
use fusee_interface::Interface;
use fusee_sdk::{contract::Contract, prelude::*};

/// A contract with everything
/// that an interface can have.
///
/// This paragraph is for readers of the code.
#[contract(events(Zeroed, Added))]
pub struct Everything {
    count: Value<u64>,
}

/// A part of a whole.
#[derive(Codec)]
pub struct Part {
    /// How many.
    pub many: [u16; 12],
}

/// One of two.
#[derive(Codec)]
pub enum Choice {
    /// The first.
    Left,
    /// The second.
    Right(Part, Option<u8>),
}

/// Nothing is left.
#[event(name = "was_zeroed")]
pub struct Zeroed {}

/// Something was added.
#[event]
pub struct Added {
    /// Who did.
    #[topic]
    pub by: Address,
    /// What it was.
    pub parts: Vec<Part>,
}

/// Why not.
#[error]
pub enum Error {
    /// There is too much.
    #[message("{has} is more than {most}")]
    TooMuch {
        /// What there is.
        has: u64,
        /// What may be.
        most: u64,
    },
    /// It is not the time.
    NotNow,
}

#[methods]
impl Everything {
    /// Runs once.
    pub fn deploy(&mut self) {}

    /// Adds.
    #[payable]
    pub fn add(&mut self, choice: Choice, r#type: (String, Bytes)) -> Result<u64, Error> {
        let _ = choice;
        match u64::try_from(r#type.0.len()) {
            Ok(has) if has > 3 => Err(Error::TooMuch { has, most: 3 }),
            _ => Err(Error::NotNow),
        }
    }

    /// Counts.
    pub fn count(&self) -> (u64,) {
        (self.count.get_or_default(),)
    }

    /// Resets.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.emit(Zeroed {});
        self.count.remove();
        Ok(())
    }
}

#[test]
fn the_interface_is_the_one_that_tools_read() {
    let interface = Interface::decode(Everything::INTERFACE).unwrap();
    assert_eq!(interface.encode().unwrap(), Everything::INTERFACE);
    let json = serde_json::to_string_pretty(&interface).unwrap() + "\n";
    expect_file!["golden/interface.json"].assert_eq(&json);
}

#[test]
fn methods_are_in_order_and_have_entries() {
    let names: Vec<_> = Everything::METHODS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["add", "count", "deploy", "reset"]);
}
