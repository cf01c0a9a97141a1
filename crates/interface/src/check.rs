//! What an interface has to be: names that can be shown, once each and in order, and types that are
//! defined before they are used.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::{Field, Interface, Kind, StorageKind, Type};

/// The most bytes of a name.
const MAX_NAME: usize = 128;

/// Why something is not an interface.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InterfaceError {
    /// There are no bytes.
    #[error("the interface is empty")]
    Empty,
    /// The encoding exceeds [`MAX_BYTES`](crate::MAX_BYTES).
    #[error("the interface has {0} bytes, at most 65,536 are possible")]
    TooLarge(usize),
    /// The version is not known.
    #[error("the interface has version {0}, and only versions 1 and 2 are known")]
    Version(u8),
    /// The bytes are no encoding.
    #[error("the interface is malformed: {0}")]
    Malformed(String),
    /// A name is empty, too long, or has signs that cannot be shown.
    #[error("`{0}` is not a name")]
    Name(String),
    /// A text has control characters.
    #[error("a text has signs that cannot be shown: `{0}`")]
    Text(String),
    /// Names are not in order, or one is there twice.
    #[error("`{0}` is there twice, or not in order")]
    Order(String),
    /// A type is used before it is defined, or never is.
    #[error("the type `{0}` is not defined before it is used")]
    Undefined(String),
    /// A type cannot be that of keys in the storage.
    #[error("the type `{0}` is none of keys")]
    Key(String),
    /// An enumeration has more variants than a byte can tell.
    #[error("the type `{0}` has more than 256 variants")]
    Variants(String),
}

impl Interface {
    /// Checks an interface that somebody else has written.
    pub(crate) fn check(&self) -> Result<(), InterfaceError> {
        is_text(&self.name)?;
        is_text(&self.doc)?;
        let mut defined = BTreeSet::new();
        for definition in &self.types {
            is_name(&definition.name)?;
            is_text(&definition.doc)?;
            if !definition
                .name
                .starts_with(|first: char| first.is_ascii_uppercase())
            {
                return Err(InterfaceError::Name(definition.name.clone()));
            }
            match &definition.kind {
                Kind::Struct(parts) => fields(parts, &defined)?,
                Kind::Enum(variants) => {
                    if variants.len() > 256 {
                        return Err(InterfaceError::Variants(definition.name.clone()));
                    }
                    unique(variants.iter().map(|variant| variant.name.as_str()))?;
                    for variant in variants {
                        is_name(&variant.name)?;
                        is_text(&variant.doc)?;
                        fields(&variant.fields, &defined)?;
                    }
                }
            }
            if !defined.insert(definition.name.as_str()) {
                return Err(InterfaceError::Order(definition.name.clone()));
            }
        }
        for method in &self.methods {
            is_name(&method.name)?;
            is_text(&method.doc)?;
            fields(&method.args, &defined)?;
            is_defined(&method.returns, &defined)?;
        }
        ordered(self.methods.iter().map(|method| method.name.as_str()))?;
        for event in &self.events {
            is_name(&event.name)?;
            is_text(&event.doc)?;
            fields(&event.topics, &defined)?;
            fields(&event.data, &defined)?;
        }
        ordered(self.events.iter().map(|event| event.name.as_str()))?;
        for error in &self.errors {
            is_text(&error.name)?;
            is_text(&error.doc)?;
        }
        ordered(self.errors.iter().map(|error| error.name.as_str()))?;
        let mut last = None;
        for field in &self.storage {
            is_name(&field.name)?;
            is_text(&field.doc)?;
            match &field.kind {
                StorageKind::Value(value) | StorageKind::Vector(value) => {
                    is_defined(value, &defined)?;
                }
                StorageKind::Map { key, value } => {
                    is_key(key)?;
                    is_defined(value, &defined)?;
                }
                StorageKind::Set(key) => is_key(key)?,
            }
            if last.is_some_and(|last| last >= field.position) {
                return Err(InterfaceError::Order(field.name.clone()));
            }
            last = Some(field.position);
        }
        unique(self.storage.iter().map(|field| field.name.as_str()))
    }
}

/// A text that can be shown: only lines end in it.
fn is_text(text: &str) -> Result<(), InterfaceError> {
    match text
        .chars()
        .any(|letter| letter.is_control() && letter != '\n')
    {
        false => Ok(()),
        true => Err(InterfaceError::Text(text.escape_debug().take(64).collect())),
    }
}

fn fields(fields: &[Field], defined: &BTreeSet<&str>) -> Result<(), InterfaceError> {
    unique(fields.iter().map(|field| field.name.as_str()))?;
    for field in fields {
        is_name(&field.name)?;
        is_text(&field.doc)?;
        is_defined(&field.value_type, defined)?;
    }
    Ok(())
}

fn is_defined(value_type: &Type, defined: &BTreeSet<&str>) -> Result<(), InterfaceError> {
    match value_type {
        Type::Option(inner) | Type::Vec(inner) | Type::Array(inner, _) => {
            is_defined(inner, defined)
        }
        Type::Tuple(types) => types
            .iter()
            .try_for_each(|inner| is_defined(inner, defined)),
        Type::Named(name) if !defined.contains(name.as_str()) => {
            Err(InterfaceError::Undefined(name.clone()))
        }
        _ => Ok(()),
    }
}

/// A type whose values have an order as keys.
fn is_key(key: &Type) -> Result<(), InterfaceError> {
    match key {
        Type::Bool | Type::Unsigned(_) | Type::Address | Type::String => Ok(()),
        Type::Array(inner, _) if **inner == Type::Unsigned(8) => Ok(()),
        Type::Tuple(types) => types.iter().try_for_each(is_key),
        _ => Err(InterfaceError::Key(key.to_string())),
    }
}

fn is_name(name: &str) -> Result<(), InterfaceError> {
    let is_sign = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    match !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_sign) {
        true => Ok(()),
        false => Err(InterfaceError::Name(name.chars().take(64).collect())),
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), InterfaceError> {
    let mut known = BTreeSet::new();
    for name in names {
        if !known.insert(name) {
            return Err(InterfaceError::Order(name.to_owned()));
        }
    }
    Ok(())
}

fn ordered<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), InterfaceError> {
    let mut last = None;
    for name in names {
        if last.is_some_and(|last| last >= name) {
            return Err(InterfaceError::Order(name.to_owned()));
        }
        last = Some(name);
    }
    Ok(())
}
