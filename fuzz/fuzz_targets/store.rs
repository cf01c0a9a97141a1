//! A chain store with damage: bytes flipped, cut off, added, and moved within and between its
//! files. It is refused, or has what it had before: each block and state that it still reads is the
//! one of its height. The doctor ends as well, and so do the import of a snapshot and its chunks.
#![no_main]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use fusee_state::Diff;
use fusee_store::chain::{
    Block, ChainStore, Head, Options, doctor,
    snapshot::{Import, Manifest, chunk_name},
};
use libfuzzer_sys::fuzz_target;

/// The blocks of the store.
const BLOCKS: u64 = 12;

/// The bytes of an edit of a file.
const EDIT: usize = 9;

/// A store before it is damaged.
struct Sound {
    /// The paths within the folder, and what they have.
    files: Vec<(PathBuf, Vec<u8>)>,
    blocks: Vec<Block>,
    /// The entries of the state of each height.
    states: Vec<Vec<(Vec<u8>, Vec<u8>)>>,
    heads: Vec<Head>,
    manifest: Manifest,
    chunks: Vec<Vec<u8>>,
}

static SOUND: LazyLock<Sound> = LazyLock::new(make);

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("fusee-store-{name}-{}", std::process::id()))
}

/// With a checkpoint every few blocks, and a segment for a few.
fn options() -> Options {
    let mut options = Options::new([7; 32]);
    options.checkpoint_keys = 20;
    options.segment_bytes = 2_048;
    options.cache_bytes = 1 << 16;
    options
}

fn make() -> Sound {
    let path = folder("sound");
    let _ = fs::remove_dir_all(&path);
    let store = ChainStore::open(&path, options()).expect("a new store opens");
    let mut states = Vec::new();
    let mut heads = Vec::new();
    for height in 0..BLOCKS {
        // Each block adds, changes and removes.
        let changes: Diff = (0..8_u64)
            .map(|index| {
                let key = (height * 5 + index).to_be_bytes().to_vec();
                let value = (index % 5 != 4).then(|| vec![height as u8; 3 + index as usize]);
                (key, value)
            })
            .collect();
        let staged = store.stage(changes).expect("it is the next block");
        let body = vec![height as u8; 40];
        heads.push(store.commit(staged, &body).expect("a block is committed"));
        let version = store.version(None).expect("there is a block");
        let entries = version.entries().map(|entry| {
            let (key, value) = entry.expect("a sound store is read");
            (key, value.to_vec())
        });
        states.push(entries.collect());
    }
    store.wait_for_checkpoints().expect("the disk has room");
    let target = folder("snapshot");
    let _ = fs::remove_dir_all(&target);
    let manifest = store.export(None, &target, 256);
    let manifest = manifest.expect("a snapshot is exported");
    let chunks = (0..manifest.chunks()).map(|number| {
        fs::read(target.join(chunk_name(number))).expect("the snapshot has its chunks")
    });
    let chunks = chunks.collect();
    let blocks = store.blocks(0).map(|block| block.expect("it is sound"));
    let blocks = blocks.collect();
    drop(store);
    let mut files = Vec::new();
    read(&path, &path, &mut files);
    Sound {
        files,
        blocks,
        states,
        heads,
        manifest,
        chunks,
    }
}

fn read(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("it is there")
        .map(|entry| entry.expect("it is there").path())
        .collect();
    entries.sort();
    for path in entries {
        match path.is_dir() {
            true => read(root, &path, files),
            false => {
                let bytes = fs::read(&path).expect("it is there");
                let within = path.strip_prefix(root).expect("it is in the folder");
                files.push((within.to_path_buf(), bytes));
            }
        }
    }
}

/// Damages files as the edits say. `None` is a file that is removed.
fn damage(files: &[(PathBuf, Vec<u8>)], edits: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut damaged: Vec<_> = files.iter().map(|(_, bytes)| Some(bytes.clone())).collect();
    for edit in edits.chunks_exact(EDIT) {
        let [kind, file, other, at, to, from] = [
            u16::from(edit[0]),
            u16::from(edit[1]),
            u16::from(edit[2]),
            u16::from_le_bytes([edit[3], edit[4]]),
            u16::from_le_bytes([edit[5], edit[6]]),
            u16::from_le_bytes([edit[7], edit[8]]),
        ]
        .map(usize::from);
        let source = damaged[other % files.len()].clone().unwrap_or_default();
        let target = &mut damaged[file % files.len()];
        let Some(bytes) = target else { continue };
        let at = at % bytes.len().max(1);
        match kind % 6 {
            0 if !bytes.is_empty() => bytes[at] ^= (to as u8).max(1),
            1 => bytes.truncate(at),
            2 => bytes.extend(std::iter::repeat_n(from as u8, to % 300)),
            3 => *target = None,
            4 => *bytes = source,
            // A part of another file, or of the same, in its place.
            _ => {
                let from = from % source.len().max(1);
                let part = source.iter().skip(from).take(to % 600);
                for (byte, new) in bytes.iter_mut().skip(at).zip(part) {
                    *byte = *new;
                }
            }
        }
    }
    damaged
}

/// What a store that opens must not say.
fn check(store: &ChainStore) {
    let Some(head) = store.head() else {
        return;
    };
    let at = |height: u64| usize::try_from(height).expect("heights are small");
    assert_eq!(
        Some(&head),
        SOUND.heads.get(at(head.height)),
        "another head"
    );
    for height in 0..BLOCKS {
        if let Ok(Some(block)) = store.block(height) {
            assert_eq!(SOUND.blocks.get(at(height)), Some(&block), "another block");
        }
        let Ok(version) = store.version(Some(height)) else {
            continue;
        };
        let entries: Result<Vec<_>, _> = version.entries().collect();
        if let Ok(entries) = entries {
            let found = entries.iter().map(|(key, value)| (&key[..], &value[..]));
            let sound = SOUND.states[at(height)].iter();
            let sound = sound.map(|(key, value)| (&key[..], &value[..]));
            assert!(found.eq(sound), "another state at height {height}");
        }
    }
}

/// Chunks that are damaged are refused, and so is a manifest.
fn import(edits: &[u8]) {
    let path = folder("import");
    let target = path.join("imported");
    let _ = fs::remove_dir_all(&path);
    let mut files = vec![(PathBuf::new(), SOUND.manifest.encode())];
    files.extend(SOUND.chunks.iter().map(|it| (PathBuf::new(), it.clone())));
    let mut damaged = damage(&files, edits).into_iter();
    let bytes = damaged.next().flatten().unwrap_or_default();
    let Ok(manifest) = Manifest::decode(&bytes) else {
        return;
    };
    assert_eq!(manifest.encode(), bytes, "another encoding");
    let trusted = SOUND.manifest.head;
    let Ok(import) = Import::begin(&target, options(), manifest, trusted) else {
        return;
    };
    for (number, chunk) in (0..).zip(damaged) {
        if let Some(chunk) = chunk {
            let _ = import.add(number, &chunk);
        }
    }
    if let Ok(store) = import.finish() {
        check(&store);
    }
}

fuzz_target!(|input: &[u8]| {
    let sound = &*SOUND;
    let Some((kind, edits)) = input.split_first() else {
        return;
    };
    if kind % 4 == 3 {
        return import(edits);
    }
    let path = folder("damaged");
    let _ = fs::remove_dir_all(&path);
    for ((file, _), bytes) in sound.files.iter().zip(damage(&sound.files, edits)) {
        let Some(bytes) = bytes else { continue };
        let file = path.join(file);
        let parent = file.parent().expect("a file is in a folder");
        fs::create_dir_all(parent).expect("a folder can be made");
        fs::write(&file, bytes).expect("a file can be written");
    }
    // Also where there is no folder.
    let _ = doctor(&path, options());
    if path.exists()
        && let Ok(store) = ChainStore::open(&path, options())
    {
        check(&store);
    }
});
