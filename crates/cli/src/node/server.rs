//! What listens: the JSON-RPC interface with the explorer, and what operators use.

use std::{
    io,
    sync::{Arc, OnceLock, Weak, mpsc::channel},
};

use fusee::{
    node::Node,
    rpc::{
        AdminOptions, ErrorKind, RpcError, RpcOptions, RpcServer, StartError, StartingServer,
        types::{BackedUp, Hex32},
    },
};
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::ErrorObjectOwned};
use serde::{Deserialize, Serialize};

use super::{
    development::{Change, Command},
    events::Event,
    forward,
    metrics::Numbers,
    service::Context,
};
use crate::{
    chain::existing,
    failure::{Exit, Failure},
    verbs::folder::copy,
};

/// What listens.
#[derive(Debug)]
pub(super) struct Server(Arc<RpcServer>);

/// What listens before there is a node.
#[derive(Debug)]
pub(super) struct Starting(StartingServer);

/// What the methods of development chains need.
struct Development {
    context: Weak<Context>,
    node: Weak<Node>,
}

/// The parameters of `dev_save` and `dev_load`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

/// The answer of the methods of development chains.
#[derive(Clone, Serialize)]
struct Changed {
    /// The height of the state that was saved, or is to be loaded.
    height: u64,
}

impl Server {
    /// Starts it. `None` if nothing is to listen.
    pub(super) fn start(context: &Arc<Context>, node: &Arc<Node>) -> Result<Option<Self>, Failure> {
        let Some(mut options) = options(context) else {
            return Ok(None);
        };
        // The metrics are those of the server as well, which begins to exist after them.
        let itself = Arc::new(OnceLock::<Weak<RpcServer>>::new());
        if let Some(admin) = &mut options.admin {
            let (of, node_of, server) = (Arc::downgrade(context), Arc::downgrade(node), &itself);
            let server = Arc::clone(server);
            admin.metrics = Some(Arc::new(move || {
                let server = server.get().and_then(Weak::upgrade);
                let read = of.upgrade().zip(node_of.upgrade());
                let numbers = read.map(|(of, node)| Numbers::read(&of, &node, server.as_deref()));
                numbers.map(Numbers::text).unwrap_or_default()
            }));
            let (of, node_of) = (Arc::downgrade(context), Arc::downgrade(node));
            admin.back_up = Some(Arc::new(move |target| {
                let (of, node) = (of.upgrade().zip(node_of.upgrade())).ok_or_else(closing)?;
                let folder = existing(&of.data).map_err(refused)?;
                let head = copy(target, &folder, node.chain()).map_err(refused)?;
                tracing::info!(height = head.height, to = %target.display(), "a backup is made");
                Ok(BackedUp {
                    height: head.height,
                    state_root: Hex32(head.root),
                })
            }));
            let events = context.events.clone();
            let shut_down = move || events.send(Event::End("admin_shutDown"));
            admin.shut_down = Some(Arc::new(shut_down));
            if context.is_development {
                let methods = methods(context, node).map_err(|error| {
                    Failure::new(Exit::Host, error).next("report it: this is a bug in Fusee")
                })?;
                admin.methods = methods.into();
            }
        }
        let server = RpcServer::start(Arc::clone(node), options).map_err(explain)?;
        let server = Arc::new(server);
        context
            .bound
            .get_or_init(|| (server.address(), server.admin_address()));
        // It is empty until here.
        let _ = itself.set(Arc::downgrade(&server));
        Ok(Some(Self(server)))
    }

    /// Ends it, and the calls that it works on.
    pub(super) fn stop(self) {
        self.0.stop();
    }
}

impl Starting {
    /// Starts it. `None` if nothing is to listen.
    pub(super) fn start(context: &Arc<Context>) -> Result<Option<Self>, Failure> {
        let Some(mut options) = options(context) else {
            return Ok(None);
        };
        if let Some(admin) = &mut options.admin {
            let of = Arc::downgrade(context);
            admin.metrics = Some(Arc::new(move || {
                let numbers = of.upgrade().map(|of| Numbers::before_blocks(&of));
                numbers.map(Numbers::text).unwrap_or_default()
            }));
        }
        let reason = "there is no block yet: the consensus engine makes the first one, or hands \
                      over a snapshot";
        let server = StartingServer::start(&options, reason).map_err(explain)?;
        context
            .bound
            .get_or_init(|| (server.address(), server.admin_address()));
        Ok(Some(Self(server)))
    }

    /// Ends it. The server of the node can listen at its addresses.
    pub(super) fn stop(self) {
        self.0.stop();
    }
}

/// What the settings say of a server. `None` if nothing is to listen.
fn options(context: &Context) -> Option<RpcOptions> {
    let settings = &context.settings.rpc;
    let listen = settings.listen?;
    let (address, admin) = match context.bound.get() {
        Some(bound) => *bound,
        None => (listen, settings.admin),
    };
    let mut options = RpcOptions::new(&context.genesis);
    options.address = address;
    options.engine = context.engines.name.to_owned();
    options.version = env!("FUSEE_VERSION").to_owned();
    options.hosts.clone_from(&settings.hosts);
    options.origins.clone_from(&settings.origins);
    options.explorer = settings.explorer;
    options.limits = settings.limits;
    if let Some(url) = &context.settings.consensus.rpc {
        options.relay = Some(Arc::new(forward::to(url)));
    }
    options.admin = admin.map(|address| {
        let mut admin = AdminOptions::default();
        admin.address = address;
        admin
    });
    Some(options)
}

/// The methods of development chains.
fn methods(
    context: &Arc<Context>,
    node: &Arc<Node>,
) -> Result<RpcModule<Development>, RegisterMethodError> {
    let mut module = RpcModule::new(Development {
        context: Arc::downgrade(context),
        node: Arc::downgrade(node),
    });
    module.register_blocking_method("dev_save", |params, of, _| {
        let Named { name } = params.parse()?;
        of.save(&name).map_err(ErrorObjectOwned::from)
    })?;
    module.register_blocking_method("dev_load", |params, of, _| {
        let Named { name } = params.parse()?;
        of.change(Change::Load(name))
            .map_err(ErrorObjectOwned::from)
    })?;
    module.register_blocking_method("dev_reset", |_, of, _| {
        of.change(Change::Reset).map_err(ErrorObjectOwned::from)
    })?;
    Ok(module)
}

impl Development {
    fn save(&self, name: &str) -> Result<Changed, RpcError> {
        let (context, node) = (self.context.upgrade())
            .zip(self.node.upgrade())
            .ok_or_else(closing)?;
        let saved = context.saved.save(name, &context.data, node.chain());
        saved.map(|height| Changed { height }).map_err(refused)
    }

    /// Asks the thread that waits for events. It answers before it ends this server.
    fn change(&self, change: Change) -> Result<Changed, RpcError> {
        let (answer, answered) = channel();
        let context = self.context.upgrade().ok_or_else(closing)?;
        context
            .events
            .send(Event::Development(Command { change, answer }));
        drop(context);
        let height = answered.recv().map_err(|_| closing())?;
        height.map(|height| Changed { height }).map_err(refused)
    }
}

fn closing() -> RpcError {
    RpcError::new(
        ErrorKind::ShuttingDown,
        "the node is shutting down",
        "ask again when it is back",
    )
}

fn refused(failure: Failure) -> RpcError {
    let kind = match failure.exit() {
        Exit::Usage => ErrorKind::InvalidParams,
        _ => ErrorKind::Internal,
    };
    RpcError::new(kind, failure.message(), failure.advice())
}

/// Says what to do about an address that cannot be listened at.
fn explain(error: StartError) -> Failure {
    let next = match &error {
        StartError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            "another process listens there, perhaps another node: end it, or choose other addresses \
             with --rpc and --admin"
        }
        StartError::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            "choose a port above 1023 with --rpc and --admin"
        }
        StartError::Listen { .. } => "choose an address of this machine with --rpc and --admin",
        StartError::Option(_) => "see `fusee node --help`",
        StartError::Node(_) => "start the node again",
        _ => "raise the limit of threads of the user",
    };
    Failure::new(Exit::Host, error).next(next)
}
