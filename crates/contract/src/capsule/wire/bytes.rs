//! The parts that all bytes of capsules are made of: numbers, bytes, texts, lists and options.

use fusee_engine::{CodeHash, Gas};
use fusee_state::Value;

use crate::{Address, CapsuleError};

/// Collects bytes.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn length(&mut self, length: usize) {
        // Longer ones exceed the limit of a capsule.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.raw(&length.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.raw(bytes);
    }

    pub(super) fn list<I: ExactSizeIterator>(
        &mut self,
        items: I,
        mut write: impl FnMut(&mut Self, I::Item),
    ) {
        self.length(items.len());
        for item in items {
            write(self, item);
        }
    }

    pub(super) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.raw(&[u8::from(value.is_some())]);
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// Reads untrusted bytes. Nothing is allocated before its bytes are there.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The part of the capsule that follows, for errors.
    pub(super) part: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            part: "beginning",
        }
    }

    pub(super) fn malformed(&self, reason: &'static str) -> CapsuleError {
        CapsuleError::Malformed {
            at: self.at,
            part: self.part,
            reason,
        }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], CapsuleError> {
        let taken = self.bytes.split_off(..length);
        let taken = taken.ok_or_else(|| self.malformed("more bytes are announced than follow"))?;
        self.at = self.at.saturating_add(length);
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CapsuleError> {
        let taken = self.take(N)?;
        let array = taken.first_chunk().copied();
        array.ok_or_else(|| self.malformed("more bytes are announced than follow"))
    }

    pub(super) fn u32(&mut self) -> Result<u32, CapsuleError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, CapsuleError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn u128(&mut self) -> Result<u128, CapsuleError> {
        self.array().map(u128::from_le_bytes)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], CapsuleError> {
        let length = self.u32()?;
        // A length that exceeds a usize exceeds any slice.
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    pub(super) fn owned(&mut self) -> Result<Vec<u8>, CapsuleError> {
        self.bytes().map(<[u8]>::to_vec)
    }

    pub(super) fn value(&mut self) -> Result<Value, CapsuleError> {
        self.bytes().map(Value::from)
    }

    pub(super) fn text(&mut self) -> Result<String, CapsuleError> {
        let bytes = self.owned()?;
        String::from_utf8(bytes).map_err(|_| self.malformed("the text before is not UTF-8"))
    }

    pub(super) fn address(&mut self) -> Result<Address, CapsuleError> {
        self.array().map(Address::new)
    }

    pub(super) fn hash(&mut self) -> Result<CodeHash, CapsuleError> {
        self.array().map(CodeHash::from_bytes)
    }

    pub(super) fn gas(&mut self) -> Result<Gas, CapsuleError> {
        let units = self.u64()?;
        let gas = Gas::new(units);
        match gas.units() == units {
            true => Ok(gas),
            false => Err(self.malformed("the number before exceeds the maximum amount of gas")),
        }
    }

    pub(super) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, CapsuleError>,
    ) -> Result<Vec<T>, CapsuleError> {
        let mut items = Vec::new();
        for _ in 0..self.u32()? {
            items.push(read(self)?);
        }
        Ok(items)
    }

    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CapsuleError>,
    ) -> Result<Option<T>, CapsuleError> {
        match self.array()? {
            [0] => Ok(None),
            [1] => read(self).map(Some),
            _ => Err(self.malformed("the byte before is neither 0 nor 1")),
        }
    }

    pub(super) fn end(&self) -> Result<(), CapsuleError> {
        match self.bytes.is_empty() {
            true => Ok(()),
            false => Err(self.malformed("more bytes follow than the capsule has")),
        }
    }
}
