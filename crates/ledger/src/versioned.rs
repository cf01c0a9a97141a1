//! Values of the state, and records of blocks: the version of the encoding, then the fields by
//! borsh. Each value has one encoding.

use std::{io, num::NonZeroU64};

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_engine::Gas;
use fusee_state::StateReader;

use crate::LedgerError;

pub use fusee_contract::EncodingError as DecodeError;
pub(crate) use fusee_contract::encoding::{decode, encode};

/// Reads a value of the state. `None` if the state has none.
pub(crate) fn read<T: BorshDeserialize>(
    state: &dyn StateReader,
    what: &'static str,
    key: &[u8],
) -> Result<Option<T>, LedgerError> {
    let value = state.read(key)?.map(|bytes| decode(&bytes)).transpose();
    value.map_err(|source| LedgerError::Corrupt { what, source })
}

pub(crate) fn write_gas<W: io::Write>(gas: &Gas, writer: &mut W) -> io::Result<()> {
    gas.units().serialize(writer)
}

pub(crate) fn read_gas<R: io::Read>(reader: &mut R) -> io::Result<Gas> {
    let units = u64::deserialize_reader(reader)?;
    match units <= Gas::MAX.units() {
        true => Ok(Gas::new(units)),
        false => Err(malformed("an amount of gas exceeds the greatest one")),
    }
}

pub(crate) fn write_nonzero<W: io::Write>(number: &NonZeroU64, writer: &mut W) -> io::Result<()> {
    number.get().serialize(writer)
}

pub(crate) fn read_nonzero<R: io::Read>(reader: &mut R) -> io::Result<NonZeroU64> {
    let number = u64::deserialize_reader(reader)?;
    NonZeroU64::new(number).ok_or_else(|| malformed("a number that cannot be 0 is 0"))
}

pub(crate) fn malformed(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

pub(crate) fn write_optional_gas<W: io::Write>(
    gas: &Option<Gas>,
    writer: &mut W,
) -> io::Result<()> {
    gas.map(Gas::units).serialize(writer)
}

pub(crate) fn read_optional_gas<R: io::Read>(reader: &mut R) -> io::Result<Option<Gas>> {
    match bool::deserialize_reader(reader)? {
        true => read_gas(reader).map(Some),
        false => Ok(None),
    }
}
