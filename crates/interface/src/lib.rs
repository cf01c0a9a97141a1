//! The interface of a contract: its methods, arguments, results, events and errors, with their
//! documentation.
//!
//! It is for tools. A contract writes it about itself, so it may be wrong or hostile: consensus
//! never reads it, its encoding is bounded and strict ([`Interface::decode`]), and a value that is
//! decoded by it takes no more than its bytes allow ([`Interface::read`]).
//!
//! Its bytes are the section [`SECTION`] of a wasm module ([`embed`], [`extract`]), or a file
//! beside a program of another format.
#![forbid(unsafe_code)]

mod check;
mod encoding;
mod section;
mod storage;
mod types;
mod values;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

pub use check::InterfaceError;
pub use encoding::{MAX_BYTES, VERSION};
pub use section::{SECTION, SectionError, embed, extract};
pub use storage::{EntryKey, StorageEntry};
pub use types::{Type, TypeError};
pub use values::{ADDRESS_BYTES, MAX_VALUES, ReadBudget, ValueError};

/// What a contract tells of itself.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct Interface {
    /// The contract's name.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// The types that it defines. A type names only those before it, so that no value is endless.
    pub types: Vec<TypeDefinition>,
    /// The exported methods, ordered by name.
    pub methods: Vec<Method>,
    /// The events that it emits, ordered by name.
    pub events: Vec<Event>,
    /// The messages that it reverts with, ordered by name.
    pub errors: Vec<ErrorMessage>,
    /// The fields of its storage, ordered by position. What a contract stores elsewhere is in none.
    #[borsh(skip)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<StorageField>,
}

/// A field of the storage. The keys of its entries begin with its position, which is a byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageField {
    /// The name.
    pub name: String,
    /// What it has.
    #[serde(default)]
    pub doc: String,
    /// The first byte of its keys.
    pub position: u8,
    /// What lies behind the position, and in the values.
    #[serde(flatten)]
    pub kind: StorageKind,
}

/// The entries of a field of the storage.
///
/// Types of keys are unsigned integers, `bool`, `address`, `string`, `[u8; N]` and tuples of these.
/// Integers in keys are big-endian, lengths of texts included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageKind {
    /// One value, under the position alone.
    Value(Type),
    /// Values by keys.
    Map {
        /// The type of the keys.
        key: Type,
        /// The type of the values.
        value: Type,
    },
    /// Keys, with empty values.
    Set(Type),
    /// A length (`u32`) under the position alone, and values by their index (`u32`).
    Vector(Type),
}

/// A type with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeDefinition {
    /// The name: letters, digits and underscores, of which the first is a capital letter.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub doc: String,
    /// What it consists of.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What a defined type consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All of these, in order.
    Struct(Vec<Field>),
    /// One of these: its position in a byte, then its fields.
    Enum(Vec<Variant>),
}

/// An alternative of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The name.
    pub name: String,
    /// What it means.
    #[serde(default)]
    pub doc: String,
    /// What it has.
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// A named value: an argument, or a part of a type or of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The name.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub doc: String,
    /// Its type.
    #[serde(rename = "type")]
    pub value_type: Type,
}

/// A method. Its input is its arguments, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// The name of the export.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub doc: String,
    /// The arguments.
    #[serde(default)]
    pub args: Vec<Field>,
    /// The type of the output.
    #[serde(default)]
    pub returns: Type,
    /// Whether it takes a value.
    #[serde(default)]
    pub payable: bool,
    /// Whether it changes nothing, so that it can be queried.
    #[serde(default)]
    pub read_only: bool,
}

/// An event. Its first topic is its name, and its data are the fields, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The name, which is the first topic.
    pub name: String,
    /// When it is emitted.
    #[serde(default)]
    pub doc: String,
    /// The topics after the name, which indexers can search by.
    #[serde(default)]
    pub topics: Vec<Field>,
    /// The data.
    #[serde(default)]
    pub data: Vec<Field>,
}

/// A message that the contract reverts with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorMessage {
    /// The message.
    pub name: String,
    /// When it is given.
    #[serde(default)]
    pub doc: String,
}

impl Interface {
    /// The method with this name.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.name == name)
    }

    /// The event whose first topic this is.
    #[must_use]
    pub fn event(&self, topic: &[u8]) -> Option<&Event> {
        let mut events = self.events.iter();
        events.find(|event| event.name.as_bytes() == topic)
    }

    /// The defined type with this name.
    #[must_use]
    pub fn definition(&self, name: &str) -> Option<&TypeDefinition> {
        self.types.iter().find(|known| known.name == name)
    }
}
