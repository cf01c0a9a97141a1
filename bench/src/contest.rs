//! Contests: something to do, done by us and by each peer that can do it. All sides take turns.

mod call;
pub(crate) mod guest;

pub(crate) use call::{Call, Contender, Parker, Recall, Way};

use anyhow::Result;

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
    let contests: Vec<(&Contest, Vec<&Peer>)> = contests
        .iter()
        .map(|contest| (contest, contest.wanted_peers(options)))
        .filter(|(_, peers)| !peers.is_empty())
        .collect();
    let mut gauges = Vec::new();
    for (contest, peers) in &contests {
        gauges.push(contest.gauge(contest.ours)?);
        for (_, peer) in peers {
            gauges.push(contest.gauge(*peer)?);
        }
    }
    let mut readings = by_turns(&mut gauges, options.rounds)?.into_iter();
    let mut rows = Vec::new();
    for (contest, peers) in contests {
        let ours = readings.next().unwrap_or_default();
        for ((peer_name, _), peer) in peers.into_iter().zip(readings.by_ref()) {
            let samples = pairs(&ours, &peer);
            rows.push(Row::new(
                contest.name.into(),
                peer_name,
                contest.unit,
                &samples,
            ));
        }
    }
    Ok(rows)
}

impl Contest {
    /// All of them if the contest was asked for, and else those that were by their own names.
    fn wanted_peers(&self, options: &Options) -> Vec<&Peer> {
        let wants = |(name, _): &&Peer| options.wants(self.name) || options.wants(name);
        self.peers.iter().filter(wants).collect()
    }

    fn gauge(&self, contender: Contender) -> Result<Gauge> {
        contender.gauge(self.way, (self.guest)()?)
    }
}
