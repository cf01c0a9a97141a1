//! The doctor: checks all of a store that is not open, and changes nothing.
//!
//! Every record of the log, every entry of the flat state, and the root of every block that can be
//! computed: from the genesis on if all blocks are kept, and from the flat state on otherwise. The
//! database may write when it is opened, so the flat state is read in a copy beside it, whose
//! tables are links.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::flat::{self, Flat, Meta};
use super::manifest::{self, TABLES};
use super::{ChainStoreError, Head, LOG, Options, STATE, opening, record};
use crate::Tree;
use crate::folder::Lock;
use crate::log::{self, Reader};

/// The copy of the flat state. Opening removes one that was left behind.
pub(super) const COPY: &str = "state.check";

/// What the doctor has found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The last block of the log, with the root of its record.
    pub head: Option<Head>,
    /// The lowest height whose block is kept.
    pub first_height: u64,
    /// How many blocks were read and verified.
    pub blocks: u64,
    /// The height of the flat state.
    pub checkpoint: Option<u64>,
    /// How many entries of the flat state were read and verified.
    pub entries: u64,
    /// How many roots were computed and found to be those of their blocks.
    pub roots: u64,
    /// What is wrong, and what a crash has left that opening repairs.
    pub findings: Vec<Finding>,
}

/// Something that is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Finding {
    /// Opening refuses the store, or reading what is damaged. The error says what can be done.
    Fault(ChainStoreError),
    /// A crash has interrupted a commit. Opening cuts it off, and nothing acknowledged is lost.
    Torn(log::Cut),
}

impl Report {
    /// Whether nothing is wrong: opening repairs all that was found, and nothing is lost.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.all(|finding| matches!(finding, Finding::Torn(_)))
    }

    fn fault(&mut self, error: impl Into<ChainStoreError>) {
        self.findings.push(Finding::Fault(error.into()));
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fault(error) => write!(formatter, "{error}"),
            Self::Torn(cut) => write!(
                formatter,
                "a crash has interrupted the commit of height {}: opening cuts off {} bytes, and \
                 nothing acknowledged is lost",
                cut.height, cut.bytes
            ),
        }
    }
}

/// Checks a store. Takes as long as reading all of it.
///
/// # Errors
///
/// If the store cannot be looked at: [`ChainStoreError::NoStore`], [`ChainStoreError::Locked`],
/// [`ChainStoreError::Foreign`]. What is wrong with it is in the report.
pub fn doctor(folder: &Path, options: Options) -> Result<Report, ChainStoreError> {
    opening::check_store(folder)?;
    opening::inspect(folder)?;
    let _lock = Lock::take(folder)?;
    let mut report = Report::default();
    let log = inspect_log(folder, options, &mut report);
    let state = inspect_state(folder, options, &mut report);
    if let Some(log) = &log {
        if let Err(error) = opening::check_heights(
            folder,
            state.as_ref().map(|(meta, _)| meta),
            log,
            options.initial_height,
        ) {
            report.fault(error);
        }
        if let Err(error) = check_blocks(folder, log, state, options, &mut report) {
            report.fault(error);
        }
    }
    Ok(report)
}

/// The log, or `None` if it is damaged, or missing. If the flat state is missing as well, that is
/// no fault: a crash has interrupted the creation of the store, and opening finishes it.
fn inspect_log(folder: &Path, options: Options, report: &mut Report) -> Option<Reader> {
    match read_log(folder, options, report) {
        Ok(reader) => reader,
        Err(error) => {
            report.fault(error);
            None
        }
    }
}

fn read_log(
    folder: &Path,
    options: Options,
    report: &mut Report,
) -> Result<Option<Reader>, ChainStoreError> {
    let path = folder.join(LOG);
    let inspected = match path.is_dir() {
        true => Reader::inspect(Arc::new(log::Folder::lock(&path)?), options.identity)?,
        false => None,
    };
    match inspected {
        Some((reader, cut)) => {
            report.first_height = reader.first_height();
            report.findings.extend(cut.map(Finding::Torn));
            Ok(Some(reader))
        }
        None if opening::has_state(folder)? => Err(ChainStoreError::NoLog { path }),
        None => Ok(None),
    }
}

/// The tree of the flat state, or `None` if it is empty or damaged.
fn inspect_state(folder: &Path, options: Options, report: &mut Report) -> Option<(Meta, Tree)> {
    let copy = folder.join(COPY);
    let read = read_state(folder, &copy, options, report);
    let removed = flat::remove(&copy);
    let read = read.and_then(|read| removed.map(|()| read));
    read.unwrap_or_else(|error| {
        report.fault(error);
        None
    })
}

fn read_state(
    folder: &Path,
    copy: &Path,
    options: Options,
    report: &mut Report,
) -> Result<Option<(Meta, Tree)>, ChainStoreError> {
    let path = folder.join(STATE);
    if !path.is_dir() {
        return Ok(None);
    }
    // What is wrong is named where it is, not in the copy.
    manifest::check(&path)?;
    flat::remove(copy)?;
    link(&path, copy)?;
    let flat = Flat::open(copy)?;
    let view = flat.view();
    let Some(meta) = view.meta()? else {
        return Ok(None);
    };
    report.checkpoint = Some(meta.height);
    opening::check_identity(&path, &meta, &options)?;
    for entry in view.entries(b"") {
        entry?;
        report.entries = report.entries.saturating_add(1);
    }
    Ok(Some((meta, opening::load(folder, &view, &meta)?)))
}

/// Copies a flat state. Tables, which never change, are linked.
fn link(from: &Path, to: &Path) -> Result<(), ChainStoreError> {
    let failed = ChainStoreError::io(from);
    fs::create_dir_all(to).map_err(&failed)?;
    for entry in fs::read_dir(from).map_err(&failed)? {
        let path = entry.map_err(&failed)?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            link(&path, &target)?;
        } else if from.ends_with(TABLES) {
            // Tables never change.
            fs::hard_link(&path, &target).map_err(&failed)?;
        } else {
            fs::copy(&path, &target).map_err(&failed)?;
        }
    }
    Ok(())
}

/// Reads all blocks, and computes their roots from the lowest state on that is known.
fn check_blocks(
    folder: &Path,
    log: &Reader,
    state: Option<(Meta, Tree)>,
    options: Options,
    report: &mut Report,
) -> Result<(), ChainStoreError> {
    let first = log.first_height();
    let mut tree = (first == options.initial_height).then(Tree::default);
    for record in log.records(first) {
        let block = record::decode(&record?)?;
        report.blocks = report.blocks.saturating_add(1);
        report.head = Some(Head {
            height: block.height,
            root: block.root,
        });
        tree = tree.map(|tree| tree.apply(&block.changes));
        if let Some((meta, known)) = &state
            && meta.height == block.height
        {
            opening::check_root(folder, block.height, known.root(), block.root)?;
            tree = tree.or_else(|| Some(known.clone()));
        } else if let Some((meta, known)) = &state
            && tree.is_none()
            && meta.height.checked_add(1) == Some(block.height)
        {
            tree = Some(known.apply(&block.changes));
        }
        if let Some(tree) = &tree {
            opening::check_root(folder, block.height, tree.root(), block.root)?;
            report.roots = report.roots.saturating_add(1);
        }
    }
    Ok(())
}
