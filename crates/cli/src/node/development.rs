//! The chain of `--dev`: made, saved under a name, loaded again, and begun anew.
//!
//! A saved state is a data folder of its own. It replaces that of the node by renaming what was
//! made completely beside it, and is never changed itself.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::mpsc::Sender,
};

use fusee::{
    chain::{Chain, DataFolder},
    ledger::{Genesis, Scheme},
};
use tempfile::TempDir;

use super::service::remove;
use crate::{
    chain::{development, genesis_ledger, ledger_rules, options},
    failure::{Exit, Failure},
};

/// Most characters of the name of a saved state.
const NAME: usize = 64;

/// What a node adds to the data folder of a chain, besides what any chain can use.
const OF_THE_NODE: [&str; 2] = ["index", "waiting"];

/// A request about the state of a development chain. Its height is the answer, before the chain is
/// replaced.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) change: Change,
    pub(super) answer: Sender<Result<u64, Failure>>,
}

/// By what the chain is replaced.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Load(String),
    Reset,
}

/// The folder of saved states.
#[derive(Clone, Debug)]
pub(super) struct SavedStates(pub(super) PathBuf);

/// A data folder that is made completely, to take the place of another one. Removed if it does not.
#[derive(Debug)]
pub(super) struct Made {
    beside: TempDir,
    pub(super) height: u64,
}

/// Whether everybody can sign for accounts of a chain, from its first block on.
pub(super) fn is_development(genesis: &Genesis) -> bool {
    let rules = ledger_rules(&genesis.parameters, genesis.initial_height);
    rules.is_ok_and(|rules| rules.signature_price(Scheme::Development).is_some())
}

/// Refuses a chain that is not one of development.
pub(super) fn check(folder: &DataFolder) -> Result<(), Failure> {
    if is_development(folder.genesis()) {
        return Ok(());
    }
    let chain = &folder.genesis().parameters.chain_id;
    Err(Failure::usage(format!(
        "`{}` has the chain `{chain}`, which is no development chain",
        folder.path().display()
    ))
    .next("run it without --dev, or choose another folder with --data"))
}

impl SavedStates {
    /// Where the state of a name is.
    fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        match (1..=NAME).contains(&name.len()) && name.bytes().all(is_plain) {
            true => Ok(self.0.join(name)),
            false => Err(
                Failure::usage(format!("`{name}` is no name of a saved state"))
                    .next("use up to 64 letters, digits, `-` and `_`"),
            ),
        }
    }

    /// Checks that a state can be saved under a name.
    pub(super) fn check(&self, name: &str) -> Result<(), Failure> {
        self.path(name).map(drop)
    }

    /// Saves a chain, which may go on meanwhile. Another state of this name is replaced. Returns
    /// the height.
    pub(super) fn save(&self, name: &str, data: &Path, chain: &Chain) -> Result<u64, Failure> {
        let path = self.path(name)?;
        let failed = |error| failed(&path, error);
        fs::create_dir_all(&self.0).map_err(failed)?;
        let beside = hidden(&self.0).map_err(failed)?;
        let made = beside.path().join("made");
        let folder = existing(data)?;
        let copy = folder.copy(&made)?;
        let head = chain.store().backup(&copy.store())?;
        let old = beside.path().join("old");
        match fs::rename(&path, &old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => fs::rename(&made, &path).map_err(failed)?,
        }
        Ok(head.height)
    }

    /// Makes what takes the place of a data folder, beside it.
    pub(super) fn make(&self, change: &Change, data: &Path) -> Result<Made, Failure> {
        let failed = |error| failed(data, error);
        fs::create_dir_all(data).map_err(failed)?;
        let beside = hidden(data).map_err(failed)?;
        let made = beside.path().join("made");
        let height = match change {
            Change::Reset => {
                let folder = DataFolder::create(&made, development())?;
                let chain = open(&folder)?;
                chain.version(None)?.height()
            }
            Change::Load(name) => {
                let path = self.path(name)?;
                let Some(saved) = DataFolder::open(&path)? else {
                    return Err(self.missing(name));
                };
                check(&saved)?;
                let copy = saved.copy(&made)?;
                open(&saved)?.store().backup(&copy.store())?.height
            }
        };
        Ok(Made { beside, height })
    }

    fn missing(&self, name: &str) -> Failure {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        let next = match names.is_empty() {
            true => format!("save one first, with --save {name}"),
            false => format!("these are saved: {}", names.join(", ")),
        };
        let folder = self.0.display();
        Failure::usage(format!("there is no saved state `{name}` in `{folder}`")).next(next)
    }
}

impl Made {
    /// Replaces the chain in a data folder, which nobody has open. What else is there stays.
    pub(super) fn install(self, data: &Path) -> Result<(), Failure> {
        let failed = |error| failed(data, error);
        if let Some(folder) = DataFolder::open(data)? {
            check(&folder)?;
            remove(&folder.store()).map_err(failed)?;
            remove(&folder.base()).map_err(failed)?;
        }
        for name in OF_THE_NODE {
            remove(&data.join(name)).map_err(failed)?;
        }
        for entry in fs::read_dir(self.beside.path().join("made")).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            fs::rename(entry.path(), data.join(entry.file_name())).map_err(failed)?;
        }
        Ok(())
    }
}

fn existing(data: &Path) -> Result<DataFolder, Failure> {
    DataFolder::open(data)?.ok_or_else(|| {
        Failure::usage(format!("`{}` has no chain", data.display())).next("start the node again")
    })
}

/// Opens a chain without a ledger that executes blocks.
pub(super) fn open(folder: &DataFolder) -> Result<Chain, Failure> {
    let ledger = genesis_ledger(folder.genesis())?;
    Ok(folder.chain(ledger, options(folder))?)
}

/// A folder that a data folder may have besides its chain.
fn hidden(parent: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(".unfinished-")
        .tempdir_in(parent)
}

fn failed(path: &Path, error: io::Error) -> Failure {
    let message = format!("cannot write `{}`", path.display());
    Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
        .next("choose a folder that can be written, on a disk with space")
}
