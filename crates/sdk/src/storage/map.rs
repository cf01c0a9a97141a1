//! Values by key.

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::{
    Field, is_stored, load, next, previous, remove, remove_range, store, stored, try_store,
};
use crate::{
    codec::Codec,
    interface::{Definitions, StorageKind},
    key::{Key, with_key},
};

/// Values by key. Each entry is a key of the storage, so a map may have any number of them.
#[derive(Debug)]
pub struct Map<K, V> {
    field: u8,
    of: PhantomData<(K, V)>,
}

impl<K: Key, V: Codec> Field for Map<K, V> {
    const KIND: StorageKind = StorageKind::Map {
        key: K::TYPE,
        value: V::TYPE,
    };
    const TYPES: Definitions = V::TYPES;

    #[inline]
    fn at(position: u8) -> Self {
        Self {
            field: position,
            of: PhantomData,
        }
    }
}

impl<K: Key, V: Codec> Map<K, V> {
    /// The value under a key, or `None`.
    #[inline]
    #[must_use]
    pub fn get(&self, key: &K) -> Option<V> {
        with_key(self.field, key, load)
    }

    /// The value under a key, or the type's default.
    #[inline]
    #[must_use]
    pub fn get_or_default(&self, key: &K) -> V
    where
        V: Default,
    {
        self.get(key).unwrap_or_default()
    }

    /// Whether there is a value under a key.
    #[must_use]
    pub fn contains(&self, key: &K) -> bool {
        with_key(self.field, key, is_stored)
    }

    /// Sets the value under a key.
    #[inline]
    pub fn set(&mut self, key: &K, value: &V) {
        with_key(self.field, key, |key| store(key, value));
    }

    /// Sets the value under a key, unless the balance does not cover the deposit for it: then
    /// [`set`](Self::set) traps. Tells whether it is set.
    #[must_use]
    pub fn try_set(&mut self, key: &K, value: &V) -> bool {
        with_key(self.field, key, |key| try_store(key, value))
    }

    /// Removes the first entries, at most so many. Returns their number: fewer if there are no
    /// more.
    pub fn remove_first(&mut self, most: u32) -> u32 {
        remove_range(&[self.field], &self.end(), most)
    }

    /// The entry with the highest key.
    #[must_use]
    pub fn last(&self) -> Option<(K, V)> {
        let (key, value) = previous(&[self.field], &self.end())?;
        let (key, _) = key.split_first().and_then(|(_, key)| K::decode_key(key))?;
        Some((key, stored(&value)))
    }

    /// Removes the value under a key, and tells whether there was one.
    pub fn remove(&mut self, key: &K) -> bool {
        with_key(self.field, key, remove)
    }

    /// The entries, in the order of their keys. Each step is a syscall: stop in time, and go on in
    /// another transaction by [`from`](Self::from).
    #[must_use]
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.after(alloc::vec![self.field])
    }

    /// The entries from a key on, in the order of their keys.
    #[must_use]
    pub fn from(&self, key: &K) -> Iter<'_, K, V> {
        self.after(with_key(self.field, key, <[u8]>::to_vec))
    }

    fn after(&self, start: Vec<u8>) -> Iter<'_, K, V> {
        Iter {
            start,
            end: self.end(),
            of: PhantomData,
        }
    }

    /// The end of the keys of this field.
    fn end(&self) -> Vec<u8> {
        match self.field.checked_add(1) {
            Some(end) => alloc::vec![end],
            None => Vec::new(),
        }
    }
}

/// Entries of a [`Map`]. Entries may be changed in between: a step sees what there is then.
#[derive(Debug)]
pub struct Iter<'a, K, V> {
    start: Vec<u8>,
    end: Vec<u8>,
    of: PhantomData<&'a (K, V)>,
}

impl<K: Key, V: Codec> Iterator for Iter<'_, K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        let (key, value) = next(&self.start, &self.end)?;
        let (decoded, _) = key.split_first().and_then(|(_, key)| K::decode_key(key))?;
        self.start = key;
        self.start.push(0);
        Some((decoded, stored(&value)))
    }
}
