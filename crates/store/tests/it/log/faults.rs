//! Files in memory that lose, tear, reorder and fail whatever a disk may.
//!
//! Each file has what programs see and what a crash leaves. Between them are the writes that are
//! not synced. A crash keeps any of them, in any order, whole or in parts of sectors or torn at any
//! byte, and any of the entries of the folder that are not synced. After a failed sync, a write may
//! be on the disk or not, and later syncs ignore it, although programs still see it: so Linux does.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use fusee_store::log::{Files, LogFile};

const SECTOR: usize = 512;

/// A seeded generator of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(u64::try_from(bound).unwrap())).unwrap()
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// What happens to an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// It fails. A write is done in part, and a sync may be.
    Error,
    /// As `Error`, because the disk is full.
    Full,
    /// A write is done in part, and says so. Other operations succeed.
    Short,
    /// The power fails before it.
    CrashBefore,
    /// The power fails after it.
    CrashAfter,
}

pub(crate) const FAULTS: [Fault; 5] = [
    Fault::Error,
    Fault::Full,
    Fault::Short,
    Fault::CrashBefore,
    Fault::CrashAfter,
];

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Clone, Debug, Default)]
struct Inode {
    visible: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

/// An entry of the folder that is set, or removed.
type Entry = (String, Option<usize>);

#[derive(Debug)]
struct State {
    random: Random,
    inodes: Vec<Inode>,
    visible: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    /// Each is atomic.
    unsynced: Vec<Vec<Entry>>,
    /// After how many operations a fault happens, and which.
    fault: Option<(u64, Fault)>,
    /// How many operations changed or synced anything.
    operations: u64,
    is_down: bool,
    /// Counts the crashes: files that were opened before are unusable.
    boots: u64,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
struct Handle {
    disk: Disk,
    inode: usize,
    boot: u64,
}

fn down() -> io::Error {
    io::Error::other("the power has failed")
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(offset, new) => {
            let end = offset + new.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset..end].copy_from_slice(new);
        }
        Change::Truncate(length) => bytes.truncate(*length),
    }
}

/// What a crash or a failed sync leaves of a change.
fn leave(bytes: &mut Vec<u8>, change: &Change, random: &mut Random) {
    let Change::Write(offset, new) = change else {
        if random.one_in(2) {
            apply(bytes, change);
        }
        return;
    };
    match random.below(5) {
        0 => {}
        1 => apply(bytes, change),
        // Torn at any byte.
        2 => {
            let kept = new[..random.index(new.len() + 1)].to_vec();
            apply(bytes, &Change::Write(*offset, kept));
        }
        // The length without the data.
        3 => {
            let end = offset + random.index(new.len() + 1);
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
        }
        // Any of the sectors. They are small, so that small writes have several, too.
        _ => {
            let sector = [16, 64, SECTOR][random.index(3)];
            for (index, part) in new.chunks(sector).enumerate() {
                if random.one_in(2) {
                    apply(
                        bytes,
                        &Change::Write(offset + index * sector, part.to_vec()),
                    );
                }
            }
        }
    }
}

impl Disk {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Random(seed),
            inodes: Vec::new(),
            visible: BTreeMap::new(),
            durable: BTreeMap::new(),
            unsynced: Vec::new(),
            fault: None,
            operations: 0,
            is_down: false,
            boots: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Arms a fault for the operation after `after` others.
    pub(crate) fn arm(&self, after: u64, fault: Fault) {
        self.state().fault = Some((after, fault));
    }

    pub(crate) fn disarm(&self) {
        self.state().fault = None;
    }

    pub(crate) fn is_down(&self) -> bool {
        self.state().is_down
    }

    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The power fails, if it has not, and comes back.
    pub(crate) fn crash(&self) {
        let state = &mut *self.state();
        for inode in &mut state.inodes {
            let mut changes = std::mem::take(&mut inode.unsynced);
            if state.random.one_in(2) {
                for index in (1..changes.len()).rev() {
                    changes.swap(index, state.random.index(index + 1));
                }
            }
            for change in &changes {
                leave(&mut inode.durable, change, &mut state.random);
            }
            inode.visible.clone_from(&inode.durable);
        }
        for entries in std::mem::take(&mut state.unsynced) {
            if state.random.one_in(2) {
                set(&mut state.durable, &entries);
            }
        }
        state.visible.clone_from(&state.durable);
        state.boots += 1;
        state.is_down = false;
        state.fault = None;
    }

    /// The content of a file.
    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.inodes[state.visible[name]].visible.clone()
    }

    /// Another disk with the same visible files, all durable.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new(0);
        let state = self.state();
        let mut copied = copy.state();
        for (name, &inode) in &state.visible {
            let visible = state.inodes[inode].visible.clone();
            let index = copied.inodes.len();
            copied.visible.insert(name.clone(), index);
            copied.inodes.push(Inode {
                durable: visible.clone(),
                visible,
                unsynced: Vec::new(),
            });
        }
        copied.durable = copied.visible.clone();
        drop(copied);
        copy
    }

    /// Flips a bit of a file.
    pub(crate) fn flip(&self, name: &str, bit: usize) {
        let state = &mut *self.state();
        let inode = &mut state.inodes[state.visible[name]];
        inode.visible[bit / 8] ^= 1 << (bit % 8);
        inode.durable[bit / 8] ^= 1 << (bit % 8);
    }

    /// Begins an operation that changes or syncs something: the fault that it has, if any.
    fn begin(state: &mut State) -> io::Result<Option<Fault>> {
        if state.is_down {
            return Err(down());
        }
        state.operations += 1;
        match state.fault {
            Some((0, fault)) => {
                state.fault = None;
                state.is_down = matches!(fault, Fault::CrashBefore | Fault::CrashAfter);
                if fault == Fault::CrashBefore {
                    return Err(down());
                }
                Ok(Some(fault))
            }
            Some((after, fault)) => {
                state.fault = Some((after - 1, fault));
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// An operation on the folder.
    fn change_folder(&self, entries: Vec<Entry>) -> io::Result<()> {
        let state = &mut *self.state();
        let fault = Self::begin(state)?;
        if let Some(error) = error(fault) {
            return Err(error);
        }
        set(&mut state.visible, &entries);
        state.unsynced.push(entries);
        crashed(fault)
    }
}

fn set(folder: &mut BTreeMap<String, usize>, entries: &[Entry]) {
    for (name, inode) in entries {
        match inode {
            Some(inode) => folder.insert(name.clone(), *inode),
            None => folder.remove(name),
        };
    }
}

fn error(fault: Option<Fault>) -> Option<io::Error> {
    match fault? {
        Fault::Error => Some(io::Error::other("the disk has failed")),
        Fault::Full => Some(io::ErrorKind::StorageFull.into()),
        Fault::Short | Fault::CrashBefore | Fault::CrashAfter => None,
    }
}

fn crashed(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        Some(Fault::CrashAfter) => Err(down()),
        _ => Ok(()),
    }
}

impl Files for Disk {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/disk").join(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        if state.is_down {
            return Err(down());
        }
        Ok(state.visible.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let inode = {
            let mut state = self.state();
            state.inodes.push(Inode::default());
            state.inodes.len() - 1
        };
        self.change_folder(vec![(name.to_owned(), Some(inode))])?;
        self.open(name)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let state = self.state();
        if state.is_down {
            return Err(down());
        }
        let inode = *state.visible.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Handle {
            disk: self.clone(),
            inode,
            boot: state.boots,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let inode = self.state().visible.get(from).copied();
        let inode = inode.ok_or(io::ErrorKind::NotFound)?;
        self.change_folder(vec![(to.to_owned(), Some(inode)), (from.to_owned(), None)])
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        if !self.state().visible.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change_folder(vec![(name.to_owned(), None)])
    }

    fn sync_folder(&self) -> io::Result<()> {
        let state = &mut *self.state();
        let fault = Self::begin(state)?;
        if let Some(error) = error(fault) {
            return Err(error);
        }
        state.unsynced.clear();
        state.durable.clone_from(&state.visible);
        crashed(fault)
    }
}

impl Handle {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.is_down || state.boots != self.boot {
            return Err(down());
        }
        Ok(state)
    }

    fn change(state: &mut State, inode: usize, change: Change) {
        let inode = &mut state.inodes[inode];
        apply(&mut inode.visible, &change);
        inode.unsynced.push(change);
    }
}

impl LogFile for Handle {
    fn length(&self) -> io::Result<u64> {
        let state = self.state()?;
        Ok(u64::try_from(state.inodes[self.inode].visible.len()).unwrap())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.state()?;
        let visible = &state.inodes[self.inode].visible;
        let rest = visible.get(usize::try_from(offset).unwrap()..);
        let rest = rest.unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let state = &mut *self.state()?;
        let fault = Disk::begin(state)?;
        let is_partial = matches!(fault, Some(Fault::Error | Fault::Full | Fault::Short));
        let length = if is_partial && bytes.len() > 1 {
            1 + state.random.index(bytes.len() - 1)
        } else {
            bytes.len()
        };
        let offset = usize::try_from(offset).unwrap();
        let change = Change::Write(offset, bytes[..length].to_vec());
        Self::change(state, self.inode, change);
        match error(fault) {
            Some(error) => Err(error),
            None => crashed(fault).map(|()| length),
        }
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let state = &mut *self.state()?;
        let fault = Disk::begin(state)?;
        if let Some(error) = error(fault) {
            return Err(error);
        }
        let length = usize::try_from(length).unwrap();
        Self::change(state, self.inode, Change::Truncate(length));
        crashed(fault)
    }

    fn sync(&self) -> io::Result<()> {
        let state = &mut *self.state()?;
        let fault = Disk::begin(state)?;
        let inode = &mut state.inodes[self.inode];
        let changes = std::mem::take(&mut inode.unsynced);
        match error(fault) {
            Some(error) => {
                for change in changes {
                    match change {
                        Change::Write(..) => {
                            leave(&mut inode.durable, &change, &mut state.random);
                        }
                        // File systems journal lengths, and go on with them or stop for good.
                        Change::Truncate(_) => inode.unsynced.push(change),
                    }
                }
                Err(error)
            }
            None => {
                for change in &changes {
                    apply(&mut inode.durable, change);
                }
                crashed(fault)
            }
        }
    }
}
