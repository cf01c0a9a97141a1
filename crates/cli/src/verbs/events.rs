//! `events`: what contracts have announced, and announce.

use std::{thread, time::Duration};

use fusee::{chain::Event, keystore::Keystore, rpc::types::EventEntry};
use serde::Serialize;

use super::transaction::INTERFACES;
use crate::{
    addresses,
    args::EventsArgs,
    chain::{Chain, EventFilter},
    decoded::{self, EventValue},
    failure::{Exit, Failure},
    interfaces::{Interfaces, Reading},
    numbers::grouped,
    output::{Format, Output},
    receipt,
    table::table,
    values,
};

/// The time between two questions for more events.
const PAUSE: Duration = Duration::from_millis(500);

/// The most events of one answer.
const PAGE: usize = 1_000;

#[derive(Serialize)]
struct EventsJson {
    events: Vec<EventJson>,
}

#[derive(Serialize)]
struct EventJson {
    #[serde(flatten)]
    entry: EventEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<EventValue>,
    #[serde(skip)]
    text: String,
}

pub(crate) fn run(args: &EventsArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chain = Chain::existing(&args.chain)?;
    let reading = match args.no_interface {
        true => Reading::Off,
        false => Reading::On,
    };
    let folder = chain.folder().map(|folder| folder.join(INTERFACES));
    let interfaces = Interfaces::new(reading, folder);
    let filter = filter(args, &chain)?;
    if args.follow {
        return follow(&chain, filter, &interfaces, output);
    }
    let mut entries = chain.events(&filter, args.limit)?;
    if filter.is_newest_first {
        entries.reverse();
    }
    let answer = EventsJson {
        events: shown(&chain, &interfaces, entries)?,
    };
    output.answer(&answer, || match answer.events.as_slice() {
        [] => "no events\n".to_owned(),
        events => text(events),
    })?;
    Ok(Exit::Success)
}

fn filter(args: &EventsArgs, chain: &Chain) -> Result<EventFilter, Failure> {
    let contract = args.contract.as_deref().map(|text| {
        let keystore = Keystore::new(args.keys.keys.clone());
        addresses::resolve(text, &chain.state()?, Some(&keystore))
    });
    let topic = args.topic.as_deref().map(values::parse_key);
    Ok(EventFilter {
        contract: contract.transpose()?,
        topic: topic.transpose()?,
        from: args.from,
        after: None,
        is_newest_first: args.from.is_none() && !args.follow,
    })
}

/// Writes events as they come.
fn follow(
    chain: &Chain,
    mut filter: EventFilter,
    interfaces: &Interfaces,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if chain.folder().is_some() {
        return Err(
            Failure::usage("a data folder has no new events while it is read")
                .next("follow the events of a node: give its URL with --node"),
        );
    }
    if filter.from.is_none() {
        filter.from = Some(chain.state()?.height().saturating_add(1));
    }
    while !output.is_closed() {
        let entries = chain.events(&filter, PAGE)?;
        let is_last = entries.len() < PAGE;
        filter.after = entries.last().map(|last| last.place).or(filter.after);
        for event in shown(chain, interfaces, entries)? {
            match output.format() {
                Format::Json => output.json(&event)?,
                Format::Text => output.text(&text(&[event]))?,
            }
        }
        if is_last {
            thread::sleep(PAUSE);
        }
    }
    Ok(Exit::Success)
}

fn shown(
    chain: &Chain,
    interfaces: &Interfaces,
    entries: Vec<EventEntry>,
) -> Result<Vec<EventJson>, Failure> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let state = chain.state()?;
    let events: Vec<Event> = entries
        .iter()
        .map(|it| receipt::event_of(&it.event))
        .collect();
    let decoded = decoded::events((interfaces, &state), &events);
    let entries = entries.into_iter().zip(events).zip(decoded);
    let entries = entries.map(|((entry, event), decoded)| EventJson {
        text: match &decoded {
            Some(value) => format!("{} {}", crate::names::short(event.address), value.text()),
            None => receipt::event(&event),
        },
        entry,
        decoded,
    });
    Ok(entries.collect())
}

fn text(events: &[EventJson]) -> String {
    let rows = events.iter().map(|event| {
        let height = grouped(event.entry.place.height);
        [format!("block {height}"), event.text.clone()]
    });
    table(0, &rows.collect::<Vec<_>>())
}
