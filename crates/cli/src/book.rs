//! The book of names: names that people gave to addresses of one chain.
//!
//! It is a file of the data folder. Of chains behind nodes, one file of the user has the names of
//! each chain, by its chain id. Nothing but the command line reads it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use fusee::chain::Address;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::{
    failure::{Exit, Failure},
    names::{ACCOUNTS, nearest},
};

/// The file in a data folder.
const FILE: &str = "names.json";

/// The default of the user's file, and the variable that names another.
const USER_FILE: &str = ".fusee-names.json";
const USER_VARIABLE: &str = "FUSEE_NAMES";

/// The most bytes of a file.
const MAX_BYTES: u64 = 4 << 20;

/// The most characters of a name.
const MAX_NAME: usize = 32;

/// Digits from which on a text in hexadecimal digits looks like an address.
const ADDRESS_DIGITS: usize = 6;

/// The names of one chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    file: PathBuf,
    chain_id: String,
    names: BTreeMap<String, Address>,
}

/// A file: names by chain id.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    chains: BTreeMap<String, BTreeMap<String, String>>,
}

/// The book of the chain of this command, for texts that show addresses.
static OPENED: OnceLock<Book> = OnceLock::new();

/// The book of the chain of this command.
pub(crate) fn opened() -> Option<&'static Book> {
    OPENED.get()
}

/// The name that an address has in the book of the chain of this command.
pub(crate) fn name_of(address: Address) -> Option<&'static str> {
    let mut names = opened()?.names.iter();
    names.find_map(|(name, of)| (*of == address).then_some(name.as_str()))
}

impl Book {
    /// The names of a chain, in its data folder or, without one, in the file of the user.
    pub(crate) fn read(folder: Option<&Path>, chain_id: &str) -> Result<Self, Failure> {
        let user = || std::env::var_os(USER_VARIABLE).filter(|value| !value.is_empty());
        let file = match folder {
            Some(folder) => folder.join(FILE),
            None => user().map_or_else(|| USER_FILE.into(), PathBuf::from),
        };
        let contents = Contents::read(&file)?;
        let named = contents.chains.get(chain_id).cloned().unwrap_or_default();
        let names = named.into_iter().map(|(name, address)| {
            let is_good = check(&name).is_ok();
            let address = address.parse().ok().filter(|_| is_good);
            let address = address.ok_or_else(|| damaged(&file, &format!("it has `{name}`")))?;
            Ok((name, address))
        });
        Ok(Self {
            names: names.collect::<Result<_, Failure>>()?,
            chain_id: chain_id.to_owned(),
            file,
        })
    }

    /// Makes this the book by which this command shows addresses.
    pub(crate) fn open(self) {
        // A command has one chain; a second one would be that of a temporary folder.
        let _ = OPENED.set(self);
    }

    pub(crate) fn find(&self, name: &str) -> Option<Address> {
        self.names.get(name).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, Address)> {
        self.names
            .iter()
            .map(|(name, address)| (name.as_str(), *address))
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Refuses a name that cannot be given, and one that another address has.
    pub(crate) fn check_new(&self, name: &str) -> Result<(), Failure> {
        check(name)?;
        match self.find(name) {
            None => Ok(()),
            Some(address) => {
                let message = format!("the name `{name}` is taken: it is that of {address}");
                let next = format!("choose another name, or first `fusee name remove {name}`");
                Err(Failure::usage(message).next(next))
            }
        }
    }

    /// Gives a name to an address, and writes the file.
    pub(crate) fn set(&mut self, name: &str, address: Address) -> Result<(), Failure> {
        if self.find(name) == Some(address) {
            return Ok(());
        }
        self.check_new(name)?;
        self.names.insert(name.to_owned(), address);
        self.write()
    }

    /// Removes a name, and writes the file.
    pub(crate) fn remove(&mut self, name: &str) -> Result<Address, Failure> {
        let Some(address) = self.names.remove(name) else {
            let near = nearest(name, self.names.keys().map(String::as_str));
            let next = match near {
                Some(near) => format!("did you mean `{near}`? `fusee name list` has all"),
                None => "`fusee name list` has all names".to_owned(),
            };
            return Err(Failure::usage(format!("there is no name `{name}`")).next(next));
        };
        self.write()?;
        Ok(address)
    }

    /// Writes the names of this chain beside those of others, all or nothing.
    fn write(&self) -> Result<(), Failure> {
        let mut contents = Contents::read(&self.file)?;
        let names = self.names.iter();
        let names = names.map(|(name, address)| (name.clone(), address.to_string()));
        contents
            .chains
            .insert(self.chain_id.clone(), names.collect());
        let folder = match self.file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let written = serde_json::to_vec_pretty(&contents)
            .map_err(io::Error::other)
            .and_then(|bytes| {
                let file = NamedTempFile::new_in(folder)?;
                fs::write(file.path(), bytes)?;
                file.persist(&self.file).map_err(|error| error.error)
            });
        written.map(drop).map_err(|error| {
            let message = format!("the names cannot be written to `{}`", self.file.display());
            Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
                .next("check that the folder is writable, or name another file by FUSEE_NAMES")
        })
    }
}

impl Contents {
    fn read(file: &Path) -> Result<Self, Failure> {
        let length = match fs::metadata(file) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(damaged(file, &error.to_string())),
        };
        if length > MAX_BYTES {
            return Err(damaged(file, "it is too long"));
        }
        let bytes = fs::read(file).map_err(|error| damaged(file, &error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| damaged(file, &error.to_string()))
    }
}

fn damaged(file: &Path, reason: &str) -> Failure {
    let message = format!("`{}` is no file of names: {reason}", file.display());
    Failure::new(Exit::Host, anyhow::Error::msg(message))
        .next("correct the file, or remove it: it has names of addresses and nothing else")
}

/// Refuses what cannot be a name.
fn check(name: &str) -> Result<(), Failure> {
    let refuse = |message: String, next: &str| Err(Failure::usage(message).next(next));
    let digits = name.strip_prefix("0x").unwrap_or(name);
    let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hexadecimal && (digits.len() >= ADDRESS_DIGITS || name.len() > digits.len()) {
        return refuse(
            format!("`{name}` looks like an address, so it cannot be a name"),
            "choose a name with a letter behind f, or one of less than six characters",
        );
    }
    let is_sign = |letter: u8| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, b'-' | b'_')
    };
    let is_first = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !is_first || name.len() > MAX_NAME || !name.bytes().all(is_sign) {
        return refuse(
            format!("`{name}` is not a name"),
            "a name has 1 to 32 of a-z, 0-9, `-` and `_`, of which the first is a letter",
        );
    }
    if ACCOUNTS.contains(&name) {
        return refuse(
            format!("the name `{name}` is taken: it is that of a development account"),
            "choose another name",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
