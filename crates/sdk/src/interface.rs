//! The interface of a contract, computed at compile time.
//!
//! The encoding is the one of `fusee-interface`: tests hold both to the same bytes. Nothing here is
//! part of a contract's code, but the bytes of the section.

mod encoder;
mod text;

pub use encoder::{Encoded, encode};
pub use text::TypeText;

/// A named value: an argument, or a part of a type or an event.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its type.
    pub value_type: TypeText,
}

/// A type with a name.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The name.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// What it consists of.
    pub kind: Kind,
}

/// What a type with a name consists of.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// All of these.
    Struct(&'static [Field]),
    /// One of these.
    Enum(&'static [Variant]),
}

/// An alternative of an enumeration.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The name.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// What it has.
    pub fields: &'static [Field],
}

/// A method.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// The name of the export.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// The arguments.
    pub args: &'static [Field],
    /// The type of the output.
    pub returns: TypeText,
    /// Whether it takes a value.
    pub payable: bool,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// The types that arguments and output consist of.
    pub types: Definitions,
    /// The messages that it reverts with.
    pub errors: &'static [ErrorMessage],
}

/// An event.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// The name, which is the first topic.
    pub name: &'static str,
    /// When it is emitted.
    pub doc: &'static str,
    /// The topics after the name.
    pub topics: &'static [Field],
    /// The data.
    pub data: &'static [Field],
    /// The types that topics and data consist of.
    pub types: Definitions,
}

/// A message that a contract reverts with.
#[derive(Clone, Copy, Debug)]
pub struct ErrorMessage {
    /// The message, with the names of its fields in braces.
    pub name: &'static str,
    /// When it is given.
    pub doc: &'static str,
}

/// A field of the storage.
#[derive(Clone, Copy, Debug)]
pub struct StorageField {
    /// The name.
    pub name: &'static str,
    /// What it has.
    pub doc: &'static str,
    /// The first byte of its keys.
    pub position: u8,
    /// What lies behind the position, and in the values.
    pub kind: StorageKind,
    /// The types that its values consist of.
    pub types: Definitions,
}

/// The entries of a field of the storage.
#[derive(Clone, Copy, Debug)]
pub enum StorageKind {
    /// One value, under the position alone.
    Value(TypeText),
    /// Values by keys.
    Map {
        /// The type of the keys.
        key: TypeText,
        /// The type of the values.
        value: TypeText,
    },
    /// Keys, with empty values.
    Set(TypeText),
    /// A length under the position alone, and values by their index.
    Vector(TypeText),
}

/// What a contract tells of itself.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    /// The contract's name.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// The methods, ordered by name.
    pub methods: &'static [Method],
    /// The events, in any order.
    pub events: &'static [&'static Event],
    /// The fields of the storage, by position.
    pub storage: &'static [StorageField],
}

/// The most types that an interface defines.
const MOST: usize = 64;

/// Types with a name, each after those that it consists of.
#[derive(Clone, Copy, Debug)]
pub struct Definitions {
    list: [Option<&'static Definition>; MOST],
    count: usize,
}

impl Definitions {
    /// No types.
    pub const NONE: Self = Self {
        list: [None; MOST],
        count: 0,
    };

    /// These types, and behind them those of the other that are not among them.
    #[must_use]
    pub const fn merge(self, other: Self) -> Self {
        let mut all = self;
        let mut index = 0;
        while index < other.count {
            if let Some(definition) = other.at(index) {
                all = all.with(definition);
            }
            index += 1;
        }
        all
    }

    /// These types and one more, unless it is among them.
    ///
    /// # Panics
    ///
    /// If there are too many, which is an error of the compilation.
    #[must_use]
    #[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
    pub const fn with(mut self, definition: &'static Definition) -> Self {
        let mut index = 0;
        while index < self.count {
            if let Some(known) = self.at(index)
                && text::is_same(known.name, definition.name)
            {
                return self;
            }
            index += 1;
        }
        assert!(
            self.count < MOST,
            "a contract has at most 64 types of its own"
        );
        self.list[self.count] = Some(definition);
        self.count += 1;
        self
    }

    #[allow(clippy::indexing_slicing, reason = "evaluated at compile time")]
    pub(crate) const fn at(&self, index: usize) -> Option<&'static Definition> {
        self.list[index]
    }

    pub(crate) const fn count(&self) -> usize {
        self.count
    }
}
