//! What a disk shows to programs, and what a power failure leaves of it.
//!
//! Each file has a content that programs see and one that is durable. Between them are the writes
//! that are not synced. A crash keeps any of them, in any order, whole or in parts of sectors or
//! torn at any byte, and any of the entries of folders that are not synced. After a failed sync, a
//! write may be on the disk or not, and later syncs ignore it, although programs still see it: so
//! Linux does.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

const SECTOR: usize = 512;

/// The number of a file or folder.
pub(crate) type Inode = usize;

/// The outermost folder.
pub(crate) const ROOT: Inode = 0;

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

/// Bytes, and zeros up to a length.
#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    length: usize,
}

#[derive(Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Resize(usize),
}

#[derive(Clone, Debug, Default)]
struct Node {
    is_folder: bool,
    visible: Arc<Content>,
    durable: Arc<Content>,
    unsynced: Vec<Arc<Change>>,
}

/// A name in a folder.
type Place = (Inode, String);

/// A name that is set, or removed.
pub(crate) type Entry = (Place, Option<Inode>);

/// The files and folders of a disk. Clones share contents until one of them changes these.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    nodes: Vec<Node>,
    visible: BTreeMap<Place, Inode>,
    durable: BTreeMap<Place, Inode>,
    /// Each is atomic.
    unsynced: Vec<Vec<Entry>>,
}

impl Content {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Write(offset, new) => self.write(*offset, new),
            Change::Resize(length) => self.resize(*length),
        }
    }

    fn write(&mut self, offset: usize, new: &[u8]) {
        let end = offset + new.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[offset..end].copy_from_slice(new);
        self.length = self.length.max(end);
    }

    fn resize(&mut self, length: usize) {
        self.bytes.truncate(length);
        self.length = length;
    }

    /// What a crash or a failed sync leaves of a change.
    fn leave(&mut self, change: &Change, random: &mut Random) {
        let Change::Write(offset, new) = change else {
            if random.one_in(2) {
                self.apply(change);
            }
            return;
        };
        match random.below(5) {
            0 => {}
            1 => self.apply(change),
            // Torn at any byte.
            2 => self.write(*offset, &new[..random.index(new.len() + 1)]),
            // The length without the data.
            3 => self.length = self.length.max(offset + random.index(new.len() + 1)),
            // Any of the sectors. They are small, so that small writes have several, too.
            _ => {
                let sector = [16, 64, SECTOR][random.index(3)];
                for (index, part) in new.chunks(sector).enumerate() {
                    if random.one_in(2) {
                        self.write(offset + index * sector, part);
                    }
                }
            }
        }
    }

    fn all(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes.resize(self.length, 0);
        bytes
    }
}

impl Media {
    pub(crate) fn new() -> Self {
        let root = Node {
            is_folder: true,
            ..Node::default()
        };
        Self {
            nodes: vec![root],
            visible: BTreeMap::new(),
            durable: BTreeMap::new(),
            unsynced: Vec::new(),
        }
    }

    /// A new file or folder that has no name yet.
    pub(crate) fn node(&mut self, is_folder: bool) -> Inode {
        self.nodes.push(Node {
            is_folder,
            ..Node::default()
        });
        self.nodes.len() - 1
    }

    pub(crate) fn find(&self, folder: Inode, name: &str) -> Option<Inode> {
        self.visible.get(&(folder, name.to_owned())).copied()
    }

    /// What a name of an inode is.
    pub(crate) fn place(&self, inode: Inode) -> Option<&Place> {
        let mut entries = self.visible.iter();
        entries.find_map(|(place, named)| (*named == inode).then_some(place))
    }

    /// The names in a folder.
    pub(crate) fn names(&self, folder: Inode) -> Vec<String> {
        let inside = self.visible.keys().filter(|(parent, _)| *parent == folder);
        inside.map(|(_, name)| name.clone()).collect()
    }

    /// Sets and removes names, at once.
    pub(crate) fn name(&mut self, entries: Vec<Entry>) {
        set(&mut self.visible, &entries);
        self.unsynced.push(entries);
    }

    /// Makes all names in a folder durable.
    pub(crate) fn sync_folder(&mut self, folder: Inode) {
        for entries in std::mem::take(&mut self.unsynced) {
            // A renaming from one folder to another is in both of them.
            match entries.iter().any(|((parent, _), _)| *parent == folder) {
                true => set(&mut self.durable, &entries),
                false => self.unsynced.push(entries),
            }
        }
    }

    pub(crate) fn is_folder(&self, inode: Inode) -> bool {
        self.nodes[inode].is_folder
    }

    pub(crate) fn length(&self, inode: Inode) -> usize {
        self.nodes[inode].visible.length
    }

    /// What programs see of a file.
    pub(crate) fn content(&self, inode: Inode) -> Vec<u8> {
        self.nodes[inode].visible.all()
    }

    pub(crate) fn write(&mut self, inode: Inode, offset: usize, bytes: &[u8]) {
        self.change(inode, Change::Write(offset, bytes.to_vec()));
    }

    pub(crate) fn resize(&mut self, inode: Inode, length: usize) {
        self.change(inode, Change::Resize(length));
    }

    fn change(&mut self, inode: Inode, change: Change) {
        let node = &mut self.nodes[inode];
        Arc::make_mut(&mut node.visible).apply(&change);
        node.unsynced.push(Arc::new(change));
    }

    pub(crate) fn sync(&mut self, inode: Inode) {
        let node = &mut self.nodes[inode];
        for change in std::mem::take(&mut node.unsynced) {
            Arc::make_mut(&mut node.durable).apply(&change);
        }
    }

    pub(crate) fn fail_to_sync(&mut self, inode: Inode, random: &mut Random) {
        let node = &mut self.nodes[inode];
        for change in std::mem::take(&mut node.unsynced) {
            match &*change {
                Change::Write(..) => Arc::make_mut(&mut node.durable).leave(&change, random),
                // File systems journal lengths, and go on with them or stop for good.
                Change::Resize(_) => node.unsynced.push(change),
            }
        }
    }

    /// Flips a bit of a file.
    pub(crate) fn flip(&mut self, inode: Inode, bit: usize) {
        let node = &mut self.nodes[inode];
        for content in [&mut node.visible, &mut node.durable] {
            Arc::make_mut(content).bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    /// The power fails: what programs see then is what is durable, and any part of the rest.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        for node in &mut self.nodes {
            let mut changes = std::mem::take(&mut node.unsynced);
            if !changes.is_empty() && random.one_in(2) {
                for index in (1..changes.len()).rev() {
                    changes.swap(index, random.index(index + 1));
                }
            }
            for change in &changes {
                Arc::make_mut(&mut node.durable).leave(change, random);
            }
            node.visible = Arc::clone(&node.durable);
        }
        for entries in std::mem::take(&mut self.unsynced) {
            if random.one_in(2) {
                set(&mut self.durable, &entries);
            }
        }
        self.visible.clone_from(&self.durable);
    }

    /// Everything that programs see becomes durable.
    pub(crate) fn settle(&mut self) {
        for node in &mut self.nodes {
            node.unsynced.clear();
            node.durable = Arc::clone(&node.visible);
        }
        self.unsynced.clear();
        self.durable.clone_from(&self.visible);
    }

    /// Reads the files and folders below a path of the file system.
    pub(crate) fn load(&mut self, folder: Inode, path: &Path) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let inode = self.node(path.is_dir());
            self.name(vec![((folder, name), Some(inode))]);
            if path.is_dir() {
                self.load(inode, &path);
            } else {
                let bytes = fs::read(&path).unwrap();
                let length = bytes.len();
                let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
                self.write(inode, 0, &bytes[..length - zeros]);
                self.resize(inode, length);
            }
        }
    }

    /// Writes what programs see to a path of the file system.
    pub(crate) fn store(&self, folder: Inode, path: &Path) {
        fs::create_dir_all(path).unwrap();
        let inside = self.visible.range((folder, String::new())..);
        for ((_, name), inode) in inside.take_while(|((parent, _), _)| *parent == folder) {
            let path = path.join(name);
            if self.nodes[*inode].is_folder {
                self.store(*inode, &path);
            } else {
                let content = &self.nodes[*inode].visible;
                let mut file = fs::File::create(&path).unwrap();
                file.write_all(&content.bytes).unwrap();
                file.set_len(u64::try_from(content.length).unwrap())
                    .unwrap();
            }
        }
    }
}

fn set(names: &mut BTreeMap<Place, Inode>, entries: &[Entry]) {
    for (place, inode) in entries {
        match inode {
            Some(inode) => names.insert(place.clone(), *inode),
            None => names.remove(place),
        };
    }
}
