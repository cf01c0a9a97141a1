//! Alarms of the self-check: logged, written to the data folder, and acted upon.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use fusee::{
    chain::{Capsule, Chain},
    ledger::Ledger,
    node::{Alarm, Disagreement, SelfCheck},
    sandbox::Executor,
};
use serde::Serialize;

use super::{
    events::{Event, Events},
    options::{OnAlarm, SelfCheckSettings},
};
use crate::failure::Failure;

/// The folder of the alarms in the data folder.
const ALARMS: &str = "alarms";

/// How many alarms are written, since each block can cause one.
const KEPT: usize = 100;

/// What hears of alarms.
struct Alarms {
    folder: PathBuf,
    on_alarm: OnAlarm,
    executor: Arc<Executor>,
    events: Events,
}

/// The file of an alarm.
#[derive(Serialize)]
struct AlarmJson {
    height: u64,
    /// `result`, `change`, `fault` or `chain`.
    difference: &'static str,
    text: String,
    /// Indexes in the block of the transactions that the capsules are of.
    transactions: Vec<usize>,
}

/// Starts the check of a chain.
pub(super) fn start(
    settings: SelfCheckSettings,
    data: &Path,
    (chain, check): (&Arc<Chain>, &Ledger),
    executor: &Arc<Executor>,
    events: &Events,
) -> Result<SelfCheck, Failure> {
    let alarms = Alarms {
        folder: data.join(ALARMS),
        on_alarm: settings.on_alarm,
        executor: Arc::clone(executor),
        events: events.clone(),
    };
    let (chain, check) = (Arc::clone(chain), check.clone());
    let started = SelfCheck::start(chain, check, settings.every, move |it| alarms.raise(&it));
    Ok(started?)
}

impl Alarms {
    fn raise(&self, alarm: &Alarm) {
        let height = alarm.height;
        let (kind, text) = shown(&alarm.difference);
        tracing::error!(
            height,
            difference = text,
            next = "report it with the capsules; do not trust this machine until it is explained",
            "another engine comes to another block"
        );
        match self.write(alarm, kind, &text) {
            Ok(Some(folder)) => tracing::error!(folder = %folder.display(), "capsules are written"),
            Ok(None) => tracing::warn!(kept = KEPT, "no more alarms are written"),
            Err(error) => tracing::error!(
                error = format!("{error:#}"),
                next = "check that the data folder can be written",
                "the capsules cannot be written"
            ),
        }
        match self.on_alarm {
            OnAlarm::Report => {}
            OnAlarm::Stop => self.events.send(Event::Alarm { height }),
            OnAlarm::Interpreter => {
                self.executor.use_interpreter_only(true);
                tracing::warn!("from now on, all programs run on the interpreter");
            }
        }
    }

    /// Writes a folder with the alarm and its capsules. `None` if there are as many as are kept.
    fn write(
        &self,
        alarm: &Alarm,
        difference: &'static str,
        text: &str,
    ) -> anyhow::Result<Option<PathBuf>> {
        let folder = self.folder.join(alarm.height.to_string());
        let shown = || format!("cannot write to `{}`", self.folder.display());
        fs::create_dir_all(&self.folder).with_context(shown)?;
        if fs::read_dir(&self.folder).with_context(shown)?.count() >= KEPT {
            return Ok(None);
        }
        fs::create_dir_all(&folder).with_context(shown)?;
        for suspect in &alarm.suspects {
            let index = suspect.index;
            for (name, capsule) in [("chain", &suspect.by_chain), ("check", &suspect.by_check)] {
                if let Some(capsule) = capsule {
                    let file = folder.join(format!("{index}-{name}.capsule"));
                    fs::write(file, Capsule::encode(capsule)?).with_context(shown)?;
                }
            }
        }
        let alarm = AlarmJson {
            height: alarm.height,
            difference,
            text: text.to_owned(),
            transactions: alarm.suspects.iter().map(|suspect| suspect.index).collect(),
        };
        let alarm = serde_json::to_vec_pretty(&alarm)?;
        fs::write(folder.join("alarm.json"), alarm).with_context(shown)?;
        Ok(Some(folder))
    }
}

/// What differs, as its kind and as a sentence.
fn shown(difference: &Disagreement) -> (&'static str, String) {
    match difference {
        Disagreement::Result { index, .. } => (
            "result",
            format!("the result of transaction or call {index}"),
        ),
        Disagreement::Change { key, .. } => (
            "change",
            format!("what is written at the key {}", hex::encode(key)),
        ),
        Disagreement::Fault(error) => ("fault", format!("the other engine failed: {error}")),
        Disagreement::Chain(error) => ("chain", format!("the block cannot be read: {error}")),
        other => ("other", format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests;
