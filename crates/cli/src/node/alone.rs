//! A chain on this machine alone: its node makes the blocks.

use std::sync::Arc;

use fusee::chain::DataFolder;

use super::{
    announcement::Announcement,
    development::{self, Change, Command},
    events::{Event, Waiting},
    opened,
    service::{Context, Service},
    systemd,
};
use crate::{
    failure::{Exit, Failure},
    output::Output,
};

/// A node that runs.
struct Alone<'a> {
    context: &'a Arc<Context>,
    service: Service,
    /// Whether it was told that the node has stopped making blocks.
    has_told_failure: bool,
}

pub(super) fn run(
    context: &Arc<Context>,
    folder: DataFolder,
    waiting: &Waiting,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let service = start(context, folder)?;
    let announcement = Announcement::of(context, Some(&service), None)?;
    output.answer(&announcement, || announcement.text())?;
    systemd::ready();
    let mut alone = Alone {
        context,
        service,
        has_told_failure: false,
    };
    loop {
        match waiting.next() {
            None => alone.look(),
            Some(Event::End(why)) => {
                tracing::info!(why, "the node ends");
                return alone.end().map(|()| Exit::Success);
            }
            Some(Event::Alarm { height }) => {
                tracing::error!(height, "the node ends: an engine differs");
                return alone.end().map(|()| Exit::Disagreement);
            }
            Some(Event::Development(command)) => alone = alone.change(command)?,
            Some(Event::Failed(failure)) => {
                alone.end()?;
                return Err(failure);
            }
            Some(Event::Served(_)) => {}
        }
    }
}

fn start(context: &Arc<Context>, folder: DataFolder) -> Result<Service, Failure> {
    let mut options = folder.options();
    options.versions = context.settings.chain.versions.get();
    if let Some(retention) = context.settings.chain.retention {
        options.retention = retention;
    }
    let ledger = context.engines.ledger.clone();
    let chain = Arc::new(opened(folder.chain(ledger, options))?);
    Service::start(context, chain, context.settings.chain.production)
}

impl Alone<'_> {
    /// Tells once if the node has stopped making blocks. It goes on to answer what is read.
    fn look(&mut self) {
        if let Some(failure) = self
            .service
            .node
            .failure()
            .filter(|_| !self.has_told_failure)
        {
            self.has_told_failure = true;
            let error = format!("{:#}", anyhow::Error::new(failure));
            tracing::error!(
                error,
                next = "resolve it and start the node again; what was committed is safe",
                "the node has stopped making blocks"
            );
        }
    }

    fn end(self) -> Result<(), Failure> {
        systemd::stopping();
        let Context {
            saved,
            save_at_end,
            data,
            ..
        } = &**self.context;
        let chain = Arc::clone(self.service.node.chain());
        let ended = self.service.stop();
        if let Some(name) = save_at_end {
            let height = saved.save(name, data, &chain)?;
            tracing::info!(name, height, "the state is saved");
        }
        let height = chain.store().head().map(|head| head.height);
        tracing::info!(height, "the node has ended");
        ended
    }

    /// Replaces the chain, and starts again. What cannot be made beforehand changes nothing.
    fn change(self, command: Command) -> Result<Self, Failure> {
        let Context { saved, data, .. } = &**self.context;
        let Command { change, answer } = command;
        let made = match saved.make(&change, data) {
            Ok(made) => made,
            Err(failure) => {
                let _ = answer.send(Err(failure));
                return Ok(self);
            }
        };
        let height = made.height;
        // It is told before its connection ends.
        let _ = answer.send(Ok(height));
        self.service.close()?;
        made.install(data)?;
        match change {
            Change::Load(name) => tracing::info!(name, height, "a saved state is loaded"),
            Change::Reset => tracing::info!("the chain begins anew"),
        }
        let folder = DataFolder::open(data)?;
        let folder = folder.ok_or_else(|| Failure::usage("the data folder has no chain"))?;
        development::check(&folder)?;
        Ok(Self {
            service: start(self.context, folder)?,
            has_told_failure: false,
            context: self.context,
        })
    }
}
