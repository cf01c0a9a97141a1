//! `init`, `doctor`, `rollback` and `backup`: the data folder of a chain.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use fusee::chain::{
    Chain, DataFolder,
    store::{self, Head, Report},
};
use fusee::ledger::{Genesis, GenesisError};
use fusee::rpc::{Client, ClientError, ClientOptions, methods::BackUp};
use jsonrpsee::types::error::METHOD_NOT_FOUND_CODE;
use serde::Serialize;
use tempfile::TempDir;

use crate::{
    args::{BackupArgs, FolderArgs, InitArgs, RollbackArgs},
    chain::{
        self, FolderChain, contract_rules, development, genesis_ledger, ledger_rules, options,
    },
    failure::{Exit, Failure},
    numbers::grouped,
    output::Output,
    progress::Working,
    receipt::line,
    table::table,
};

#[derive(Serialize)]
struct InitJson {
    data: String,
    /// Whether there was no such chain before.
    is_new: bool,
    chain_id: String,
    identity: String,
    state_root: String,
}

#[derive(Serialize)]
struct DoctorJson {
    is_healthy: bool,
    /// The height of the last block.
    height: Option<u64>,
    state_root: Option<String>,
    first_block: u64,
    blocks_verified: u64,
    checkpoint: Option<u64>,
    entries_verified: u64,
    roots_verified: u64,
    findings: Vec<String>,
}

#[derive(Serialize)]
struct HeadJson {
    height: u64,
    state_root: String,
}

pub(crate) fn init(args: &InitArgs, output: &mut Output) -> Result<Exit, Failure> {
    let genesis = match &args.genesis {
        Some(file) => genesis(file)?,
        None => development(),
    };
    // A genesis that this program cannot begin with makes no folder.
    let ledger = genesis_ledger(&genesis)?;
    contract_rules(&genesis.parameters, genesis.initial_height)?;
    ledger_rules(&genesis.parameters, genesis.initial_height)?;
    ledger.genesis(&genesis).map_err(refused_genesis)?;
    let is_new = DataFolder::open(&args.folder.data)?.is_none();
    DataFolder::create(&args.folder.data, genesis.clone())?;
    let state = FolderChain::open(&args.folder.data)?.state()?;
    let answer = InitJson {
        data: args.folder.data.display().to_string(),
        is_new,
        chain_id: genesis.parameters.chain_id.clone(),
        identity: hex::encode(genesis.identity()),
        state_root: hex::encode(state.root()),
    };
    output.answer(&answer, || {
        table(
            0,
            &[
                line("data", &answer.data),
                line(
                    "made",
                    if is_new {
                        "now"
                    } else {
                        "before: nothing has changed"
                    },
                ),
                line("chain", &answer.chain_id),
                line("identity", &answer.identity),
                line("state root", &answer.state_root),
            ],
        )
    })?;
    Ok(Exit::Success)
}

/// Reads a genesis file.
pub(super) fn genesis(file: &Path) -> Result<Genesis, Failure> {
    Genesis::load(file).map_err(refused_genesis)
}

fn refused_genesis(error: GenesisError) -> Failure {
    let next = match error {
        GenesisError::Read { .. } => "check the path, or make one with `fusee genesis > FILE`",
        _ => "correct the genesis file: docs/book/src/ledger.md says what it has",
    };
    Failure::new(Exit::Usage, error).next(next)
}

/// The data folder that is there.
pub(super) fn existing(args: &FolderArgs) -> Result<DataFolder, Failure> {
    chain::existing(&args.data)
}

pub(crate) fn doctor(args: &FolderArgs, output: &mut Output) -> Result<Exit, Failure> {
    let folder = existing(args)?;
    folder.check()?;
    let working = Working::begin("checking the data folder", output.format());
    let report = store::doctor(&folder.store(), options(&folder))?;
    drop(working);
    let answer = DoctorJson::of(&report);
    output.answer(&answer, || answer.text())?;
    Ok(match report.is_healthy() {
        true => Exit::Success,
        false => Exit::Host,
    })
}

pub(crate) fn rollback(args: &RollbackArgs, output: &mut Output) -> Result<Exit, Failure> {
    let folder = existing(&args.folder)?;
    folder.check()?;
    let working = Working::begin("removing blocks", output.format());
    let head = store::rollback(&folder.store(), options(&folder), args.height)?;
    drop(working);
    tell(head, "last block", output)
}

pub(crate) fn backup(args: &BackupArgs, output: &mut Output) -> Result<Exit, Failure> {
    let working = Working::begin("copying the data folder", output.format());
    let head = match &args.node {
        Some(url) => node_copy(url, &args.target, Duration::from_secs(args.wait))?,
        None => {
            let folder = existing(&args.folder)?;
            let chain = FolderChain::open(&args.folder.data)?;
            copy(&args.target, &folder, chain.chain())?
        }
    };
    drop(working);
    tell(head, "backup of", output)
}

/// Copies a data folder, of which blocks may be made meanwhile.
pub(crate) fn copy(target: &Path, folder: &DataFolder, chain: &Chain) -> Result<Head, Failure> {
    let made = NewFolder::beside(target, folder.path())?;
    let copy = folder.copy(&made.path())?;
    let head = chain.store().backup(&copy.store())?;
    made.finish()?;
    Ok(head)
}

/// Lets a node copy its data folder.
fn node_copy(url: &str, target: &Path, wait: Duration) -> Result<Head, Failure> {
    let absolute = std::path::absolute(target).map_err(|error| cannot_write(target, error))?;
    let Some(folder) = absolute.to_str() else {
        let message = format!("`{}` is no text in UTF-8", target.display());
        return Err(Failure::usage(message).next("choose another folder"));
    };
    let mut options = ClientOptions::default();
    options.timeout = wait;
    let client = Client::new(url, options)?;
    match client.call(&BackUp::new(folder.to_owned())) {
        Ok(made) => Ok(Head {
            height: made.height,
            root: made.state_root.0,
        }),
        Err(ClientError::Rpc(error)) if error.code == METHOD_NOT_FOUND_CODE => {
            let message = format!("{url} is not the admin listener of a node that makes backups");
            Err(Failure::usage(message)
                .next("give the address that `fusee node` prints as `admin`"))
        }
        Err(error) => Err(error.into()),
    }
}

/// A folder that is made under another name, and has its own when it is complete.
pub(super) struct NewFolder {
    target: PathBuf,
    /// Removed with all that is in it, unless it was renamed.
    unfinished: TempDir,
}

impl NewFolder {
    /// Begins a folder, which must not exist, nor be within the data folder `data`.
    pub(super) fn beside(target: &Path, data: &Path) -> Result<Self, Failure> {
        let failed = |error| cannot_write(target, error);
        let absolute = |path: &Path| std::path::absolute(path).map_err(failed);
        if absolute(target)?.starts_with(absolute(data)?) {
            let message = format!("`{}` is within the data folder", target.display());
            return Err(Failure::usage(message).next("choose a folder outside of it"));
        }
        Self::new(target)
    }

    /// Begins a folder, which must not exist.
    pub(super) fn new(target: &Path) -> Result<Self, Failure> {
        // Without slashes at the end.
        let target: PathBuf = target.components().collect();
        let failed = |error| cannot_write(&target, error);
        if target.try_exists().map_err(failed)? {
            let path = target;
            return Err(store::ChainStoreError::Exists { path }.into());
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let unfinished = tempfile::Builder::new()
            .prefix(".unfinished-")
            .tempdir_in(parent)
            .map_err(failed)?;
        Ok(Self { target, unfinished })
    }

    /// Where it is made.
    pub(super) fn path(&self) -> PathBuf {
        self.unfinished.path().join("made")
    }

    /// Gives the folder its name, durably.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Self { target, unfinished } = self;
        let failed = |error| cannot_write(&target, error);
        fs::rename(unfinished.path().join("made"), &target).map_err(failed)?;
        if let Some(parent) = unfinished.path().parent().filter(|_| cfg!(unix)) {
            let synced = fs::File::open(parent).and_then(|parent| parent.sync_all());
            synced.map_err(failed)?;
        }
        Ok(())
    }

    pub(super) fn failed(&self, error: io::Error) -> Failure {
        cannot_write(&self.target, error)
    }
}

fn cannot_write(target: &Path, error: io::Error) -> Failure {
    let message = format!("cannot write `{}`", target.display());
    Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
        .next("choose a folder that can be written, on a disk with space")
}

fn tell(head: Head, about: &str, output: &mut Output) -> Result<Exit, Failure> {
    let answer = HeadJson {
        height: head.height,
        state_root: hex::encode(head.root),
    };
    output.answer(&answer, || {
        table(
            0,
            &[
                line(about, format!("height {}", grouped(answer.height))),
                line("state root", &answer.state_root),
            ],
        )
    })?;
    Ok(Exit::Success)
}

impl DoctorJson {
    fn of(report: &Report) -> Self {
        Self {
            is_healthy: report.is_healthy(),
            height: report.head.map(|head| head.height),
            state_root: report.head.map(|head| hex::encode(head.root)),
            first_block: report.first_height,
            blocks_verified: report.blocks,
            checkpoint: report.checkpoint,
            entries_verified: report.entries,
            roots_verified: report.roots,
            findings: report.findings.iter().map(ToString::to_string).collect(),
        }
    }

    fn text(&self) -> String {
        let height = |height: Option<u64>| height.map_or_else(|| "none".to_owned(), grouped);
        let mut lines = vec![
            line("last block", height(self.height)),
            line("first block", grouped(self.first_block)),
            line(
                "blocks",
                format!("{} verified", grouped(self.blocks_verified)),
            ),
            line("checkpoint", height(self.checkpoint)),
            line(
                "entries",
                format!("{} verified", grouped(self.entries_verified)),
            ),
            line(
                "roots",
                format!("{} verified", grouped(self.roots_verified)),
            ),
        ];
        let findings = self.findings.iter();
        lines.extend(findings.map(|finding| line("finding", finding)));
        lines.push(line(
            "verdict",
            match self.is_healthy {
                true => "nothing is wrong",
                false => "see the findings: nothing was changed",
            },
        ));
        table(0, &lines)
    }
}
