//! The format of the database file: its tables, and the fields that identify a store.
//!
//! | table      | key             | value                                     |
//! |------------|-----------------|-------------------------------------------|
//! | `meta`     | `magic`         | [`MAGIC`]                                 |
//! |            | `format`        | [`VERSION`], `u32`, little-endian         |
//! |            | `sequence`      | transactions so far, `u64`, little-endian |
//! |            | `history`       | the history hash, 32 bytes                |
//! |            | `root`          | the state root, 32 bytes                  |
//! | `state`    | a state key     | its value                                 |
//! | `receipts` | sequence number | the receipt of that transaction           |
//!
//! A change of this layout, or of the chain's keys, values and receipts, needs a new [`VERSION`]. A
//! store of another version is refused with an error that names the version.
//!
//! | version | what it has                                                                      |
//! |---------|----------------------------------------------------------------------------------|
//! | 1       | accounts under one key each; no encoding has a version                           |
//! | 2       | balance, nonce and code hash under keys of their own; encodings have a version   |
//! | 3       | a state root                                                                     |

use std::path::Path;

use fusee_proof::{EMPTY, Hash};
use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, TableError, WriteTransaction};

use crate::error::At;
use crate::{Foreign, StoreError};

const VERSION: u32 = 3;
const MAGIC: &[u8] = b"fusee store";

pub(crate) type Bytes = &'static [u8];
type Meta = TableDefinition<'static, &'static str, Bytes>;

pub(crate) const META: Meta = TableDefinition::new("meta");
pub(crate) const STATE: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("state");
pub(crate) const RECEIPTS: TableDefinition<'_, u64, Bytes> = TableDefinition::new("receipts");

/// Creates the tables of an empty store in an empty database.
pub(crate) fn initialize(transaction: &WriteTransaction, path: &Path) -> Result<(), StoreError> {
    transaction.open_table(STATE).at(path)?;
    transaction.open_table(RECEIPTS).at(path)?;
    let mut meta = transaction.open_table(META).at(path)?;
    meta.insert("magic", MAGIC).at(path)?;
    meta.insert("format", VERSION.to_le_bytes().as_slice())
        .at(path)?;
    let head = Head {
        sequence: 0,
        history: [0; 32],
        root: EMPTY,
    };
    head.save(&mut meta, path)
}

/// Checks that a database is a store of this version.
pub(crate) fn identify(transaction: &ReadTransaction, path: &Path) -> Result<(), StoreError> {
    let foreign = || StoreError::Foreign {
        path: path.to_path_buf(),
        found: Foreign::OtherDatabase,
    };
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::Storage(error)) => return Err(error).at(path),
        Err(_) => return Err(foreign()),
    };
    let magic = meta.get("magic").at(path)?;
    if magic.is_none_or(|magic| magic.value() != MAGIC) {
        return Err(foreign());
    }
    match u32::from_le_bytes(field(&meta, "format", path)?) {
        VERSION => Ok(()),
        found => Err(StoreError::Format {
            path: path.to_path_buf(),
            found,
            expected: VERSION,
        }),
    }
}

/// The position of a store: sequence, history hash and state root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) sequence: u64,
    pub(crate) history: [u8; 32],
    pub(crate) root: Hash,
}

impl Head {
    pub(crate) fn load(
        meta: &impl ReadableTable<&'static str, Bytes>,
        path: &Path,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            sequence: u64::from_le_bytes(field(meta, "sequence", path)?),
            history: field(meta, "history", path)?,
            root: field(meta, "root", path)?,
        })
    }

    pub(crate) fn save(
        self,
        meta: &mut Table<'_, &'static str, Bytes>,
        path: &Path,
    ) -> Result<(), StoreError> {
        let sequence = self.sequence.to_le_bytes();
        meta.insert("sequence", sequence.as_slice()).at(path)?;
        meta.insert("history", self.history.as_slice()).at(path)?;
        meta.insert("root", self.root.as_slice()).at(path)?;
        Ok(())
    }
}

fn field<const N: usize>(
    meta: &impl ReadableTable<&'static str, Bytes>,
    name: &'static str,
    path: &Path,
) -> Result<[u8; N], StoreError> {
    let value = meta.get(name).at(path)?;
    value
        .and_then(|value| value.value().try_into().ok())
        .ok_or_else(|| {
            StoreError::corrupt(
                path,
                "a field of its meta table is missing or has another size",
            )
        })
}
