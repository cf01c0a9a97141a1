//! A disk in memory for the log: one folder of a [`Media`], with faults and crashes.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use fusee_store::log::{Files, LogFile};

use crate::media::{Entry, Inode, Media, ROOT, Random};

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

#[derive(Debug)]
struct State {
    random: Random,
    media: Media,
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
    inode: Inode,
    boot: u64,
}

fn down() -> io::Error {
    io::Error::other("the power has failed")
}

impl Disk {
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(seed, Media::new())
    }

    fn of(seed: u64, media: Media) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Random(seed),
            media,
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
        state.media.crash(&mut state.random);
        state.boots += 1;
        state.is_down = false;
        state.fault = None;
    }

    /// The content of a file.
    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        let media = &self.state().media;
        media.content(media.find(ROOT, name).unwrap())
    }

    /// Another disk with the same visible files, all durable.
    pub(crate) fn copy(&self) -> Self {
        let mut media = self.state().media.clone();
        media.settle();
        Self::of(0, media)
    }

    /// Flips a bit of a file.
    pub(crate) fn flip(&self, name: &str, bit: usize) {
        let media = &mut self.state().media;
        let inode = media.find(ROOT, name).unwrap();
        media.flip(inode, bit);
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
        state.media.name(entries);
        crashed(fault)
    }
}

fn place(name: &str) -> (Inode, String) {
    (ROOT, name.to_owned())
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
        Ok(state.media.names(ROOT))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let inode = self.state().media.node(false);
        self.change_folder(vec![(place(name), Some(inode))])?;
        self.open(name)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let state = self.state();
        if state.is_down {
            return Err(down());
        }
        let inode = state.media.find(ROOT, name);
        let inode = inode.ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Handle {
            disk: self.clone(),
            inode,
            boot: state.boots,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let inode = self.state().media.find(ROOT, from);
        let inode = inode.ok_or(io::ErrorKind::NotFound)?;
        self.change_folder(vec![(place(to), Some(inode)), (place(from), None)])
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        if self.state().media.find(ROOT, name).is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change_folder(vec![(place(name), None)])
    }

    fn sync_folder(&self) -> io::Result<()> {
        let state = &mut *self.state();
        let fault = Self::begin(state)?;
        if let Some(error) = error(fault) {
            return Err(error);
        }
        state.media.sync_folder(ROOT);
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
}

impl LogFile for Handle {
    fn length(&self) -> io::Result<u64> {
        let state = self.state()?;
        Ok(u64::try_from(state.media.length(self.inode)).unwrap())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.state()?;
        let visible = state.media.content(self.inode);
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
        state.media.write(self.inode, offset, &bytes[..length]);
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
        state.media.resize(self.inode, length);
        crashed(fault)
    }

    fn sync(&self) -> io::Result<()> {
        let state = &mut *self.state()?;
        let fault = Disk::begin(state)?;
        match error(fault) {
            Some(error) => {
                state.media.fail_to_sync(self.inode, &mut state.random);
                Err(error)
            }
            None => {
                state.media.sync(self.inode);
                crashed(fault)
            }
        }
    }
}
