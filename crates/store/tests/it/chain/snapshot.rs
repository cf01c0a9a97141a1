//! Snapshots: chunks that are the same everywhere, are verified by themselves, and make a store.

use std::fs;
use std::path::Path;

use expect_test::expect;
use fusee_state::Diff;
use fusee_store::chain::snapshot::{Import, MANIFEST, Manifest, SnapshotError, chunk_name};
use fusee_store::chain::{ChainStore, ChainStoreError, Head, doctor};

use super::{IDENTITY, advance, advance_until, check, check_version, model, next, options};

const CHUNK_BYTES: u64 = 60;

/// Exports the head of a store of the stream.
fn exported(root: &Path, blocks: u64) -> (Manifest, Vec<Vec<u8>>) {
    let store = ChainStore::open(&root.join("chain"), options()).unwrap();
    advance_until(&store, blocks);
    export(&store, &root.join("snapshot"))
}

fn export(store: &ChainStore, folder: &Path) -> (Manifest, Vec<Vec<u8>>) {
    let manifest = store.export(None, folder, CHUNK_BYTES).unwrap();
    let read = fs::read(folder.join(MANIFEST)).unwrap();
    assert_eq!(Manifest::decode(&read).unwrap(), manifest);
    let chunks = (0..manifest.chunks()).map(chunk_name);
    let chunks = chunks
        .map(|name| fs::read(folder.join(name)).unwrap())
        .collect();
    let files = fs::read_dir(folder).unwrap().count();
    assert_eq!(files, usize::try_from(manifest.chunks()).unwrap() + 1);
    (manifest, chunks)
}

fn numbers(manifest: &Manifest) -> std::ops::Range<u32> {
    0..manifest.chunks()
}

fn chunk(chunks: &[Vec<u8>], number: u32) -> &[u8] {
    &chunks[usize::try_from(number).unwrap()]
}

#[test]
fn an_imported_snapshot_is_the_state_and_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let (manifest, chunks) = exported(root.path(), 40);
    assert!(manifest.bits >= 3, "{manifest:?}");
    let target = root.path().join("imported");
    let import = Import::begin(&target, options(), manifest, manifest.head).unwrap();
    for number in numbers(&manifest).rev() {
        import.add(number, chunk(&chunks, number)).unwrap();
    }
    let store = import.finish().unwrap();
    assert_eq!(store.head(), Some(manifest.head));
    check_version(&store.version(None).unwrap(), &model(39));
    assert_eq!((store.first_height(), store.checkpoint()), (40, Some(39)));
    advance_until(&store, 70);
    store.wait_for_checkpoints().unwrap();
    assert!(store.checkpoint() > Some(39));
    check(&store);
    drop(store);
    assert!(doctor(&target, options()).unwrap().is_healthy());
    check(&ChainStore::open(&target, options()).unwrap());
}

#[test]
fn nodes_with_other_histories_export_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let (manifest, chunks) = exported(root.path(), 40);
    // Another node: it was opened anew, has other checkpoints, and began with a snapshot.
    let (early, early_chunks) = {
        let other = root.path().join("early");
        exported(&other, 15)
    };
    let target = root.path().join("other");
    let import = Import::begin(&target, options(), early, early.head).unwrap();
    for number in numbers(&early) {
        import.add(number, chunk(&early_chunks, number)).unwrap();
    }
    drop(import.finish().unwrap());
    let mut options = options();
    options.checkpoint_keys = 7;
    let store = ChainStore::open(&target, options).unwrap();
    advance_until(&store, 40);
    store.wait_for_checkpoints().unwrap();
    assert_eq!(
        export(&store, &root.path().join("again")),
        (manifest, chunks)
    );
}

#[test]
fn a_chunk_that_was_changed_in_any_byte_is_refused_by_its_number() {
    let root = tempfile::tempdir().unwrap();
    let (manifest, chunks) = exported(root.path(), 30);
    let target = root.path().join("imported");
    let import = Import::begin(&target, options(), manifest, manifest.head).unwrap();
    let refused = |number: u32, bytes: &[u8]| match import.add(number, bytes) {
        Err(SnapshotError::Chunk { number: named, .. }) => assert_eq!(named, number),
        other => panic!("chunk {number}: {other:?}"),
    };
    for number in numbers(&manifest) {
        let good = chunk(&chunks, number);
        for at in 0..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 1 << (at % 8);
            refused(number, &bad);
            refused(number, &good[..at]);
        }
        let mut longer = good.to_vec();
        longer.push(0);
        refused(number, &longer);
        refused(number ^ 1, good);
    }
    let all: Vec<u32> = numbers(&manifest).collect();
    assert_eq!(import.missing().unwrap(), all);
}

/// The bits alone are not those of the trusted head: another number leads to other chunks.
#[test]
fn a_manifest_with_a_flipped_bit_is_refused_or_its_chunks_are() {
    let root = tempfile::tempdir().unwrap();
    let (manifest, chunks) = exported(root.path(), 30);
    let good = manifest.encode();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let Ok(bad) = Manifest::decode(&bad) else {
            continue;
        };
        let target = root.path().join(format!("imported{bit}"));
        match Import::begin(&target, options(), bad, manifest.head) {
            Err(SnapshotError::Untrusted { .. }) => {}
            Err(error) => panic!("bit {bit}: {error}"),
            Ok(import) => {
                assert_ne!(bad.bits, manifest.bits);
                let error = import.add(0, chunk(&chunks, 0)).unwrap_err();
                let is_refused = matches!(error, SnapshotError::Chunk { number: 0, .. });
                assert!(is_refused, "bit {bit}: {error}");
            }
        }
    }
}

/// An empty chunk beside a "leaf" whose hash is the root would lead to the root, if a leaf were
/// given by its hash.
#[test]
fn a_forged_empty_chunk_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (manifest, _) = exported(root.path(), 30);
    let import = Import::begin(
        &root.path().join("imported"),
        options(),
        manifest,
        manifest.head,
    );
    let import = import.unwrap();
    for kind in [1, 2] {
        let mut forged = vec![1, 0, 0, 0, 0, manifest.bits, kind];
        forged.extend(manifest.head.root);
        if kind == 1 {
            forged.extend([0; 32]);
        }
        forged.extend(vec![0; usize::from(manifest.bits) - 1]);
        forged.extend([0; 4]);
        let error = import.add(0, &forged).unwrap_err();
        assert!(
            matches!(error, SnapshotError::Chunk { number: 0, .. }),
            "{error}"
        );
    }
}

/// In a state of one entry, that entry is the root, and it is beside all chunks but its own.
#[test]
fn an_entry_beside_its_own_chunk_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let store = ChainStore::open(&root.path().join("chain"), options()).unwrap();
    let state: Diff = [(b"a".to_vec(), Some(b"1".to_vec()))].into_iter().collect();
    store.commit(store.stage(state).unwrap(), b"").unwrap();
    let manifest = store
        .export(None, &root.path().join("snapshot"), 5)
        .unwrap();
    assert_eq!(manifest.bits, 1);
    let target = root.path().join("imported");
    let import = Import::begin(&target, options(), manifest, manifest.head).unwrap();
    let path = fusee_proof::path(b"a");
    let own = u32::from(path[0] >> 7);
    // An empty chunk with the entry beside it.
    let empty = |number: u32| {
        let mut chunk = vec![1];
        chunk.extend(number.to_le_bytes());
        chunk.extend([1, 1]);
        chunk.extend(path);
        chunk.extend(fusee_proof::value_hash(b"1"));
        chunk.extend([0; 4]);
        chunk
    };
    let refused = |number: u32, chunk: &[u8], expected: &str| {
        let error = import.add(number, chunk).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let own_chunk = fs::read(root.path().join("snapshot").join(chunk_name(own))).unwrap();
    let mut moved = own_chunk.clone();
    moved[1] ^= 1;
    refused(own ^ 1, &moved, "it has an entry of another chunk");
    refused(
        own,
        &empty(own),
        "it has an entry of another place beside it",
    );
    import.add(own ^ 1, &empty(own ^ 1)).unwrap();
    import.add(own, &own_chunk).unwrap();
    assert_eq!(import.finish().unwrap().head(), Some(manifest.head));
}

#[test]
fn an_import_that_ended_goes_on_with_what_is_missing() {
    let root = tempfile::tempdir().unwrap();
    let (manifest, chunks) = exported(root.path(), 30);
    let target = root.path().join("imported");
    let begin = || Import::begin(&target, options(), manifest, manifest.head);
    for number in numbers(&manifest) {
        // Each chunk in a life of its own.
        let import = begin().unwrap();
        assert_eq!(import.missing().unwrap().first(), Some(&number));
        let error = import.finish().unwrap_err();
        let first = matches!(error, SnapshotError::Incomplete { first, .. } if first == number);
        assert!(first, "{error}");
        begin()
            .unwrap()
            .add(number, chunk(&chunks, number))
            .unwrap();
    }
    let mut other = manifest;
    other.bits = 1;
    let error = Import::begin(&target, options(), other, manifest.head).unwrap_err();
    assert!(matches!(error, SnapshotError::OtherImport), "{error}");
    check_version(
        &begin().unwrap().finish().unwrap().version(None).unwrap(),
        &model(29),
    );
    let error = begin().unwrap_err();
    let exists = matches!(error, SnapshotError::Store(ChainStoreError::Exists { .. }));
    assert!(exists, "{error}");
}

#[test]
fn a_manifest_that_is_not_trusted_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (manifest, _) = exported(root.path(), 20);
    let trusted = Head {
        height: manifest.head.height,
        root: [1; 32],
    };
    let target = root.path().join("imported");
    let error = Import::begin(&target, options(), manifest, trusted).unwrap_err();
    assert!(
        matches!(error, SnapshotError::Untrusted { height: 19 }),
        "{error}"
    );
    let mut other = manifest;
    other.identity = [1; 32];
    let error = Import::begin(&target, options(), other, manifest.head).unwrap_err();
    assert!(matches!(error, SnapshotError::Untrusted { .. }), "{error}");
    let bytes = manifest.encode();
    assert!(Manifest::decode(&bytes[1..]).is_err());
    assert!(Manifest::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn a_snapshot_is_exported_while_blocks_go_on_and_of_any_served_height() {
    let root = tempfile::tempdir().unwrap();
    let mut options = options();
    // The export may begin late.
    options.versions = 64;
    let store = ChainStore::open(&root.path().join("chain"), options).unwrap();
    advance_until(&store, 40);
    let target = root.path().join("snapshot");
    let manifest = std::thread::scope(|scope| {
        let export = scope.spawn(|| store.export(Some(38), &target, CHUNK_BYTES).unwrap());
        for _ in 0..20 {
            advance(&store);
        }
        export.join().unwrap()
    });
    assert_eq!(manifest.head.height, 38);
    assert_eq!(next(&store), 60);
    let import = Import::begin(
        &root.path().join("import"),
        options,
        manifest,
        manifest.head,
    );
    let import = import.unwrap();
    for number in numbers(&manifest) {
        let chunk = fs::read(target.join(chunk_name(number))).unwrap();
        import.add(number, &chunk).unwrap();
    }
    check_version(&import.finish().unwrap().version(None).unwrap(), &model(38));
}

#[test]
fn the_encodings_are_frozen() {
    let root = tempfile::tempdir().unwrap();
    let store = ChainStore::open(&root.path().join("chain"), options()).unwrap();
    let state: Diff = [
        (b"a".to_vec(), Some(b"1".to_vec())),
        (b"f".to_vec(), Some(vec![])),
    ]
    .into_iter()
    .collect();
    store.commit(store.stage(state).unwrap(), b"").unwrap();
    let target = root.path().join("snapshot");
    let manifest = store.export(None, &target, 10).unwrap();
    assert_eq!(manifest.identity, IDENTITY);
    let mut text = hex::encode(manifest.encode());
    for number in numbers(&manifest) {
        let chunk = fs::read(target.join(chunk_name(number))).unwrap();
        text.push_str(&format!("\n{}", hex::encode(chunk)));
    }
    expect![[r#"
        01090909090909090909090909090909090909090909090909090909090909090900000000000000004bb0a2f8fa4617e334fa97400e2d577d4477a92a87e3bf922d9e20b4041852f501
        01000000000101a97837cbdabb5bccb38f8e61becb6626f409c353623134a9d91038cac23f5b90695281e71a72453c7c330a40001ee1d3bdd0db460ad1dc35fc257c85c12ae0f90100000001000000610100000031
        010100000001012a962b8234717aec731ebf1ea195ec89ef547d1ead1b6bd469d2329157d5e6198bc345a94b09135fa12f205699282d8a649c87c073ddeaaaa0731c482e94b69a01000000010000006600000000"#]].assert_eq(&text);
}
