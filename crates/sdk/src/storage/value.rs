//! One value.

use core::marker::PhantomData;

use super::{Field, load, remove, store, try_store};
use crate::{
    codec::Codec,
    interface::{Definitions, StorageKind},
};

/// One value, or none yet.
#[derive(Debug)]
pub struct Value<T> {
    key: [u8; 1],
    of: PhantomData<T>,
}

impl<T: Codec> Field for Value<T> {
    const KIND: StorageKind = StorageKind::Value(T::TYPE);
    const TYPES: Definitions = T::TYPES;

    #[inline]
    fn at(position: u8) -> Self {
        Self {
            key: [position],
            of: PhantomData,
        }
    }
}

impl<T: Codec> Value<T> {
    /// The value, or `None` if none was set.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Option<T> {
        load(&self.key)
    }

    /// The value, or the type's default if none was set.
    #[inline]
    #[must_use]
    pub fn get_or_default(&self) -> T
    where
        T: Default,
    {
        self.get().unwrap_or_default()
    }

    /// Sets the value.
    #[inline]
    pub fn set(&mut self, value: &T) {
        store(&self.key, value);
    }

    /// Sets the value, unless the balance does not cover the deposit for it: then
    /// [`set`](Self::set) traps. Tells whether it is set.
    #[must_use]
    pub fn try_set(&mut self, value: &T) -> bool {
        try_store(&self.key, value)
    }

    /// Removes the value, and tells whether there was one.
    pub fn remove(&mut self) -> bool {
        remove(&self.key)
    }
}
