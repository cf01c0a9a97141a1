//! Failures: why a verb gave no answer, and with which exit code the program ends.
//!
//! A failure says what is wrong and where (its error and the causes of it), and what to do next.

use std::{fmt::Display, process::ExitCode};

use anyhow::anyhow;
use fusee::chain::{ContractError, Foreign, InvalidTransaction, StoreError, Transaction};
use fusee::sandbox::{PrepareError, Refusal, RunError};
use serde::Serialize;

use crate::{names, numbers::grouped};

/// How the program ends. The numbers are documented in its help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked.
    Success,
    /// The program or the transaction did not succeed, or was refused.
    Unsuccessful,
    /// It was asked for something that is not there, or in the wrong way.
    Usage,
    /// The engines came to different answers.
    Disagreement,
    /// The machine failed: disk, memory, a data folder that cannot be used.
    Host,
    /// The transaction is invalid: it cannot be in a block, and has no receipt.
    Invalid,
}

/// The exit codes, for the help.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  the program or the transaction did not succeed: it trapped, reverted, ran out of gas,
     was rejected, or its code was refused
  2  wrong usage or input: a missing file, an unknown address, method or export
  3  the engines disagree
  4  the host failed: a data folder that is locked, foreign or damaged, a full disk
  5  the transaction is invalid: too little gas to begin, a value above the balance, an input
     or code that is too large; nothing was committed, not even the nonce";

/// Why a verb gave no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
    next: Option<String>,
    invalid: Option<InvalidTransaction>,
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
    invalid: Option<InvalidJson>,
}

/// An invalid transaction as JSON.
#[derive(Serialize)]
struct InvalidJson {
    reason: &'static str,
    /// What the transaction has. As text: JSON readers round large numbers.
    has: String,
    /// The bound that it does not keep.
    bound: String,
}

impl InvalidJson {
    fn of(invalid: InvalidTransaction) -> Self {
        let (has, bound) = invalid.figures();
        Self {
            reason: invalid.name(),
            has: has.to_string(),
            bound: bound.to_string(),
        }
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

    /// A failure of whoever gave the command.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, anyhow!("{message}"))
    }

    /// A program that the rules refuse. `name` says which.
    pub(crate) fn refused(name: impl Display, refusal: Refusal) -> Self {
        Self::new(
            Exit::Unsuccessful,
            anyhow::Error::new(refusal).context(format!("`{name}` cannot be used")),
        )
    }

    /// A transaction that cannot be in a block.
    pub(crate) fn invalid(invalid: InvalidTransaction, transaction: &Transaction) -> Self {
        let next = match invalid {
            InvalidTransaction::GasLimitTooLow { intrinsic, .. } => {
                format!("give it more than {} with --gas", grouped(intrinsic))
            }
            InvalidTransaction::ValueAboveBalance { balance, .. } => format!(
                "`{}` has {}: send no more with --value, or from another account with --from",
                names::short(transaction.from),
                grouped(balance)
            ),
            InvalidTransaction::InputTooLarge { .. } => "pass a smaller input".to_owned(),
            InvalidTransaction::CodeTooLarge { .. } => "make the program smaller".to_owned(),
            _ => "see `fusee --help`".to_owned(),
        };
        let error = anyhow::Error::new(invalid).context("the transaction is invalid");
        Self {
            invalid: Some(invalid),
            ..Self::new(Exit::Invalid, error).next(next)
        }
    }

    /// Adds what to do next.
    pub(crate) fn next(mut self, next: impl Display) -> Self {
        self.next = Some(next.to_string());
        self
    }

    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// For people: what, where, what next.
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

    /// For programs: the same.
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
                invalid: self.invalid.map(InvalidJson::of),
            },
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let next = match &error {
            StoreError::Locked { .. } => {
                "wait until the other process ends, or name another folder with --data"
            }
            StoreError::Foreign {
                found: Foreign::OtherFiles,
                ..
            } => "name an empty or a new folder with --data; nothing was written into this one",
            StoreError::Foreign { .. } => {
                "name another folder with --data; nothing was written into this one"
            }
            StoreError::Format { .. } => {
                "use the version of fusee that wrote it, or name another folder with --data"
            }
            StoreError::Full { .. } => {
                "make room on the disk, or name a folder on another one with --data"
            }
            StoreError::Corrupt { .. } => {
                "restore the folder from a copy, or begin a new one with --data"
            }
            StoreError::Failed { .. } | StoreError::Stale { .. } => "run the command again",
            _ => {
                "check that the folder is there and that you may read and write it, or name another one with --data"
            }
        };
        Self::new(Exit::Host, error).next(next)
    }
}

impl From<ContractError> for Failure {
    fn from(error: ContractError) -> Self {
        Self::new(Exit::Host, error)
            .next("nothing was changed; run the command again, or with another --engine")
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        Self::new(Exit::Host, error).next("try another --engine")
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::new(Exit::Host, error).next("try another --engine")
    }
}
