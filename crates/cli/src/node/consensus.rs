//! A chain that CometBFT replicates: the engine drives the application, and the node follows.
//!
//! The node follows from the first block on. Before, the engine may replace the chain by a
//! snapshot, which takes that nobody else has it open. What listens then tells that it waits.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use fusee::{
    abci::{App, AppError, AppOptions, ServeError, Server, SnapshotOptions},
    chain::{Chain, DataFolder, StoredBlock},
    node::{NodeError, Production},
};

use super::{
    announcement::Announcement,
    events::{Event, Waiting},
    server::Starting,
    service::{Context, Service, log_block},
    systemd,
};
use crate::{
    failure::{Exit, Failure},
    output::Output,
};

/// The node that follows, once there is a block.
#[derive(Debug, Default)]
struct Follower(Mutex<Followed>);

/// What there is to serve.
#[derive(Debug, Default)]
struct Followed {
    /// Until there is a block.
    starting: Option<Starting>,
    service: Option<Service>,
}

pub(super) fn run(
    context: &Arc<Context>,
    folder: DataFolder,
    address: &str,
    waiting: &Waiting,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let settings = &context.settings;
    let mut options = AppOptions::new(&context.genesis);
    options.store.versions = settings.chain.versions.get();
    options.snapshots = settings.consensus.snapshots.map(SnapshotOptions::every);
    if let Some(retention) = settings.chain.retention {
        options.store.retention = retention;
    }
    let app = App::open(folder, context.engines.ledger.clone(), options)?;
    let follower = Arc::new(Follower::default());
    match app.begun_chain()? {
        Some(chain) => follower.start(context, &chain)?,
        None => follower.lock().starting = Starting::start(context)?,
    }
    let app = {
        let (context, follower) = (Arc::clone(context), Arc::clone(&follower));
        app.on_commit(move |chain, block| follower.committed(&context, chain, block))
    };
    let server = Server::bind(address)?;
    let (stopper, bound) = (server.stopper(), server.address().to_string());
    let announcement = Announcement::of(context, follower.lock().service.as_ref(), Some(bound))?;
    output.answer(&announcement, || announcement.text())?;
    // The engine can connect, and is started after this. A node that serves would be too late: it
    // begins with the engine's first block.
    systemd::ready();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            let failure = server.serve(&app).err().map(Failure::from);
            context.events.send(Event::Served(failure));
        });
        let mut result = Ok(Exit::Success);
        loop {
            match waiting.next() {
                None | Some(Event::Development(_)) => continue,
                Some(Event::Served(None)) => return result,
                Some(Event::Served(Some(failure))) => return Err(failure),
                Some(Event::End(why)) => tracing::info!(why, "the node ends"),
                Some(Event::Alarm { height }) => {
                    tracing::error!(height, "the node ends: an engine differs");
                    result = Ok(Exit::Disagreement);
                }
                Some(Event::Failed(failure)) => result = Err(failure),
            }
            systemd::stopping();
            stopper.stop();
        }
    });
    let Followed { starting, service } = mem::take(&mut *follower.lock());
    drop(starting);
    let ended = service.map_or(Ok(()), Service::stop);
    tracing::info!("the node has ended");
    result.and_then(|exit| ended.map(|()| exit))
}

impl Follower {
    fn lock(&self) -> MutexGuard<'_, Followed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, context: &Arc<Context>, chain: &Arc<Chain>) -> Result<(), Failure> {
        let starting = self.lock().starting.take();
        // The service listens at its addresses.
        if let Some(starting) = starting {
            starting.stop();
        }
        let service = Service::start(context, Arc::clone(chain), Production::Elsewhere)?;
        self.lock().service = Some(service);
        Ok(())
    }

    /// Never holds up the engine for longer than the node takes to see the block.
    fn committed(&self, context: &Arc<Context>, chain: &Arc<Chain>, block: &Arc<StoredBlock>) {
        let followed = self.lock();
        let result = followed.service.as_ref().map(|it| it.node.committed(block));
        drop(followed);
        match result {
            Some(Ok(()) | Err(NodeError::ShuttingDown)) => {}
            // The engine goes on: the block is committed, and the index catches up.
            Some(Err(error)) => tracing::error!(
                height = block.header.height,
                error = format!("{:#}", anyhow::Error::new(error)),
                next = "start the node again if this lasts",
                "the node cannot follow the chain"
            ),
            None => {
                log_block(block);
                if let Err(failure) = self.start(context, chain) {
                    context.events.send(Event::Failed(failure));
                }
            }
        }
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Chain(error) => error.into(),
            error => Self::new(Exit::Host, error).next("see `fusee doctor`"),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Address(_) => {
                Self::new(Exit::Usage, error).next("give --abci unix://PATH or tcp://HOST:PORT")
            }
            ServeError::Bind { .. } => Self::new(Exit::Host, error)
                .next("end what uses the address, or choose another one with --abci"),
            error => Self::new(Exit::Host, error).next(
                "what was committed is durable: mend the cause, and start node and engine again",
            ),
        }
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Chain(error) => error.into(),
            NodeError::Ledger(error) => error.into(),
            error @ NodeError::Waiting { .. } => Self::new(Exit::Host, error).next(
                "check that the data folder can be written, on a disk with space; if the file is \
                 damaged, delete it: the transactions in it wait no more, and can be sent again",
            ),
            error => Self::new(Exit::Host, error).next(
                "check that the data folder can be written, on a disk with space; the folder `index` \
                 in it can be deleted, and is made anew",
            ),
        }
    }
}
