//! `node`: a chain that goes on while the process runs. A development chain, that of one operator,
//! or one that CometBFT replicates.
//!
//! Started, it has a [`service::Service`], and waits for [`events::Event`]s: signals, requests,
//! alarms. Ended, it has committed whole blocks, and kept what waits.

mod alarms;
mod alone;
mod announcement;
mod config;
mod consensus;
mod development;
mod engines;
mod events;
pub(crate) mod file;
mod forward;
mod metrics;
mod options;
mod server;
mod service;
pub(crate) mod settings;
mod systemd;
#[cfg(feature = "otel")]
mod traces;
mod values;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use fusee::chain::{ChainError, DataFolder, store::ChainStoreError};
use tempfile::TempDir;

use self::{
    development::{Change, SavedStates},
    engines::Engines,
    options::Settings,
    service::Context,
    values::Values,
};
use crate::{
    args::{NodeArgs, NodeVerb},
    chain::development as development_genesis,
    failure::{Exit, Failure},
    log,
    output::Output,
};

/// The data folder of a node.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Removed in the end, if it is temporary.
    _temporary: Option<TempDir>,
}

pub(crate) fn run(args: &NodeArgs, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(NodeVerb::Config(config)) = &args.verb {
        return config::run(&config.verb, args, output);
    }
    let values = Values::gather(args)?;
    let settings = Settings::of(&values)?;
    // Until the end, after which the last traces are sent.
    let _traces = start_log(&settings)?;
    // Before there is anything that a signal could interrupt.
    let (events, waiting) = events::wait()?;
    let place = place(&values)?;
    let saved = SavedStates(args.development.saved.clone());
    let folder = match args.development.dev {
        true => developed(args, &place, &saved)?,
        false => existing(&place)?,
    };
    let is_development = development::is_development(folder.genesis());
    if is_development && !args.development.dev {
        tracing::warn!(
            next = "keep nothing of worth on it; `fusee genesis --account` makes another chain",
            "this is a development chain: everybody can sign for its accounts"
        );
    }
    let context = Arc::new(Context {
        engines: Engines::start(&settings, &folder)?,
        data: place.path.clone(),
        genesis: folder.genesis().clone(),
        events,
        is_development: args.development.dev,
        saved,
        save_at_end: args.development.save.clone(),
        bound: OnceLock::new(),
        settings,
    });
    match &context.settings.consensus.abci {
        None => alone::run(&context, folder, &waiting, output),
        Some(address) => consensus::run(&context, folder, address, &waiting, output),
    }
}

#[cfg(feature = "otel")]
fn start_log(settings: &Settings) -> Result<Option<traces::Traces>, Failure> {
    let (layer, traces) = settings
        .traces
        .as_deref()
        .map(traces::start)
        .transpose()?
        .unzip();
    log::start_node(&settings.log.level, settings.log.form, layer);
    Ok(traces)
}

/// A collector of traces was refused before, so there is nothing to send at the end.
#[cfg(not(feature = "otel"))]
fn start_log(settings: &Settings) -> Result<Option<std::convert::Infallible>, Failure> {
    log::start_node(&settings.log.level, settings.log.form, None);
    Ok(None)
}

fn place(values: &Values) -> Result<Place, Failure> {
    if let Some(path) = &values.data {
        let path = path.clone();
        return Ok(Place {
            path,
            _temporary: None,
        });
    }
    let temporary = tempfile::Builder::new().prefix("fusee-dev-").tempdir();
    let temporary = temporary.map_err(|error| {
        let error = anyhow::Error::new(error).context("cannot make a temporary folder");
        Failure::new(Exit::Host, error).next("choose a folder with --data")
    })?;
    Ok(Place {
        path: temporary.path().to_path_buf(),
        _temporary: Some(temporary),
    })
}

/// The data folder that is there.
fn existing(place: &Place) -> Result<DataFolder, Failure> {
    DataFolder::open(&place.path)?.ok_or_else(|| {
        Failure::usage(format!("`{}` has no chain", place.path.display())).next(
            "choose the data folder with --data, make one with `fusee init`, or try `fusee node \
             --dev`",
        )
    })
}

/// The data folder of a development chain, as the flags want it.
fn developed(args: &NodeArgs, place: &Place, saved: &SavedStates) -> Result<DataFolder, Failure> {
    let args = &args.development;
    if let Some(name) = &args.save {
        saved.check(name)?;
    }
    let found = DataFolder::open(&place.path)?;
    if let Some(folder) = &found {
        development::check(folder)?;
        // What is replaced must not be open elsewhere.
        if args.reset || args.load.is_some() {
            drop(development::open(folder)?);
        }
    }
    let change = match (&args.load, args.reset) {
        (Some(name), _) => Some(Change::Load(name.clone())),
        (None, true) => Some(Change::Reset),
        (None, false) => None,
    };
    if let Some(change) = change {
        saved.make(&change, &place.path)?.install(&place.path)?;
    } else if found.is_none() {
        return Ok(DataFolder::create(&place.path, development_genesis())?);
    }
    existing(place)
}

/// Explains what a node meets more often than a command.
fn opened<T>(result: Result<T, ChainError>) -> Result<T, Failure> {
    result.map_err(|error| match error {
        ChainError::Store(error @ ChainStoreError::Locked { .. }) => Failure::new(
            Exit::Host,
            error,
        )
        .next(
            "another node or command has it open: end that, or choose another folder with --data",
        ),
        error => error.into(),
    })
}
