//! Reading encodings field by field: an error says which field, and at which byte it begins.
//!
//! The fields are those of borsh, which has one encoding for each value. What borsh leaves open, as
//! limits and ranges, is checked where the fields are read.

use std::fmt;

use borsh::{BorshDeserialize, io::ErrorKind};

use crate::Invalid;

/// The version of the encoding of transactions, which is its first byte.
pub const TRANSACTION_VERSION: u8 = 1;

/// A field of an encoded transaction, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The version of the encoding.
    Version,
    /// The name of the chain.
    ChainId,
    /// The address of the sender.
    Sender,
    /// The number of the sender's transaction.
    Nonce,
    /// The last height that may include the transaction.
    Expiry,
    /// The gas limit.
    GasLimit,
    /// The price of a unit of gas.
    GasPrice,
    /// The address of the fee payer.
    FeePayer,
    /// The number of operations.
    OperationCount,
    /// One operation, by its index.
    Operation(u32),
    /// The key and the signature of the sender.
    SenderAuthorization,
    /// The key and the signature of the fee payer.
    FeePayerAuthorization,
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Field::Version => "version",
            Field::ChainId => "chain id",
            Field::Sender => "sender",
            Field::Nonce => "nonce",
            Field::Expiry => "expiry",
            Field::GasLimit => "gas limit",
            Field::GasPrice => "gas price",
            Field::FeePayer => "fee payer",
            Field::OperationCount => "number of operations",
            Field::Operation(index) => return write!(formatter, "operation {index}"),
            Field::SenderAuthorization => "signature of the sender",
            Field::FeePayerAuthorization => "signature of the fee payer",
        })
    }
}

/// What is left of an encoding, and where it stands.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    total: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            total: bytes.len(),
        }
    }

    /// The number of bytes read.
    pub(crate) const fn position(&self) -> usize {
        self.total.saturating_sub(self.rest.len())
    }

    /// Reads a field.
    pub(crate) fn read<T: BorshDeserialize>(&mut self, field: Field) -> Result<T, Invalid> {
        let at = self.position();
        T::deserialize(&mut self.rest).map_err(|error| {
            // borsh reports the end of the bytes by its own kind and text.
            let is_cut = error.kind() == ErrorKind::UnexpectedEof
                || error.to_string() == "Unexpected length of input";
            match is_cut {
                true => Invalid::Cut { field, at },
                false => Invalid::Malformed { field, at },
            }
        })
    }

    /// Refuses bytes that are left.
    pub(crate) const fn finish(self) -> Result<(), Invalid> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(Invalid::TrailingBytes { bytes }),
        }
    }
}
