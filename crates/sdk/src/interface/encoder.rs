//! The encoding of interfaces, computed at compile time.
#![allow(clippy::indexing_slicing, reason = "evaluated at compile time")]

use super::{
    Definitions, ErrorMessage, Event, Field, Interface, Kind, StorageField, StorageKind, TypeText,
    Variant, text::is_before,
};

/// The most bytes of an interface, as everywhere.
const CAPACITY: usize = 65_536;

/// The most bytes of a name, as everywhere.
const MAX_NAME: usize = 128;

/// The version of the encoding, with fields of storage at its end.
const VERSION: u8 = 2;

/// The version for contracts that store nothing: it has no such list.
const WITHOUT_STORAGE: u8 = 1;

/// What every contract reverts with if its input is no encoding of the arguments.
const INPUT_ERRORS: [ErrorMessage; 3] = [
    ErrorMessage {
        name: super::super::contract::SHORT,
        doc: "The input is shorter than the arguments of the method.",
    },
    ErrorMessage {
        name: super::super::contract::INVALID,
        doc: "The input has a value that the argument's type does not have.",
    },
    ErrorMessage {
        name: super::super::contract::LONG,
        doc: "The input is longer than the arguments of the method.",
    },
];

/// The bytes of an interface.
#[derive(Clone, Copy, Debug)]
pub struct Encoded {
    bytes: [u8; CAPACITY],
    length: usize,
}

/// Encodes an interface.
///
/// # Panics
///
/// If it is too large, which is an error of the compilation.
#[must_use]
pub const fn encode(interface: &Interface) -> Encoded {
    let mut encoded = Encoded {
        bytes: [0; CAPACITY],
        length: 0,
    };
    encoded.byte(match interface.storage {
        [] => WITHOUT_STORAGE,
        _ => VERSION,
    });
    encoded.text(interface.name);
    encoded.text(interface.doc);
    encoded.definitions(&types(interface));
    encoded.length(interface.methods.len());
    let mut index = 0;
    while index < interface.methods.len() {
        let method = &interface.methods[index];
        encoded.name(method.name);
        encoded.text(method.doc);
        encoded.fields(method.args);
        encoded.value_type(&method.returns);
        encoded.flag(method.payable);
        encoded.flag(method.read_only);
        index += 1;
    }
    encoded.events(interface.events);
    encoded.errors(interface);
    if !interface.storage.is_empty() {
        encoded.storage(interface.storage);
    }
    encoded
}

const fn types(interface: &Interface) -> Definitions {
    let mut types = Definitions::NONE;
    let mut index = 0;
    while index < interface.methods.len() {
        types = types.merge(interface.methods[index].types);
        index += 1;
    }
    let mut index = 0;
    while index < interface.events.len() {
        types = types.merge(interface.events[index].types);
        index += 1;
    }
    let mut index = 0;
    while index < interface.storage.len() {
        types = types.merge(interface.storage[index].types);
        index += 1;
    }
    types
}

impl Encoded {
    /// The number of bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.length
    }

    /// The bytes, as an array of their number.
    #[must_use]
    pub const fn array<const N: usize>(&self) -> [u8; N] {
        let mut array = [0; N];
        let mut index = 0;
        while index < N {
            array[index] = self.bytes[index];
            index += 1;
        }
        array
    }

    const fn byte(&mut self, byte: u8) {
        assert!(
            self.length < CAPACITY,
            "the interface has more than 65,536 bytes: shorten the documentation of methods"
        );
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    const fn raw(&mut self, bytes: &[u8]) {
        let mut index = 0;
        while index < bytes.len() {
            self.byte(bytes[index]);
            index += 1;
        }
    }

    const fn flag(&mut self, flag: bool) {
        self.byte(if flag { 1 } else { 0 });
    }

    const fn length(&mut self, length: usize) {
        assert!(length < CAPACITY, "a list or text is too long");
        let [low, high, ..] = length.to_le_bytes();
        self.raw(&[low, high, 0, 0]);
    }

    const fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.raw(bytes);
    }

    const fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A name that tools can show, and read in a command.
    const fn name(&mut self, name: &str) {
        let bytes = name.as_bytes();
        let mut index = 0;
        while index < bytes.len() {
            assert!(
                bytes[index].is_ascii_alphanumeric() || bytes[index] == b'_',
                "names in the interface have ASCII letters, digits and underscores: rename the \
                 method, argument, field or variant that has others"
            );
            index += 1;
        }
        assert!(
            !bytes.is_empty() && bytes.len() <= MAX_NAME,
            "names in the interface have 1 to 128 bytes: shorten the longer one"
        );
        self.text(name);
    }

    const fn value_type(&mut self, value_type: &TypeText) {
        self.bytes(value_type.as_bytes());
    }

    const fn fields(&mut self, fields: &[Field]) {
        self.length(fields.len());
        let mut index = 0;
        while index < fields.len() {
            self.name(fields[index].name);
            self.text(fields[index].doc);
            self.value_type(&fields[index].value_type);
            index += 1;
        }
    }

    const fn definitions(&mut self, definitions: &Definitions) {
        self.length(definitions.count());
        let mut index = 0;
        while index < definitions.count() {
            if let Some(definition) = definitions.at(index) {
                self.name(definition.name);
                self.text(definition.doc);
                match definition.kind {
                    Kind::Struct(fields) => {
                        self.byte(0);
                        self.fields(fields);
                    }
                    Kind::Enum(variants) => {
                        self.byte(1);
                        self.variants(variants);
                    }
                }
            }
            index += 1;
        }
    }

    const fn variants(&mut self, variants: &[Variant]) {
        self.length(variants.len());
        let mut index = 0;
        while index < variants.len() {
            self.name(variants[index].name);
            self.text(variants[index].doc);
            self.fields(variants[index].fields);
            index += 1;
        }
    }

    const fn storage(&mut self, fields: &[StorageField]) {
        self.length(fields.len());
        let mut index = 0;
        while index < fields.len() {
            let field = &fields[index];
            self.name(field.name);
            self.text(field.doc);
            self.byte(field.position);
            match &field.kind {
                StorageKind::Value(value) => {
                    self.byte(0);
                    self.value_type(value);
                }
                StorageKind::Map { key, value } => {
                    self.byte(1);
                    self.value_type(key);
                    self.value_type(value);
                }
                StorageKind::Set(key) => {
                    self.byte(2);
                    self.value_type(key);
                }
                StorageKind::Vector(value) => {
                    self.byte(3);
                    self.value_type(value);
                }
            }
            index += 1;
        }
    }

    /// The events in the order of their names.
    const fn events(&mut self, events: &[&Event]) {
        self.length(events.len());
        let mut last: Option<&str> = None;
        let mut written = 0;
        while written < events.len() {
            let mut next: Option<&Event> = None;
            let mut index = 0;
            while index < events.len() {
                let event = events[index];
                if is_between(last, event.name, next) {
                    next = Some(event);
                }
                index += 1;
            }
            let Some(event) = next else {
                panic!("two events have one name");
            };
            self.name(event.name);
            self.text(event.doc);
            self.fields(event.topics);
            self.fields(event.data);
            last = Some(event.name);
            written += 1;
        }
    }

    /// The messages in their order, each once: several methods may return one error.
    const fn errors(&mut self, interface: &Interface) {
        let start = self.length;
        self.length(0);
        let mut count = 0;
        let mut last: Option<&str> = None;
        while let Some(error) = next_error(interface, last) {
            self.text(error.name);
            self.text(error.doc);
            last = Some(error.name);
            count += 1;
        }
        let end = self.length;
        self.length = start;
        self.length(count);
        self.length = end;
    }
}

/// Whether a name is behind the last one, and before the next one that is known so far.
const fn is_between(last: Option<&str>, name: &str, next: Option<&Event>) -> bool {
    let is_behind = match last {
        Some(last) => is_before(last, name),
        None => true,
    };
    is_behind
        && match next {
            Some(next) => is_before(name, next.name),
            None => true,
        }
}

const fn next_error(interface: &Interface, last: Option<&str>) -> Option<ErrorMessage> {
    let mut next = earliest(&INPUT_ERRORS, last, None);
    let mut index = 0;
    while index < interface.methods.len() {
        next = earliest(interface.methods[index].errors, last, next);
        index += 1;
    }
    next
}

const fn earliest(
    errors: &[ErrorMessage],
    last: Option<&str>,
    known: Option<ErrorMessage>,
) -> Option<ErrorMessage> {
    let mut next = known;
    let mut index = 0;
    while index < errors.len() {
        let error = errors[index];
        let is_behind = match last {
            Some(last) => is_before(last, error.name),
            None => true,
        };
        let is_earlier = match next {
            Some(next) => is_before(error.name, next.name),
            None => true,
        };
        if is_behind && is_earlier {
            next = Some(error);
        }
        index += 1;
    }
    next
}
