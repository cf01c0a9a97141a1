//! What a process did to a folder, as `disk.c` has recorded it, and the disk at each moment of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::media::{Inode, Media, ROOT, Random};

/// Compiles the library that records. Rust needs a C compiler to link, so there is one.
pub(super) fn compile(library: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/chain/torture/disk.c");
    let mut compiler = Command::new("cc");
    let compiler = compiler.args(["-O1", "-Wall", "-shared", "-fPIC", "-pthread", "-o"]);
    let status = compiler.arg(library).arg(source).status();
    assert!(status.expect("`cc` is a C compiler").success());
}

/// An entry of the record.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    kind: u8,
    failed: bool,
    /// The number that the system has given to the file.
    number: u64,
    offset: usize,
    path: &'a str,
    data: &'a [u8],
}

/// All entries of a record. The last one is left out if it was being written.
pub(super) fn entries(mut trace: &[u8]) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    while let Some((head, rest)) = trace.split_first_chunk::<26>() {
        let long = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
        let short = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let path_length = usize::try_from(short(18)).unwrap();
        let data_length = usize::try_from(short(22)).unwrap();
        if rest.len() < path_length + data_length {
            break;
        }
        let (path, rest) = rest.split_at(path_length);
        let (data, rest) = rest.split_at(data_length);
        entries.push(Entry {
            kind: head[0],
            failed: head[1] > 0,
            number: long(2),
            offset: usize::try_from(long(10)).unwrap(),
            path: std::str::from_utf8(path).unwrap(),
            data,
        });
        trace = rest;
    }
    entries
}

impl Entry<'_> {
    /// What the process said, if that is what it did.
    pub(super) fn said(&self) -> Option<&str> {
        (self.kind == b'p').then(|| std::str::from_utf8(self.data).unwrap())
    }
}

/// The disk at a moment.
pub(super) struct Replay {
    pub(super) media: Media,
    /// By the numbers of the system.
    inodes: BTreeMap<u64, Inode>,
    random: Random,
}

impl Replay {
    /// The disk before the first entry: all that is in the folder.
    pub(super) fn new(folder: &Path, seed: u64) -> Self {
        let mut media = Media::new();
        media.load(ROOT, folder);
        media.settle();
        Self {
            media,
            inodes: BTreeMap::new(),
            random: Random(seed),
        }
    }

    pub(super) fn apply(&mut self, entry: &Entry<'_>) {
        match entry.kind {
            b'p' => {}
            b'c' | b'd' => {
                let inode = self.media.node(entry.kind == b'd');
                self.inodes.insert(entry.number, inode);
                let (folder, name) = self.place(entry.path);
                self.media.name(vec![((folder, name), Some(inode))]);
            }
            b'o' | b'e' => {
                let inode = self.open(entry);
                if entry.kind == b'e' {
                    self.media.resize(inode, 0);
                }
            }
            b'w' => {
                let inode = self.inodes[&entry.number];
                self.media.write(inode, entry.offset, entry.data);
            }
            b't' => {
                let inode = self.inodes[&entry.number];
                self.media.resize(inode, entry.offset);
            }
            b's' => {
                let inode = self.inodes[&entry.number];
                match (self.media.is_folder(inode), entry.failed) {
                    (true, true) => {}
                    (true, false) => self.media.sync_folder(inode),
                    (false, true) => self.media.fail_to_sync(inode, &mut self.random),
                    (false, false) => self.media.sync(inode),
                }
            }
            b'r' => self.rename(entry.path, std::str::from_utf8(entry.data).unwrap()),
            b'u' => {
                let place = self.place(entry.path);
                self.media.name(vec![(place, None)]);
            }
            kind => panic!("{kind}"),
        }
    }

    /// A file that was opened. If the path had another one before, then a call that the library
    /// does not see has renamed it: `tempfile` makes it.
    fn open(&mut self, entry: &Entry<'_>) -> Inode {
        if entry.path.is_empty() {
            self.inodes.insert(entry.number, ROOT);
            return ROOT;
        }
        let (folder, name) = self.place(entry.path);
        let found = self.media.find(folder, &name);
        if let Some(&inode) = self.inodes.get(&entry.number)
            && let Some(old) = self.media.place(inode).cloned()
        {
            if found != Some(inode) {
                let entries = vec![((folder, name), Some(inode)), (old, None)];
                self.media.name(entries);
            }
            return inode;
        }
        let inode = found.unwrap_or_else(|| panic!("{} is unknown", entry.path));
        self.inodes.insert(entry.number, inode);
        inode
    }

    fn rename(&mut self, from: &str, to: &str) {
        let (from, to) = (self.place(from), self.place(to));
        let inode = self.media.find(from.0, &from.1);
        self.media.name(vec![(to, inode), (from, None)]);
    }

    /// The folder and the name of a path.
    fn place(&self, path: &str) -> (Inode, String) {
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let name = parts.pop().unwrap().to_owned();
        let folder = parts.iter().fold(ROOT, |folder, name| {
            let found = self.media.find(folder, name);
            found.unwrap_or_else(|| panic!("{path} is in no folder"))
        });
        (folder, name)
    }
}
