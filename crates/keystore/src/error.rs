//! Errors of the keystore.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why a key cannot be made, read or unlocked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeystoreError {
    /// The name is empty, too long, or has other characters than a file name should have.
    #[error("`{name}` is not a name of a key: 1 to 32 of a-z, 0-9, `-` and `_`")]
    Name {
        /// The name.
        name: String,
    },
    /// There is a key of this name, which is not overwritten.
    #[error("the key `{}` exists already", path.display())]
    Exists {
        /// Its file.
        path: PathBuf,
    },
    /// There is no key of this name.
    #[error("there is no key `{}`", path.display())]
    Missing {
        /// The file that it would have.
        path: PathBuf,
    },
    /// The file was written by a newer version, or is none of a key.
    #[error("`{}` has version {found} of the format, this program reads {expected}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: u64,
        /// The version that this program reads.
        expected: u64,
    },
    /// The file is not what was written.
    #[error("`{}` is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// The password is not the one that the key was made with.
    #[error("the password of `{}` is wrong", path.display())]
    WrongPassword {
        /// The file.
        path: PathBuf,
    },
    /// A development key has no secret to keep.
    #[error("the secret of a development key follows from its name: there is nothing to keep")]
    Development,
    /// The cost of deriving a key from the password is out of bounds.
    #[error("the memory or the passes of Argon2id are out of bounds")]
    Cost,
    /// The system has no randomness.
    #[error("the system has no randomness")]
    Randomness,
    /// A file or the folder cannot be read or written.
    #[error("cannot access `{}`", path.display())]
    Io {
        /// The file or the folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}
