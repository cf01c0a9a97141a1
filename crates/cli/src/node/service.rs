//! A chain with its node and what listens: started as a whole, and ended as a whole.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock, Weak},
    thread::{self, JoinHandle},
    time::Duration,
};

use fusee::{
    chain::{Chain, StoredBlock},
    ledger::Genesis,
    node::{NoBlock, Node, NodeOptions, Production},
};

use super::{
    alarms, development::SavedStates, engines::Engines, events::Events, options::Settings,
    server::Server,
};
use crate::failure::{Exit, Failure};

/// How many blocks may wait to be logged.
const UNLOGGED: usize = 1_000;

/// How long whatever still reads a chain may take to let it go.
const CLOSING: Duration = Duration::from_secs(20);

/// What the services of a process have in common.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) settings: Settings,
    /// The data folder.
    pub(super) data: PathBuf,
    pub(super) genesis: Genesis,
    pub(super) engines: Engines,
    pub(super) events: Events,
    /// Whether the methods of development chains are served.
    pub(super) is_development: bool,
    pub(super) saved: SavedStates,
    /// The name under which the state is saved when the node ends.
    pub(super) save_at_end: Option<String>,
    /// Where it has listened first: public, and for operators. Later services listen there, too.
    pub(super) bound: OnceLock<(SocketAddr, Option<SocketAddr>)>,
}

/// A chain that is served.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) node: Arc<Node>,
    server: Option<Server>,
    log: Option<JoinHandle<()>>,
}

impl Service {
    pub(super) fn start(
        context: &Arc<Context>,
        chain: Arc<Chain>,
        production: Production,
    ) -> Result<Self, Failure> {
        let settings = &context.settings;
        let mut options = NodeOptions::new(&context.data);
        options.production = production;
        options.mempool = settings.mempool;
        options.query_gas = settings.rpc.query_gas;
        if let Some(proposer) = settings.chain.proposer {
            options.proposer = proposer;
        }
        if let Some((settings, check)) = settings.self_check.zip(context.engines.check.as_ref()) {
            let of = (&chain, check);
            let executor = &context.engines.executor;
            let check = alarms::start(settings, &context.data, of, executor, &context.events)?;
            options.self_check = Some(check);
        }
        let node = Arc::new(Node::start(chain, options)?);
        let log = log_blocks(&node)?;
        let mut service = Self {
            node,
            server: None,
            log: Some(log),
        };
        // If it fails, the node is dropped, which shuts it down.
        service.server = Server::start(context, &service.node)?;
        Ok(service)
    }

    /// Ends it: what listens, then the node. The chain is closed when this returns, unless the
    /// caller has it as well.
    pub(super) fn stop(mut self) -> Result<(), Failure> {
        if let Some(server) = self.server.take() {
            server.stop();
        }
        let ended = self.node.shut_down();
        if let Some(log) = self.log.take() {
            // A panic was printed.
            let _ = log.join();
        }
        ended.map_err(|error| {
            let error = anyhow::Error::new(error);
            Failure::new(Exit::Host, error.context("what waits cannot be kept"))
                .next("its senders have to send it again; everything committed is safe")
        })
    }

    /// Ends it, and waits until nobody has the chain open any more.
    pub(super) fn close(self) -> Result<(), Failure> {
        let chain = Arc::downgrade(self.node.chain());
        self.stop()?;
        let step = Duration::from_millis(5);
        let mut waited = Duration::ZERO;
        while chain.strong_count() > 0 {
            if waited >= CLOSING {
                let error = anyhow::anyhow!("the chain is still read, and cannot be closed");
                return Err(Failure::new(Exit::Host, error).next("start the node again"));
            }
            thread::sleep(step);
            waited = waited.saturating_add(step);
        }
        Ok(())
    }
}

/// Logs each block in a line of its own, from a thread that holds up nothing.
fn log_blocks(node: &Arc<Node>) -> Result<JoinHandle<()>, Failure> {
    let failed = |error| {
        let error = anyhow::Error::new(error).context("cannot start a thread");
        Failure::new(Exit::Host, error).next("raise the limit of threads of the user")
    };
    let mut subscription = node.subscribe(UNLOGGED)?;
    let node: Weak<Node> = Arc::downgrade(node);
    let thread = thread::Builder::new().name("log blocks".to_owned());
    let run = move || {
        loop {
            match subscription.next(Duration::MAX) {
                Ok(block) => log_block(&block),
                Err(NoBlock::TooSlow { height }) => {
                    tracing::warn!(from = height, "blocks are not logged: the log is too slow");
                    let next = node
                        .upgrade()
                        .and_then(|node| node.subscribe(UNLOGGED).ok());
                    let Some(next) = next else { return };
                    subscription = next;
                }
                Err(_) => return,
            }
        }
    };
    thread.spawn(run).map_err(failed)
}

/// Logs a block in one line.
pub(super) fn log_block(block: &StoredBlock) {
    let header = &block.header;
    tracing::info!(
        height = header.height,
        transactions = block.transactions.len(),
        calls = block.results.len().saturating_sub(block.transactions.len()),
        gas_used = header.gas_used.units(),
        time = header.time,
        hash = %header.hash(),
        "block"
    );
}

/// Removes a file or a folder, if it is there.
pub(super) fn remove(path: &std::path::Path) -> std::io::Result<()> {
    let removed = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
