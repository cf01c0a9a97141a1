//! A proof: the siblings on the way from the root to where a key is or would be, and what is there.

use alloc::vec::Vec;

use crate::{
    DecodeError, EMPTY, Hash, Mismatch, VerifyError, bit, leaf, node, path, shared_bits, value_hash,
};

/// The most siblings of a proof.
pub const MAX_DEPTH: usize = 256;

/// The version of the encoding: its first byte.
const VERSION: u8 = 1;

const PRESENT: u8 = 0;
const ABSENT: u8 = 1;
const OTHER: u8 = 2;

/// Shows what a state has under a key, to a verifier that has the root of the state.
///
/// # Encoding
///
/// | bytes | meaning |
/// |---|---|
/// | 1 | version of the encoding: 1 |
/// | 2 | depth: the number of siblings, little-endian, at most 256 |
/// | depth / 8, rounded up | a bit for each sibling from the root on, the highest of a byte first: whether it is not empty; unused bits are 0 |
/// | 32 for each that is not empty | the siblings |
/// | 1 | what is at the end: 0 the entry of the key, 1 nothing, 2 another entry |
/// | 64, for another entry | its path, and the hash of its value |
///
/// The last sibling is not empty. Every proof has exactly one encoding; [`Proof::decode`] refuses
/// all other bytes. The value is not in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    siblings: Vec<Hash>,
    end: End,
}

/// What is at the end of a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// The entry of the key: it is present.
    Present,
    /// Nothing: the key is absent.
    Empty,
    /// The entry of another key, alone in its subtree: the key is absent.
    Other {
        /// The path of the other key.
        path: Hash,
        /// The hash of its value.
        value_hash: Hash,
    },
}

/// Checks an encoded proof that the state of `root` has `value` under `key`, or nothing if it is
/// `None`.
///
/// # Errors
///
/// If the bytes are no proof, or do not show that.
pub fn verify(
    root: &Hash,
    key: &[u8],
    value: Option<&[u8]>,
    proof: &[u8],
) -> Result<(), VerifyError> {
    Ok(Proof::decode(proof)?.verify(root, key, value)?)
}

impl Proof {
    /// A proof of siblings, that of the root first.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_DEPTH`] siblings, or the last one is empty: no tree has that.
    #[must_use]
    pub fn new(siblings: Vec<Hash>, end: End) -> Self {
        assert!(siblings.len() <= MAX_DEPTH, "a path has 256 bits");
        assert_ne!(
            siblings.last(),
            Some(&EMPTY),
            "a leaf is as high as it can be"
        );
        Self { siblings, end }
    }

    /// The siblings from the root on. An empty subtree is [`EMPTY`].
    #[must_use]
    pub fn siblings(&self) -> &[Hash] {
        &self.siblings
    }

    /// What is at the end of the path.
    #[must_use]
    pub const fn end(&self) -> End {
        self.end
    }

    /// Checks that the state of `root` has `value` under `key`, or nothing if it is `None`.
    ///
    /// # Errors
    ///
    /// If the proof does not show that.
    pub fn verify(&self, root: &Hash, key: &[u8], value: Option<&[u8]>) -> Result<(), Mismatch> {
        let path = path(key);
        let end = match (self.end, value) {
            (End::Present, Some(value)) => leaf(&path, &value_hash(value)),
            (End::Present, None) => return Err(Mismatch::Presence),
            (_, Some(_)) => return Err(Mismatch::Absence),
            (End::Empty, None) => EMPTY,
            (
                End::Other {
                    path: other,
                    value_hash,
                },
                None,
            ) => {
                // An entry of the key itself would be its presence.
                let shared = shared_bits(&path, &other);
                if shared == MAX_DEPTH || shared < self.siblings.len() {
                    return Err(Mismatch::OffPath);
                }
                leaf(&other, &value_hash)
            }
        };
        let siblings = self.siblings.iter().enumerate().rev();
        let found = siblings.fold(end, |hash, (depth, sibling)| match bit(&path, depth) {
            true => node(sibling, &hash),
            false => node(&hash, sibling),
        });
        match found == *root {
            true => Ok(()),
            false => Err(Mismatch::Root { found }),
        }
    }

    /// The bytes of the proof.
    ///
    /// # Panics
    ///
    /// Never: a proof has at most 256 siblings.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let depth = u16::try_from(self.siblings.len()).expect("at most 256");
        let mut bytes = Vec::from([VERSION]);
        bytes.extend(depth.to_le_bytes());
        bytes.extend(self.siblings.chunks(8).map(|siblings| {
            let bits = siblings.iter().zip((0..8).rev());
            bits.fold(0, |byte, (sibling, at)| {
                byte | u8::from(*sibling != EMPTY) << at
            })
        }));
        let siblings = self.siblings.iter().filter(|sibling| **sibling != EMPTY);
        bytes.extend(siblings.flatten());
        match self.end {
            End::Present => bytes.push(PRESENT),
            End::Empty => bytes.push(ABSENT),
            End::Other { path, value_hash } => {
                bytes.push(OTHER);
                bytes.extend(path);
                bytes.extend(value_hash);
            }
        }
        bytes
    }

    /// Reads the bytes that [`Proof::encode`] wrote.
    ///
    /// # Errors
    ///
    /// If `bytes` are anything else. They are untrusted: the allocation is never larger than 32
    /// times their number.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut rest = Rest {
            bytes,
            length: bytes.len(),
        };
        let [found] = rest.take()?;
        if found != VERSION {
            return Err(DecodeError::Version {
                found,
                expected: VERSION,
            });
        }
        let depth = u16::from_le_bytes(rest.take()?);
        let siblings = rest.siblings(depth)?;
        let end = match rest.take()? {
            [PRESENT] => End::Present,
            [ABSENT] => End::Empty,
            [OTHER] => End::Other {
                path: rest.take()?,
                value_hash: rest.take()?,
            },
            [unknown] => return Err(DecodeError::End(unknown)),
        };
        match rest.bytes.len() {
            0 => Ok(Self { siblings, end }),
            trailing => Err(DecodeError::Trailing(trailing)),
        }
    }
}

/// What is left to read.
struct Rest<'a> {
    bytes: &'a [u8],
    /// The bytes of all.
    length: usize,
}

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self
            .bytes
            .split_first_chunk()
            .ok_or(DecodeError::Truncated { at: self.length })?;
        self.bytes = tail;
        Ok(*head)
    }

    fn siblings(&mut self, depth: u16) -> Result<Vec<Hash>, DecodeError> {
        let length = usize::from(depth);
        if length > MAX_DEPTH {
            return Err(DecodeError::Depth(depth));
        }
        let mut bits = [0; MAX_DEPTH / 8];
        for byte in bits.iter_mut().take(length.div_ceil(8)) {
            [*byte] = self.take()?;
        }
        if (length..length.next_multiple_of(8)).any(|at| bit(&bits, at)) {
            return Err(DecodeError::NotCanonical("it has bits of no sibling"));
        }
        if length > 0 && !bit(&bits, length - 1) {
            return Err(DecodeError::NotCanonical("its last sibling is empty"));
        }
        let mut siblings = Vec::new();
        for depth in 0..length {
            let sibling = match bit(&bits, depth) {
                true => self.take()?,
                false => EMPTY,
            };
            if bit(&bits, depth) && sibling == EMPTY {
                return Err(DecodeError::NotCanonical("it spells an empty sibling"));
            }
            siblings.push(sibling);
        }
        Ok(siblings)
    }
}
