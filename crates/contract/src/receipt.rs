//! Receipts: the results of transactions, and their encoding.
//!
//! The canonical bytes of a receipt are the version of the encoding, and the borsh encoding of its
//! fields in order. In version 1, each event has one topic instead of a list. It is the version of
//! all receipts whose events have one topic each, and version 2 that of others. All nodes must
//! agree on the bytes. So a receipt contains no text for people, except the output, which the
//! contract wrote.

mod wire;

use std::{fmt, io};

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_engine::{Gas, Trap};

use crate::{Address, EncodingError};

/// The result of a transaction, besides its changes to the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// How the transaction ended.
    pub status: Status,
    /// The gas limit of the transaction.
    pub gas_limit: Gas,
    /// The gas that the transaction used.
    pub gas_used: Gas,
    /// The output of the method, or its revert message.
    pub output: Vec<u8>,
    /// The events of the successful frames, in order.
    pub events: Vec<Event>,
    /// The address of the deployed contract, if any.
    pub deployed: Option<Address>,
}

/// An event that a contract emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The contract that emitted it.
    pub address: Address,
    /// The topics to search by. Contracts of `contract-1` emit exactly one.
    pub topics: Vec<Vec<u8>>,
    /// The data.
    pub data: Vec<u8>,
}

/// How a transaction or a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The call succeeded.
    Success,
    /// The contract reverted the call. The output is its message.
    Reverted,
    /// The contract trapped.
    Trapped(Trap),
    /// The call ran out of gas.
    OutOfGas,
    /// The call could not begin.
    Rejected(Rejection),
}

/// Why a call could not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// The address has no contract.
    UnknownAddress,
    /// The contract has no such method. A method is an exported function without parameters and
    /// results, other than `deploy`.
    UnknownMethod,
    /// The value exceeds the balance of the sender.
    InsufficientBalance,
    /// The contract is already on the call stack.
    Reentrant,
    /// The call stack reached its limit of depth or memory.
    CallLimit,
    /// The rules refuse the code.
    RefusedCode,
    /// The transaction has loaded as much code as it may.
    CodeLimit,
    /// There is no uploaded code with this hash.
    UnknownCode,
    /// The address has a contract already.
    AddressTaken,
    /// Somebody else is the admin of the contract or uploaded the code, or nobody.
    NotAdmin,
    /// The new code lacks methods of the old one.
    MissingMethods,
    /// Contracts have the code, which can therefore not be removed.
    CodeInUse,
    /// The contract was sent a value that it did not look at.
    NotPayable,
}

impl Receipt {
    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Decodes a receipt from its canonical bytes.
    ///
    /// # Errors
    ///
    /// [`EncodingError`] if the bytes are malformed or have another version of the encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, EncodingError> {
        wire::decode(bytes)
    }
}

impl Status {
    /// The name of the status in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Reverted => "reverted",
            Status::Trapped(_) => "trapped",
            Status::OutOfGas => "out_of_gas",
            Status::Rejected(_) => "rejected",
        }
    }

    /// Numbers in receipts. They are stable.
    pub(crate) const fn code(self) -> u16 {
        match self {
            Status::Success => 0,
            Status::Reverted => 1,
            Status::OutOfGas => 2,
            Status::Rejected(rejection) => 0x100 | rejection.code(),
            Status::Trapped(trap) => 0x200 | trap.code(),
        }
    }

    pub(crate) fn from_code(code: u16) -> Option<Self> {
        match code {
            0 => Some(Status::Success),
            1 => Some(Status::Reverted),
            2 => Some(Status::OutOfGas),
            0x100..0x200 => Rejection::ALL
                .into_iter()
                .map(Status::Rejected)
                .find(|status| status.code() == code),
            _ => Trap::ALL
                .into_iter()
                .map(Status::Trapped)
                .find(|status| status.code() == code),
        }
    }
}

impl Rejection {
    /// Every rejection.
    pub const ALL: [Rejection; 13] = [
        Rejection::UnknownAddress,
        Rejection::UnknownMethod,
        Rejection::InsufficientBalance,
        Rejection::Reentrant,
        Rejection::CallLimit,
        Rejection::RefusedCode,
        Rejection::CodeLimit,
        Rejection::UnknownCode,
        Rejection::AddressTaken,
        Rejection::NotAdmin,
        Rejection::MissingMethods,
        Rejection::CodeInUse,
        Rejection::NotPayable,
    ];

    /// The name of the rejection in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Rejection::UnknownAddress => "unknown_address",
            Rejection::UnknownMethod => "unknown_method",
            Rejection::InsufficientBalance => "insufficient_balance",
            Rejection::Reentrant => "reentrant",
            Rejection::CallLimit => "call_limit",
            Rejection::RefusedCode => "refused_code",
            Rejection::CodeLimit => "code_limit",
            Rejection::UnknownCode => "unknown_code",
            Rejection::AddressTaken => "address_taken",
            Rejection::NotAdmin => "not_admin",
            Rejection::MissingMethods => "missing_methods",
            Rejection::CodeInUse => "code_in_use",
            Rejection::NotPayable => "not_payable",
        }
    }

    const fn code(self) -> u16 {
        match self {
            Rejection::UnknownAddress => 1,
            Rejection::UnknownMethod => 2,
            Rejection::InsufficientBalance => 3,
            Rejection::Reentrant => 4,
            Rejection::CallLimit => 5,
            Rejection::RefusedCode => 6,
            Rejection::CodeLimit => 7,
            Rejection::UnknownCode => 8,
            Rejection::AddressTaken => 9,
            Rejection::NotAdmin => 10,
            Rejection::MissingMethods => 11,
            Rejection::CodeInUse => 12,
            Rejection::NotPayable => 13,
        }
    }
}

impl BorshSerialize for Status {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.code().serialize(writer)
    }
}

impl BorshDeserialize for Status {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let code = u16::deserialize_reader(reader)?;
        Status::from_code(code).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{code} is not a status"),
            )
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Success => formatter.write_str("success"),
            Status::Reverted => formatter.write_str("the contract reverted"),
            Status::Trapped(trap) => write!(formatter, "the contract trapped: {trap}"),
            Status::OutOfGas => formatter.write_str("out of gas"),
            Status::Rejected(rejection) => rejection.fmt(formatter),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Rejection::UnknownAddress => "there is no contract at the address",
            Rejection::UnknownMethod => "the contract has no such method",
            Rejection::InsufficientBalance => "the sender's balance is smaller than the value",
            Rejection::Reentrant => "the contract is on the call stack already",
            Rejection::CallLimit => "the call stack is full",
            Rejection::RefusedCode => "the rules refuse the code",
            Rejection::CodeLimit => "the transaction has loaded as much code as it may",
            Rejection::UnknownCode => "no code with this hash was uploaded",
            Rejection::AddressTaken => "the address has a contract already",
            Rejection::NotAdmin => {
                "only the admin of the contract, or the uploader of the code, may do this"
            }
            Rejection::MissingMethods => "the new code lacks methods of the old one",
            Rejection::CodeInUse => "contracts have the code",
            Rejection::NotPayable => "the contract was sent a value that it did not look at",
        })
    }
}
