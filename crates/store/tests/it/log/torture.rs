//! Random work under random faults and crashes loses nothing that was acknowledged.

use std::collections::BTreeMap;
use std::env;
use std::sync::Arc;

use fusee_store::log::{Files, Log, LogError, Options, Retention};

use super::IDENTITY;
use crate::disk::{Disk, FAULTS};
use crate::media::Random;

const ROUNDS: u64 = 400;

/// How often a log is opened in a round.
const LIVES: u64 = 8;

/// What the log has to have.
struct Model {
    /// Acknowledged records, without those that retention may have deleted.
    records: BTreeMap<u64, Vec<u8>>,
    next: u64,
    /// The record that was being appended when a fault happened.
    in_flight: Option<Vec<u8>>,
    /// The highest bound of retention so far.
    deletable: u64,
    /// The lowest height when the log was last open.
    first: u64,
}

/// What the rounds have met, so that a torture that does nothing is noticed.
#[derive(Debug, Default)]
struct Met {
    appends: u64,
    faults: u64,
    crashes: u64,
    cuts: u64,
    kept_in_flight: u64,
    failed_opens: u64,
    deleted: u64,
    operations: u64,
}

#[test]
fn random_faults_and_crashes_lose_nothing_acknowledged() {
    let met = torture(0..ROUNDS);
    assert!(met.crashes > 500, "{met:?}");
    assert!(met.faults > 300, "{met:?}");
    assert!(met.cuts > 100, "{met:?}");
    assert!(met.kept_in_flight > 50, "{met:?}");
    assert!(met.failed_opens > 50, "{met:?}");
    assert!(met.deleted > 100, "{met:?}");
}

/// The rounds that `FUSEE_TORTURE_ROUNDS` names, default: 10,000.
#[test]
#[ignore = "runs for minutes"]
fn torture_for_many_rounds() {
    #[allow(clippy::disallowed_methods, reason = "the argument of a test")]
    let rounds = env::var("FUSEE_TORTURE_ROUNDS").map_or(10_000, |rounds| rounds.parse().unwrap());
    println!("{rounds} rounds: {:?}", torture(0..rounds));
}

fn torture(rounds: std::ops::Range<u64>) -> Met {
    let mut met = Met::default();
    for seed in rounds {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            round(seed, &mut met);
        }));
        if let Err(panic) = result {
            eprintln!("the round with seed {seed} failed");
            std::panic::resume_unwind(panic);
        }
    }
    met
}

fn round(seed: u64, met: &mut Met) {
    let mut random = Random(seed);
    let disk = Disk::new(random.next());
    let first = random.below(3);
    let options = Options {
        identity: IDENTITY,
        first_height: first,
        segment_bytes: 300 + random.below(3_000),
        note_interval: 1 + random.below(12),
    };
    let mut model = Model {
        records: BTreeMap::new(),
        next: first,
        in_flight: None,
        deletable: 0,
        first,
    };
    for life in 0..LIVES {
        if random.one_in(4) {
            disk.arm(random.below(8), FAULTS[random.index(FAULTS.len())]);
        }
        let opened = Log::open_in(Arc::new(disk.clone()), options);
        match opened {
            Ok(mut log) => {
                met.cuts += u64::from(log.cut().is_some());
                model.check_opened(&log, met);
                disk.disarm();
                if !random.one_in(6) {
                    disk.arm(random.below(60), FAULTS[random.index(FAULTS.len())]);
                }
                model.work(&mut log, &mut random, met);
                if random.one_in(2) {
                    let _ = log.close();
                }
            }
            Err(LogError::Io { .. } | LogError::Full { .. }) => met.failed_opens += 1,
            Err(error) => panic!("life {life}: {error}"),
        }
        // Without a crash, a process is started anew on what the operating system shows.
        if disk.is_down() || random.one_in(3) {
            disk.crash();
            met.crashes += 1;
        }
        disk.disarm();
    }
    disk.crash();
    let log = Log::open_in(Arc::new(disk.clone()), options).unwrap();
    model.check_opened(&log, met);
    met.operations += disk.operations();
}

impl Model {
    fn check_opened(&mut self, log: &Log, met: &mut Met) {
        if let Some(in_flight) = self.in_flight.take()
            && log.next_height() > self.next
        {
            met.kept_in_flight += 1;
            self.acknowledge(in_flight);
        }
        self.check(log);
        // Nothing is left behind that a crash interrupted.
        self.first = log.first_height();
    }

    fn check(&self, log: &Log) {
        assert_eq!(log.next_height(), self.next, "the height after the last");
        let first = log.first_height();
        assert!(
            (self.first..=self.deletable.max(self.first)).contains(&first),
            "begins at {first}, not from {} to {}",
            self.first,
            self.deletable
        );
        let reader = log.reader();
        let records: Result<Vec<_>, LogError> = reader.records(first).collect();
        let records = records.unwrap().into_iter();
        let expected = self.records.range(first..);
        assert!(
            records
                .map(|record| (record.height, record.payload))
                .eq(expected.map(|(height, payload)| (*height, payload.clone()))),
            "the records are not those that were acknowledged"
        );
    }

    fn acknowledge(&mut self, payload: Vec<u8>) {
        self.records.insert(self.next, payload);
        self.next += 1;
    }

    /// Works until a fault happens, or for a while.
    fn work(&mut self, log: &mut Log, random: &mut Random, met: &mut Met) {
        for _ in 0..random.below(40) {
            let done = match random.below(12) {
                0 => self.prune(log, random, met),
                1 => log.note(),
                2 => {
                    self.read_one(log, random);
                    Ok(())
                }
                _ => self.append(log, random, met),
            };
            if let Err(error) = done {
                met.faults += 1;
                assert!(
                    matches!(error, LogError::Io { .. } | LogError::Full { .. }),
                    "{error}"
                );
                let again = log.append(b"again").unwrap_err();
                assert!(matches!(again, LogError::Poisoned { .. }), "{again}");
                return;
            }
        }
        if random.one_in(4) {
            self.check(log);
        }
    }

    fn append(
        &mut self,
        log: &mut Log,
        random: &mut Random,
        met: &mut Met,
    ) -> Result<(), LogError> {
        let length = match random.below(4) {
            0 => 0,
            1 => random.index(2_000),
            _ => random.index(80),
        };
        let payload: Vec<u8> = (0..length)
            .map(|_| random.next().to_le_bytes()[0])
            .collect();
        match log.append(&payload) {
            Ok(height) => {
                met.appends += 1;
                assert_eq!(height, self.next);
                self.acknowledge(payload);
                Ok(())
            }
            Err(error) => {
                assert_eq!(log.next_height(), self.next);
                assert_eq!(log.reader().next_height(), self.next);
                self.in_flight = Some(payload);
                Err(error)
            }
        }
    }

    fn prune(&mut self, log: &mut Log, random: &mut Random, met: &mut Met) -> Result<(), LogError> {
        let retention = Retention {
            keep_from: random.below(self.next + 1),
            limit: random.below(self.next + 1),
        };
        let bound = retention.keep_from.min(retention.limit);
        self.deletable = self.deletable.max(bound);
        let deleted = log.prune(retention)?;
        met.deleted += u64::try_from(deleted.len()).unwrap();
        for one in &deleted {
            assert!(one.heights.end <= bound);
        }
        if let Some(last) = deleted.last() {
            assert_eq!(log.first_height(), last.heights.end);
        }
        Ok(())
    }

    fn read_one(&self, log: &Log, random: &mut Random) {
        let height = log.first_height() + random.below(self.next - log.first_height() + 1);
        // A power failure may have come first.
        if let Ok(read) = log.reader().read(height) {
            assert_eq!(read.as_ref(), self.records.get(&height));
        }
    }
}

#[test]
fn the_disk_of_the_torture_loses_what_is_not_synced() {
    let mut lost = 0;
    for seed in 0..100 {
        let disk = Disk::new(seed);
        let file = disk.create("file").unwrap();
        disk.sync_folder().unwrap();
        file.write_at(b"durable", 0).unwrap();
        file.sync().unwrap();
        file.write_at(b"not so", 7).unwrap();
        disk.rename("file", "renamed").unwrap();
        disk.crash();
        let name = disk.list().unwrap().remove(0);
        let content = disk.content(&name);
        assert!(content.starts_with(b"durable"));
        lost += u64::from(name == "file" && content != b"durablenot so");
    }
    assert!(lost > 20, "{lost}");
}
