//! The interface that is computed at compile time is one that `fusee-interface` reads, and writes
//! with the same bytes.
#![allow(unreachable_pub, reason = "the methods of a contract are public")]

use expect_test::expect_file;
use fusee_interface::Interface;
use fusee_sdk::{
    contract::Contract,
    interface::{Definitions, StorageField, StorageKind, TypeText, encode},
    prelude::*,
};

/// A contract with everything
/// that an interface can have.
///
/// This paragraph is for readers of the code.
#[contract(events(Zeroed, Added))]
#[expect(
    dead_code,
    reason = "the interface tells of fields that no method uses"
)]
pub struct Everything {
    /// How often.
    count: Value<u64>,
    r#final: Value<bool>,
    kinds: Map<(Address, u8), Kind>,
    names: Map<String, Vec<Part>>,
    members: Set<([u8; 4], bool)>,
    log: Vector<Option<Part>>,
}

/// A type that is in the storage alone.
#[derive(Codec)]
pub enum Kind {
    /// With a part.
    Whole(Part),
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

/// What is for tools is for commands as well, which have names in ASCII.
#[test]
fn a_name_that_tools_cannot_read_is_an_error_of_the_compilation() {
    let named = |name| {
        let field = StorageField {
            name,
            doc: "",
            position: 0,
            kind: StorageKind::Value(TypeText::new("u8")),
            types: Definitions::NONE,
        };
        let interface = fusee_sdk::interface::Interface {
            name: "named",
            doc: "",
            methods: &[],
            events: &[],
            storage: Box::leak(Box::new([field])),
        };
        std::panic::catch_unwind(|| encode(&interface).size())
    };
    named("plain_2").unwrap();
    for name in ["gr\u{f6}\u{df}e", "", "a b"] {
        let told = named(name).unwrap_err();
        let told = told.downcast_ref::<&str>().unwrap();
        assert!(told.contains("names in the interface have"), "{told}");
    }
}

/// A contract without storage, whose interface has no list of fields.
#[contract]
pub struct Stateless {}

#[methods]
impl Stateless {
    /// The same.
    pub fn same(&self, number: u8) -> u8 {
        number
    }
}

#[test]
fn a_contract_without_storage_has_the_first_version() {
    assert_eq!(Stateless::INTERFACE[0], 1);
    assert_eq!(Everything::INTERFACE[0], 2);
    let interface = Interface::decode(Stateless::INTERFACE).unwrap();
    assert!(interface.storage.is_empty());
    assert_eq!(interface.encode().unwrap(), Stateless::INTERFACE);
}

#[test]
fn methods_are_in_order_and_have_entries() {
    let names: Vec<_> = Everything::METHODS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["add", "count", "deploy", "reset"]);
}
