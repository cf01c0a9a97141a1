//! Accounts: the balance, nonce and code of an address.
//!
//! Each of the three has its own state key ([`keys`]). An [`Account`] combines them for tools. No
//! transaction reads or writes an [`Account`].

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_engine::CodeHash;
use fusee_state::{Diff, StateReader, Value};

use crate::{AccountField, Address, ContractError, encoding, keys};

/// The state of one account. Unused addresses have the default account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The balance, in the smallest unit.
    pub balance: u128,
    /// The number of transactions that the account has sent.
    pub nonce: u64,
    /// The code, if the account is a contract.
    pub code: Option<AccountCode>,
}

/// The code of a contract, as its account refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountCode {
    /// The hash.
    pub hash: CodeHash,
    /// The size in bytes. It decides the price of a call, which is charged before the code is read.
    pub bytes: u32,
}

/// Who uploaded code, and how many contracts have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CodeUse {
    /// Who uploaded it first, and may remove it while no contract has it.
    pub uploader: Address,
    /// The number of contracts that have it. One more than those if contracts were deployed by
    /// rules that do not count: such code stays.
    pub contracts: u64,
    /// The size in bytes.
    pub bytes: u32,
}

impl Account {
    /// Reads the account at an address.
    ///
    /// # Errors
    ///
    /// [`ContractError::State`] if the state cannot be read, [`ContractError::CorruptAccount`] if a
    /// key of the account has an invalid value.
    pub fn read(state: &dyn StateReader, address: Address) -> Result<Self, ContractError> {
        Ok(Self {
            balance: Self::balance(state, address)?,
            nonce: Self::nonce(state, address)?,
            code: decode_code(address, state.read(&keys::code_hash(address))?)?,
        })
    }

    /// Reads the balance at an address, in the smallest unit.
    ///
    /// # Errors
    ///
    /// As [`Account::read`].
    pub fn balance(state: &dyn StateReader, address: Address) -> Result<u128, ContractError> {
        decode_balance(address, state.read(&keys::balance(address))?)
    }

    /// Reads the nonce at an address.
    ///
    /// # Errors
    ///
    /// As [`Account::read`].
    pub fn nonce(state: &dyn StateReader, address: Address) -> Result<u64, ContractError> {
        decode_nonce(address, state.read(&keys::nonce(address))?)
    }
}

/// The changes that give these addresses these balances, in the smallest unit, whatever they had.
#[must_use]
pub fn set_balances(balances: &[(Address, u128)]) -> Diff {
    let balances = balances.iter();
    balances
        .map(|(address, balance)| (keys::balance(*address), encode_balance(*balance)))
        .collect()
}

/// Encodes a balance as a value of the state. A balance of 0 has no value.
pub(crate) fn encode_balance(balance: u128) -> Option<Vec<u8>> {
    (balance > 0).then(|| encoding::encode(&balance))
}

/// Encodes a nonce as a value of the state. A nonce of 0 has no value.
pub(crate) fn encode_nonce(nonce: u64) -> Option<Vec<u8>> {
    (nonce > 0).then(|| encoding::encode(&nonce))
}

pub(crate) fn encode_code(code: AccountCode) -> Vec<u8> {
    let AccountCode { hash, bytes } = code;
    encoding::encode(&(*hash.as_bytes(), bytes))
}

pub(crate) fn decode_balance(
    address: Address,
    value: Option<Value>,
) -> Result<u128, ContractError> {
    Ok(decode(address, AccountField::Balance, value)?.unwrap_or_default())
}

pub(crate) fn decode_nonce(address: Address, value: Option<Value>) -> Result<u64, ContractError> {
    Ok(decode(address, AccountField::Nonce, value)?.unwrap_or_default())
}

/// Encodes the bytes of a storage that are under a deposit. None have no value.
pub(crate) fn encode_stored_bytes(bytes: u64) -> Option<Vec<u8>> {
    (bytes > 0).then(|| encoding::encode(&bytes))
}

pub(crate) fn decode_stored_bytes(
    address: Address,
    value: Option<Value>,
) -> Result<u64, ContractError> {
    Ok(decode(address, AccountField::StoredBytes, value)?.unwrap_or_default())
}

pub(crate) fn decode_code(
    address: Address,
    value: Option<Value>,
) -> Result<Option<AccountCode>, ContractError> {
    let code: Option<([u8; 32], u32)> = decode(address, AccountField::CodeHash, value)?;
    Ok(code.map(|(hash, bytes)| AccountCode {
        hash: CodeHash::from_bytes(hash),
        bytes,
    }))
}

pub(crate) fn decode_admin(
    address: Address,
    value: Option<Value>,
) -> Result<Option<Address>, ContractError> {
    decode(address, AccountField::Admin, value)
}

pub(crate) fn decode_reentrancy(
    address: Address,
    value: Option<Value>,
) -> Result<u8, ContractError> {
    Ok(decode(address, AccountField::Reentrancy, value)?.unwrap_or_default())
}

pub(crate) fn decode_code_use(
    hash: CodeHash,
    value: Option<Value>,
) -> Result<Option<CodeUse>, ContractError> {
    let value = value.map(|bytes| encoding::decode(&bytes)).transpose();
    value.map_err(|source| ContractError::CorruptCodeUse { hash, source })
}

fn decode<T: borsh::BorshDeserialize>(
    address: Address,
    field: AccountField,
    value: Option<Value>,
) -> Result<Option<T>, ContractError> {
    let value = value.map(|bytes| encoding::decode(&bytes)).transpose();
    value.map_err(|source| ContractError::CorruptAccount {
        address,
        field,
        source,
    })
}
