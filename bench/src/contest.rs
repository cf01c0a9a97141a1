//! Contests: something to do, done by us and by each peer that can do it. All sides take turns.

mod call;
pub(crate) mod guest;

pub(crate) use call::{Call, Contender, Parker, Recall, Way};

use anyhow::{Context, Result};

use crate::{
    Options,
    contest::guest::Guest,
    measure::{Gauge, by_turns, pairs},
    report::{Row, Unit},
};

/// One thing to do.
pub(crate) struct Contest {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) guest: fn() -> Result<Guest>,
    pub(crate) way: Way,
    pub(crate) ours: Contender,
    pub(crate) peers: &'static [Peer],
}

/// Who does the same, and its name.
pub(crate) type Peer = (&'static str, Contender);

/// The rows that were asked for, by their own names or by their peers'.
pub(crate) fn measure(contests: &[Contest], options: &Options) -> Result<Vec<Row>> {
    measure_by(
        contests,
        options,
        |contest| contest.name.into(),
        Contest::side,
    )
}

/// The same with other names, and each side's gauge made by somebody else. Ours is side 0, and its
/// peers come after it in their order.
pub(crate) fn measure_by(
    contests: &[Contest],
    options: &Options,
    name: impl Fn(&Contest) -> String,
    gauge: impl Fn(&Contest, usize) -> Result<Gauge>,
) -> Result<Vec<Row>> {
    let contests: Vec<_> = contests
        .iter()
        .map(|contest| (contest, contest.wanted_peers(&name(contest), options)))
        .filter(|(_, peers)| !peers.is_empty())
        .collect();
    let mut gauges = Vec::new();
    for (contest, peers) in &contests {
        gauges.push(gauge(contest, 0)?);
        for (side, _) in peers {
            gauges.push(gauge(contest, *side)?);
        }
    }
    let mut readings = by_turns(&mut gauges, options.rounds)?.into_iter();
    let mut rows = Vec::new();
    for (contest, peers) in contests {
        let ours = readings.next().unwrap_or_default();
        for ((_, peer_name), peer) in peers.into_iter().zip(readings.by_ref()) {
            let samples = pairs(&ours, &peer);
            rows.push(Row::new(name(contest), peer_name, contest.unit, &samples));
        }
    }
    Ok(rows)
}

impl Contest {
    /// All of them if the contest was asked for by this name, and else those that were by their own
    /// names. Each with its side.
    fn wanted_peers(&self, name: &str, options: &Options) -> Vec<(usize, &'static str)> {
        let wants = |(_, peer): &(usize, &'static str)| options.wants(name) || options.wants(peer);
        let names = self.peers.iter().map(|(name, _)| *name);
        (1..).zip(names).filter(wants).collect()
    }

    /// Measures ours, which is side 0, or one of the peers.
    pub(crate) fn side(&self, side: usize) -> Result<Gauge> {
        let contender = match side.checked_sub(1) {
            None => self.ours,
            Some(position) => {
                let peer = self.peers.get(position).context("there is no such side")?;
                peer.1
            }
        };
        contender.gauge(self.way, (self.guest)()?)
    }
}
