//! A set of values.

use core::marker::PhantomData;

use super::{Field, map::Map};
use crate::{
    interface::{Definitions, StorageKind},
    key::Key,
};

/// A set of values, each of which is a key of the storage.
#[derive(Debug)]
pub struct Set<T> {
    members: Map<T, ()>,
    of: PhantomData<T>,
}

impl<T: Key> Field for Set<T> {
    const KIND: StorageKind = StorageKind::Set(T::TYPE);
    // Keys have no types with a name.
    const TYPES: Definitions = Definitions::NONE;

    #[inline]
    fn at(position: u8) -> Self {
        Self {
            members: Map::at(position),
            of: PhantomData,
        }
    }
}

impl<T: Key> Set<T> {
    /// Whether a value is in the set.
    #[must_use]
    pub fn contains(&self, value: &T) -> bool {
        self.members.contains(value)
    }

    /// Adds a value, and tells whether it is new.
    pub fn insert(&mut self, value: &T) -> bool {
        let is_new = !self.contains(value);
        if is_new {
            self.members.set(value, &());
        }
        is_new
    }

    /// Removes a value, and tells whether it was there.
    pub fn remove(&mut self, value: &T) -> bool {
        self.members.remove(value)
    }

    /// The values, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.members.iter().map(|(value, ())| value)
    }
}
