//! Why a call failed.

use fusee::chain::{Receipt, Status};
use thiserror::Error;

/// A transaction or query that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{method}: {}", self.reason())]
pub struct Failure {
    /// The method that was called.
    pub method: String,
    /// How it ended.
    pub status: Status,
    /// The message of a revert; empty for another end.
    pub message: String,
}

impl Failure {
    pub(crate) fn of(method: &str, receipt: &Receipt) -> Self {
        Self {
            method: method.to_owned(),
            status: receipt.status,
            message: String::from_utf8_lossy(&receipt.output).into_owned(),
        }
    }

    fn reason(&self) -> String {
        match self.status {
            Status::Reverted => format!("reverted: {}", self.message),
            status => status.to_string(),
        }
    }
}

/// A failure is an error of a contract if the call reverted with its message:
/// `assert_eq!(failure, Error::NotOwner.to_string())`.
impl PartialEq<String> for Failure {
    fn eq(&self, message: &String) -> bool {
        self.status == Status::Reverted && self.message == *message
    }
}

impl PartialEq<&str> for Failure {
    fn eq(&self, message: &&str) -> bool {
        self.status == Status::Reverted && self.message == *message
    }
}
