//! A keystore: a folder with a file for each secret key, encrypted by a password.
//!
//! A file is JSON: its version, the public key, the parameters of Argon2id that derive a key of the
//! password, and the secret, encrypted by XChaCha20-Poly1305. A checksum tells a damaged file from
//! a wrong password. No file is ever overwritten. Secrets and passwords are erased from memory
//! after use. `docs/book/src/keys.md` has the format.
//!
//! This crate writes files and draws randomness, so nothing that executes transactions depends on
//! it.
#![forbid(unsafe_code)]

mod cipher;
mod error;
mod file;
mod keystore;

pub use cipher::KeyDerivation;
pub use error::KeystoreError;
pub use file::{FILE_VERSION, KeyInfo};
pub use keystore::Keystore;
