//! A list of values.

use core::marker::PhantomData;

use super::{Field, load, remove, store};
use crate::{
    codec::Codec,
    interface::{Definitions, StorageKind},
    key::with_key,
};

/// A list of values. Its length is one key of the storage, and so is each value.
#[derive(Debug)]
pub struct Vector<T> {
    field: u8,
    of: PhantomData<T>,
}

impl<T: Codec> Field for Vector<T> {
    const KIND: StorageKind = StorageKind::Vector(T::TYPE);
    const TYPES: Definitions = T::TYPES;

    #[inline]
    fn at(position: u8) -> Self {
        Self {
            field: position,
            of: PhantomData,
        }
    }
}

impl<T: Codec> Vector<T> {
    /// The number of values.
    #[must_use]
    pub fn len(&self) -> u32 {
        load(&[self.field]).unwrap_or_default()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at an index, or `None` behind the end.
    #[must_use]
    pub fn get(&self, index: u32) -> Option<T> {
        with_key(self.field, &index, load)
    }

    /// Replaces the value at an index, and tells whether there is one.
    pub fn set(&mut self, index: u32, value: &T) -> bool {
        let is_there = index < self.len();
        if is_there {
            with_key(self.field, &index, |key| store(key, value));
        }
        is_there
    }

    /// Appends a value, and returns its index.
    ///
    /// # Panics
    ///
    /// If there are 4,294,967,295 values.
    pub fn push(&mut self, value: &T) -> u32 {
        let index = self.len();
        let length = index.checked_add(1).expect("the vector is full");
        with_key(self.field, &index, |key| store(key, value));
        store(&[self.field], &length);
        index
    }

    /// Removes the last value.
    pub fn pop(&mut self) -> Option<T> {
        let last = self.len().checked_sub(1)?;
        let value = self.get(last);
        with_key(self.field, &last, remove);
        store(&[self.field], &last);
        value
    }

    /// The values, in order.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}
