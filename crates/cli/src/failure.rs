//! Failures: error messages, and the exit codes of the process.
//!
//! A failure has an error, its causes, and advice on what to do next.

use std::{fmt::Display, process::ExitCode};

use anyhow::anyhow;
use fusee::chain::{
    CapsuleError, ChainError, ContractError, InvalidBatch, InvalidTransaction, log::LogError,
    store::ChainStoreError,
};
use fusee::keystore::KeystoreError;
use fusee::ledger::{Invalid, LedgerError, Role};
use fusee::sandbox::{Gas, PrepareError, Refusal, RunError};
use fusee_build::BuildError;
use serde::Serialize;

use crate::{chain::Request, names, numbers::grouped};

/// The exit status of the process. The help documents the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command succeeded.
    Success,
    /// The program or the transaction failed, or was refused.
    Unsuccessful,
    /// Wrong usage or input.
    Usage,
    /// The engines disagree.
    Disagreement,
    /// The host failed: disk, memory, or the data folder.
    Host,
    /// The transaction is invalid: it cannot be included in a block, and has no receipt.
    Invalid,
}

/// The exit codes, for the help.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  the program or the transaction failed: it trapped, reverted, ran out of gas, was rejected,
     or its code was refused; a contract does not compile, its tests fail, or it is not made of
     its sources
  2  wrong usage or input: a missing file, an unknown address, method or export
  3  the engines disagree
  4  the host failed: the data folder is locked, foreign or corrupt, the disk is full, or a part
     of Rust's toolchain is missing
  5  the transaction is invalid: the gas limit is below the intrinsic gas, the value exceeds
     the balance, or the input or code is too large; nothing was committed, not even the nonce";

/// The reason why a verb failed.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
    next: Option<String>,
    invalid: Option<InvalidJson>,
}

/// A failure as JSON.
#[derive(Serialize)]
struct FailureJson<'a> {
    error: ErrorJson<'a>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    message: String,
    causes: Vec<String>,
    next: Option<&'a str>,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<&'a InvalidJson>,
}

/// An invalid transaction as JSON.
#[derive(Debug, Serialize)]
struct InvalidJson {
    reason: &'static str,
    /// The number in the transaction. As text, because JSON readers round large numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    has: Option<String>,
    /// The bound that it exceeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<String>,
}

impl InvalidJson {
    fn of(invalid: &Invalid) -> Self {
        let (reason, figures) = match invalid {
            Invalid::Operations(invalid) => (invalid.reason.name(), invalid.reason.figures()),
            invalid => (invalid.name(), figures(invalid)),
        };
        let (has, bound) = figures.unzip();
        Self {
            reason,
            has: has.map(|has: u128| has.to_string()),
            bound: bound.map(|bound: u128| bound.to_string()),
        }
    }
}

/// What a transaction has, and the bound of it, if that is why it is invalid.
fn figures(invalid: &Invalid) -> Option<(u128, u128)> {
    let gas = |gas: Gas| u128::from(gas.units());
    match invalid {
        Invalid::GasLimitTooLow { limit, intrinsic } => Some((gas(*limit), gas(*intrinsic))),
        Invalid::GasLimitAboveBlock { limit, block } => Some((gas(*limit), gas(*block))),
        Invalid::CannotPay { cost, balance, .. } => Some((*cost, *balance)),
        Invalid::PriceBelowMinimum { price, minimum } => Some((*price, *minimum)),
        _ => None,
    }
}

impl Exit {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Unsuccessful => 1,
            Exit::Usage => 2,
            Exit::Disagreement => 3,
            Exit::Host => 4,
            Exit::Invalid => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.number())
    }
}

impl Failure {
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            error: error.into(),
            next: None,
            invalid: None,
        }
    }

    /// Wrong usage or input.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, anyhow!("{message}"))
    }

    /// A program that the rules refuse, by the name of its file.
    pub(crate) fn refused(name: impl Display, refusal: Refusal) -> Self {
        Self::new(
            Exit::Unsuccessful,
            anyhow::Error::new(refusal).context(format!("invalid program `{name}`")),
        )
    }

    /// A transaction that cannot be included in a block.
    pub(crate) fn invalid(invalid: &Invalid, request: &Request) -> Self {
        let next = match invalid {
            Invalid::GasLimitTooLow { intrinsic: gas, .. }
            | Invalid::Operations(InvalidBatch {
                reason: InvalidTransaction::GasLimitTooLow { intrinsic: gas, .. },
                ..
            }) => {
                format!("set --gas above {}", grouped(gas))
            }
            Invalid::GasLimitAboveBlock { block, .. } => {
                format!("set --gas to {} or less", grouped(block))
            }
            Invalid::CannotPay {
                role: Role::Sender,
                balance,
                ..
            } => format!(
                "`{}` has a balance of {}: lower --value, --gas or --gas-price, or choose another \
                 account with --from",
                names::short(request.sender.address()),
                grouped(balance)
            ),
            Invalid::CannotPay { balance, .. } => format!(
                "the fee payer has a balance of {}: lower --gas or --gas-price, or choose another \
                 account with --fee-payer",
                grouped(balance)
            ),
            Invalid::PriceBelowMinimum { minimum, .. } => {
                format!("set --gas-price to {} or more", grouped(minimum))
            }
            Invalid::PriceWithoutFees { .. } => "leave --gas-price out".to_owned(),
            Invalid::CostTooLarge { .. } => "lower --gas, --gas-price or --value".to_owned(),
            Invalid::QuotaExceeded { left, end, .. } => format!(
                "set --gas to {} or less, or wait for height {}",
                grouped(left),
                grouped(end)
            ),
            Invalid::FeePayerIsSender => "leave --fee-payer out".to_owned(),
            Invalid::SchemeNotAdmitted { .. } => {
                "sign by a key that the chain admits: see `fusee keys new`".to_owned()
            }
            Invalid::TooLarge { .. }
            | Invalid::Operations(InvalidBatch {
                reason: InvalidTransaction::InputTooLarge { .. },
                ..
            }) => "pass a smaller input or program".to_owned(),
            Invalid::Operations(InvalidBatch {
                reason: InvalidTransaction::CodeTooLarge { .. },
                ..
            }) => "reduce the size of the program".to_owned(),
            _ => "see `fusee --help`".to_owned(),
        };
        let told = InvalidJson::of(invalid);
        let error = match invalid.clone() {
            Invalid::Operations(invalid) => anyhow::Error::new(invalid.reason),
            invalid => anyhow::Error::new(invalid),
        };
        let error = error.context("the transaction is invalid");
        Self {
            invalid: Some(told),
            ..Self::new(Exit::Invalid, error).next(next)
        }
    }

    /// Adds advice on what to do next.
    pub(crate) fn next(mut self, next: impl Display) -> Self {
        self.next = Some(next.to_string());
        self
    }

    /// Says where in the input the error is.
    pub(crate) fn within(mut self, place: &str) -> Self {
        self.error = anyhow!("{place}: {}", self.error);
        self
    }

    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// The error with its causes, in one line.
    pub(crate) fn message(&self) -> String {
        format!("{:#}", self.error)
    }

    /// The advice.
    pub(crate) fn advice(&self) -> &str {
        self.next.as_deref().unwrap_or_default()
    }

    /// The failure as text: error, causes, advice.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("error: {}\n", self.error);
        for cause in self.error.chain().skip(1) {
            text.push_str(&format!("  cause: {cause}\n"));
        }
        if let Some(next) = &self.next {
            text.push_str(&format!("  next: {}\n", next.replace('\n', "\n        ")));
        }
        text
    }

    /// The failure as JSON.
    pub(crate) fn json(&self) -> impl Serialize {
        FailureJson {
            error: ErrorJson {
                message: self.error.to_string(),
                causes: self
                    .error
                    .chain()
                    .skip(1)
                    .map(ToString::to_string)
                    .collect(),
                next: self.next.as_deref(),
                exit_code: self.exit.number(),
                invalid: self.invalid.as_ref(),
            },
        }
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Store(error) => error.into(),
            ChainError::Ledger(error) => error.into(),
            error => {
                let next = match &error {
                    ChainError::ForeignFolder { .. } => {
                        "choose an empty or new folder with --data; this folder was not modified"
                    }
                    ChainError::OldFolder { .. } | ChainError::OtherGenesis { .. } => {
                        "choose another folder with --data; this folder was not modified"
                    }
                    ChainError::Io { .. } => {
                        "check that the folder is readable and writable, or choose another one \
                         with --data"
                    }
                    ChainError::NoBlock { .. } => "choose one of these heights",
                    ChainError::Genesis(_) => "correct the genesis file",
                    ChainError::UnfinishedImport { .. } => {
                        "run the same `fusee snapshot import` again, or remove the folder"
                    }
                    ChainError::NewerFile { .. } => {
                        "use the version of fusee that wrote it, or choose another folder with --data"
                    }
                    ChainError::NoGenesis { .. }
                    | ChainError::NoChain { .. }
                    | ChainError::GenesisFile { .. }
                    | ChainError::BaseFile { .. } => {
                        "restore the folder from a backup, or choose a new one with --data"
                    }
                    _ => "see `fusee doctor`, and restore the folder from a backup",
                };
                let exit = match error {
                    ChainError::NoBlock { .. } => Exit::Usage,
                    _ => Exit::Host,
                };
                Self::new(exit, error).next(next)
            }
        }
    }
}

impl From<ChainStoreError> for Failure {
    fn from(error: ChainStoreError) -> Self {
        let next = match &error {
            ChainStoreError::Locked { .. } => {
                "give the other process longer with --wait, end it, or talk to it with --node if it \
                 is a node"
            }
            ChainStoreError::Foreign { .. } | ChainStoreError::OtherIdentity { .. } => {
                "choose another folder with --data; this folder was not modified"
            }
            ChainStoreError::Version { .. } => {
                "use the version of fusee that wrote it, or choose another folder with --data"
            }
            ChainStoreError::Full { .. } | ChainStoreError::Log(LogError::Full { .. }) => {
                "free disk space, or choose a folder on another disk with --data"
            }
            ChainStoreError::NotServed { .. } => "choose one of these heights",
            ChainStoreError::Exists { .. } => "choose a folder that does not exist",
            ChainStoreError::Poisoned { .. } | ChainStoreError::Stale { .. } => {
                "run the command again"
            }
            ChainStoreError::Io { .. } | ChainStoreError::NoStore { .. } => {
                "check that the folder exists and is readable and writable, or choose another one with --data"
            }
            _ => {
                "see `fusee doctor`, restore the folder from a backup, or choose a new one with --data"
            }
        };
        let exit = match error {
            ChainStoreError::NotServed { .. } | ChainStoreError::Exists { .. } => Exit::Usage,
            _ => Exit::Host,
        };
        Self::new(exit, error).next(next)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Contract(error) => error.into(),
            LedgerError::Misplaced(error) => {
                Self::new(Exit::Usage, error).next("give a later time with --time")
            }
            LedgerError::Unknown { .. } => {
                Self::new(Exit::Host, error).next("use a version of fusee that has them")
            }
            error => Self::new(Exit::Host, error).next("nothing was committed; see `fusee doctor`"),
        }
    }
}

impl From<KeystoreError> for Failure {
    fn from(error: KeystoreError) -> Self {
        let (exit, next) = match &error {
            KeystoreError::Name { .. } => (Exit::Usage, "choose another name"),
            KeystoreError::Exists { .. } => (
                Exit::Usage,
                "choose another name: keys are never overwritten",
            ),
            KeystoreError::Missing { .. } => (
                Exit::Usage,
                "see `fusee keys list`, or choose another folder with --keys",
            ),
            KeystoreError::WrongPassword { .. } => (Exit::Usage, "try the password again"),
            KeystoreError::Version { .. } => (Exit::Host, "use the version of fusee that wrote it"),
            KeystoreError::Damaged { .. } => (Exit::Host, "restore the file from a backup"),
            _ => (
                Exit::Host,
                "check that the folder is readable and writable, or choose another with --keys",
            ),
        };
        Self::new(exit, error).next(next)
    }
}

impl From<ContractError> for Failure {
    fn from(error: ContractError) -> Self {
        Self::new(Exit::Host, error)
            .next("nothing was committed; run the command again, or choose another --engine")
    }
}

impl From<CapsuleError> for Failure {
    fn from(error: CapsuleError) -> Self {
        let next = match &error {
            CapsuleError::NotACapsule => "pass a file that `--capsule` wrote",
            CapsuleError::Version { .. } => "use the version of fusee that wrote it",
            CapsuleError::UnknownRules { .. } => {
                "use the version of fusee that wrote it, or replay it by the program that has the \
                 rules (`Capsule::replay`)"
            }
            CapsuleError::MissingCode { .. } => "pass the program with --code FILE",
            CapsuleError::TooLarge { .. } => "the transaction reads too much for a capsule",
            _ => "record it again, or get the file again",
        };
        Self::new(Exit::Usage, error).next(next)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let exit = match error {
            BuildError::Failed { .. } => Exit::Unsuccessful,
            BuildError::Missing { .. } => Exit::Host,
            _ => Exit::Usage,
        };
        let next = error.next();
        match error {
            // The way to install it is the advice.
            BuildError::Missing { what, .. } => Self::new(exit, anyhow!("this needs {what}")),
            error => Self::new(exit, error),
        }
        .next(next)
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        Self::new(Exit::Host, error).next("choose another --engine")
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::new(Exit::Host, error).next("choose another --engine")
    }
}
