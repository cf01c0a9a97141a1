//! The folder of keys.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use fusee_ledger::{KeyError, Scheme, SecretKey};
use zeroize::Zeroizing;

use crate::{
    KeyDerivation, KeyInfo, KeystoreError,
    file::{KeyFile, random},
};

/// The ending of a key's file.
const ENDING: &str = "key.json";
/// Maximum length of a name in bytes.
const NAME_BYTES: usize = 32;

/// A folder of keys. It is created with the first key.
#[derive(Clone, Debug)]
pub struct Keystore {
    folder: PathBuf,
}

impl Keystore {
    /// The keystore in this folder, which need not exist.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes a key from randomness of the system.
    ///
    /// # Errors
    ///
    /// [`KeystoreError::Development`] for a scheme whose secrets are not kept here; otherwise those
    /// of [`add`](Self::add).
    pub fn generate(
        &self,
        name: &str,
        scheme: Scheme,
        password: &[u8],
    ) -> Result<KeyInfo, KeystoreError> {
        let key = loop {
            let secret = Zeroizing::new(random::<32>()?);
            match scheme {
                Scheme::Ed25519 => break SecretKey::ed25519(*secret),
                Scheme::Secp256k1 => match SecretKey::secp256k1(*secret) {
                    Ok(key) => break key,
                    // One in 2^128.
                    Err(KeyError::OutOfRange | _) => continue,
                },
                Scheme::Development | Scheme::WebAuthn => return Err(KeystoreError::Development),
            }
        };
        self.add(name, &key, password, KeyDerivation::default())
    }

    /// Writes a key to its file, durably and readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`KeystoreError`] if the name is none, if a file of this name exists, or if the file cannot
    /// be written. Then no file was changed.
    pub fn add(
        &self,
        name: &str,
        key: &SecretKey,
        password: &[u8],
        derivation: KeyDerivation,
    ) -> Result<KeyInfo, KeystoreError> {
        let path = self.path(name)?;
        // Before the password is derived, which takes a while; the file decides below.
        if path.exists() {
            return Err(KeystoreError::Exists { path });
        }
        let text = KeyFile::seal(key, password, derivation)?.encode();
        let failed = |source| KeystoreError::Io {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist_noclobber(&path)
            .map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => KeystoreError::Exists { path: path.clone() },
                _ => failed(error.error),
            })?;
        // The file's name is durable once its folder is.
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        self.info(name)
    }

    /// What is known of a key without its password.
    ///
    /// # Errors
    ///
    /// [`KeystoreError`] if there is no such key, or if its file is damaged.
    pub fn info(&self, name: &str) -> Result<KeyInfo, KeystoreError> {
        let path = self.path(name)?;
        let public_key = read(&path)?.public_key(&path)?;
        Ok(KeyInfo {
            name: name.to_owned(),
            address: public_key.address(),
            public_key,
        })
    }

    /// All keys by name. A file that is damaged is an error in its place.
    ///
    /// # Errors
    ///
    /// [`KeystoreError::Io`] if the folder cannot be read. A folder that does not exist has no
    /// keys.
    pub fn list(&self) -> Result<Vec<Result<KeyInfo, KeystoreError>>, KeystoreError> {
        let failed = |source| KeystoreError::Io {
            path: self.folder.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(failed)?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(ENDING));
            names.extend(
                name.and_then(|name| name.strip_suffix('.'))
                    .map(str::to_owned),
            );
        }
        names.sort_unstable();
        Ok(names.iter().map(|name| self.info(name)).collect())
    }

    /// Decrypts a key.
    ///
    /// # Errors
    ///
    /// [`KeystoreError::WrongPassword`], or why the file cannot be read.
    pub fn unlock(&self, name: &str, password: &[u8]) -> Result<SecretKey, KeystoreError> {
        let path = self.path(name)?;
        read(&path)?.unseal(password, &path)
    }

    /// The file of a key.
    ///
    /// # Errors
    ///
    /// [`KeystoreError::Name`] if the name is none.
    pub fn path(&self, name: &str) -> Result<PathBuf, KeystoreError> {
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        match (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(is_plain) {
            true => Ok(self.folder.join(format!("{name}.{ENDING}"))),
            false => Err(KeystoreError::Name {
                name: name.to_owned(),
            }),
        }
    }
}

fn read(path: &Path) -> Result<KeyFile, KeystoreError> {
    let text = fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => KeystoreError::Missing {
            path: path.to_owned(),
        },
        _ => KeystoreError::Io {
            path: path.to_owned(),
            source,
        },
    })?;
    KeyFile::decode(&text, path)
}
