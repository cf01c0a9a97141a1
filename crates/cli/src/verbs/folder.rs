//! `init`, `doctor`, `rollback` and `backup`: the data folder of a chain.

use std::{fs, path::Path};

use fusee::chain::{
    DataFolder,
    store::{self, Report},
};
use fusee::ledger::{Genesis, GenesisError};
use serde::Serialize;

use crate::{
    args::{BackupArgs, FolderArgs, InitArgs, RollbackArgs},
    chain::{Chain, development, genesis_ledger, options},
    failure::{Exit, Failure},
    numbers::grouped,
    output::Output,
    receipt::line,
    table::table,
};

#[derive(Serialize)]
struct InitJson {
    data: String,
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
    // A genesis whose contracts cannot be deployed makes no folder.
    genesis_ledger(&genesis)?
        .genesis(&genesis)
        .map_err(refused_genesis)?;
    DataFolder::create(&args.folder.data, genesis.clone())?;
    let state = Chain::open(&args.folder.data)?.state()?;
    let answer = InitJson {
        data: args.folder.data.display().to_string(),
        chain_id: genesis.parameters.chain_id.clone(),
        identity: hex::encode(genesis.identity()),
        state_root: hex::encode(state.root()),
    };
    output.answer(&answer, || {
        table(
            0,
            &[
                line("data", &answer.data),
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
        _ => "correct the genesis file: docs/ledger.md says what it has",
    };
    Failure::new(Exit::Usage, error).next(next)
}

/// The data folder that is there.
pub(super) fn existing(args: &FolderArgs) -> Result<DataFolder, Failure> {
    DataFolder::open(&args.data)?.ok_or_else(|| {
        Failure::usage(format!("`{}` has no chain", args.data.display()))
            .next("choose the data folder with --data, or make one with `fusee init`")
    })
}

pub(crate) fn doctor(args: &FolderArgs, output: &mut Output) -> Result<Exit, Failure> {
    let folder = existing(args)?;
    let report = store::doctor(&folder.store(), options(&folder))?;
    let answer = DoctorJson::of(&report);
    output.answer(&answer, || answer.text())?;
    Ok(match report.is_healthy() {
        true => Exit::Success,
        false => Exit::Host,
    })
}

pub(crate) fn rollback(args: &RollbackArgs, output: &mut Output) -> Result<Exit, Failure> {
    let folder = existing(&args.folder)?;
    let head = store::rollback(&folder.store(), options(&folder), args.height)?;
    tell(head, "last block", output)
}

pub(crate) fn backup(args: &BackupArgs, output: &mut Output) -> Result<Exit, Failure> {
    let folder = existing(&args.folder)?;
    let chain = Chain::open(&args.folder.data)?;
    let target = &args.target;
    if target.exists() {
        let path = target.clone();
        return Err(store::ChainStoreError::Exists { path }.into());
    }
    // The genesis comes last: without it, the folder is not that of a chain.
    let unfinished = target.with_extension("unfinished");
    let failed = |error: std::io::Error| {
        let message = format!("cannot write the backup `{}`", target.display());
        Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
            .next("choose a folder that can be written")
    };
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(failed)?;
    }
    let copy = DataFolder::create(&unfinished, folder.genesis().clone())?;
    let head = chain.chain().store().backup(&copy.store())?;
    fs::rename(&unfinished, target).map_err(failed)?;
    tell(head, "backup of", output)
}

fn tell(head: store::Head, about: &str, output: &mut Output) -> Result<Exit, Failure> {
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
