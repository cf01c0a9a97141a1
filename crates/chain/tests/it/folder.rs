//! Data folders: made whole or not at all, and refused by name if they have something else.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use fusee_chain::{ChainError, DataFolder};
use fusee_ledger::Header;
use fusee_store::chain::snapshot::{Import, chunk_name};

use crate::world::{blocks, commit, genesis, ledger};

#[test]
fn a_folder_keeps_the_genesis_of_its_chain() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("deep/data");
    assert!(DataFolder::open(&path).unwrap().is_none());
    let folder = DataFolder::create(&path, genesis()).unwrap();
    let chain = folder.chain(ledger("wasmi"), folder.options()).unwrap();
    let headers = commit(&chain, &blocks(2));
    drop(chain);
    // Other files beside them are the embedder's.
    fs::write(path.join("notes"), "").unwrap();
    let folder = DataFolder::open(&path).unwrap().unwrap();
    assert_eq!(*folder.genesis(), genesis());
    let chain = folder.chain(ledger("wasmi"), folder.options()).unwrap();
    assert_eq!(chain.last_hash(), headers[1].hash());
    DataFolder::create(&path, genesis()).unwrap();
    let mut other = genesis();
    other.time += 1;
    let error = DataFolder::create(&path, other).unwrap_err();
    assert!(matches!(error, ChainError::OtherGenesis { .. }), "{error}");
}

#[test]
fn what_is_no_data_folder_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("letter.txt"), "dear").unwrap();
    for error in [
        DataFolder::open(root.path()).unwrap_err(),
        DataFolder::create(root.path(), genesis()).unwrap_err(),
    ] {
        assert!(matches!(error, ChainError::ForeignFolder { .. }), "{error}");
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    fs::rename(
        root.path().join("letter.txt"),
        root.path().join("state.redb"),
    )
    .unwrap();
    let error = DataFolder::open(root.path()).unwrap_err();
    assert!(matches!(error, ChainError::OldFolder { .. }), "{error}");
    let file = root.path().join("state.redb");
    assert!(matches!(
        DataFolder::open(&file).unwrap_err(),
        ChainError::Io { .. }
    ));
}

#[test]
fn a_folder_can_be_opened_while_another_process_makes_it() {
    for _ in 0..50 {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("data");
        let is_made = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !is_made.load(Ordering::Acquire) {
                        DataFolder::open(&path).unwrap();
                    }
                });
            }
            let folder = DataFolder::create(&path, genesis()).unwrap();
            fs::create_dir(folder.store()).unwrap();
            is_made.store(true, Ordering::Release);
        });
    }
}

#[test]
fn a_damaged_genesis_is_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::create(root.path(), genesis()).unwrap();
    let file = root.path().join("genesis");
    let bytes = fs::read(&file).unwrap();
    for_each_damage(&file, |flaw| {
        let error = DataFolder::open(root.path()).unwrap_err();
        let is_named = matches!(&error, ChainError::GenesisFile { path, .. } if *path == file);
        assert!(is_named, "{flaw}: {error}");
    });
    // What an interrupted write has left is no genesis.
    let hidden = root.path().join(".tmp1234");
    fs::rename(&file, &hidden).unwrap();
    assert!(DataFolder::open(root.path()).unwrap().is_none());
    DataFolder::create(root.path(), genesis()).unwrap();
    assert_eq!(fs::read(&file).unwrap(), bytes);
    // Another genesis would make another chain.
    drop(folder.chain(ledger("wasmi"), folder.options()).unwrap());
    fs::remove_file(&file).unwrap();
    for error in [
        DataFolder::open(root.path()).unwrap_err(),
        DataFolder::create(root.path(), genesis()).unwrap_err(),
    ] {
        let is_named = matches!(&error, ChainError::NoGenesis { path } if *path == file);
        assert!(is_named, "{error}");
    }
}

#[test]
fn a_genesis_of_a_newer_version_is_told() {
    let root = tempfile::tempdir().unwrap();
    DataFolder::create(root.path(), genesis()).unwrap();
    let mut newer = genesis().encode();
    newer[0] = 2;
    newer.extend(blake3::hash(&newer).as_bytes());
    fs::write(root.path().join("genesis"), newer).unwrap();
    let error = DataFolder::open(root.path()).unwrap_err();
    let expected = "genesis has format version 2, this program reads version 1: use a newer version \
                    of this program";
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[test]
fn a_damaged_base_forks_no_chain() {
    let root = tempfile::tempdir().unwrap();
    let (header, folder) = import(root.path(), |_| {});
    let chain = folder.chain(ledger("wasmi"), folder.options()).unwrap();
    assert_eq!(chain.last_hash(), header.hash());
    drop(chain);
    let ledger = ledger("wasmi");
    for_each_damage(&folder.base(), |flaw| {
        let error = folder.chain(ledger.clone(), folder.options()).unwrap_err();
        let is_named =
            matches!(&error, ChainError::BaseFile { path, .. } if *path == folder.base());
        assert!(is_named, "{flaw}: {error}");
    });
    let chain = folder.chain(ledger, folder.options()).unwrap();
    assert_eq!(chain.last_hash(), header.hash());
}

#[test]
fn an_import_that_is_not_finished_is_no_new_chain() {
    let root = tempfile::tempdir().unwrap();
    let unfinished = |folder: &DataFolder| {
        let error = folder.chain(ledger("wasmi"), folder.options()).unwrap_err();
        let is_named = matches!(&error, ChainError::UnfinishedImport { path }
            if *path == folder.path().join("chain.import"));
        assert!(is_named, "{error}");
        assert!(!folder.store().exists());
    };
    let (header, folder) = import(root.path(), unfinished);
    let chain = folder.chain(ledger("wasmi"), folder.options()).unwrap();
    assert_eq!(chain.last_hash(), header.hash());
}

#[test]
fn a_chain_that_is_lost_is_missed() {
    let root = tempfile::tempdir().unwrap();
    let (_, imported) = import(root.path(), |_| {});
    let whole = DataFolder::open(&root.path().join("whole"))
        .unwrap()
        .unwrap();
    // Of a snapshot, also before the chain was opened once.
    for folder in [whole, imported] {
        let away = folder.path().join("away");
        fs::rename(folder.store(), &away).unwrap();
        for entry in ["", "lock", "log"] {
            let path = folder.store().join(entry);
            match entry {
                "lock" => fs::write(&path, "").unwrap(),
                _ => fs::create_dir(&path).unwrap(),
            }
            let error = folder.chain(ledger("wasmi"), folder.options()).unwrap_err();
            let is_named =
                matches!(&error, ChainError::NoChain { path } if *path == folder.store());
            assert!(is_named, "{error}");
        }
        fs::remove_dir_all(folder.store()).unwrap();
        let error = folder.chain(ledger("wasmi"), folder.options()).unwrap_err();
        assert!(matches!(error, ChainError::NoChain { .. }), "{error}");
        assert!(!folder.store().exists());
        fs::rename(&away, folder.store()).unwrap();
        drop(folder.chain(ledger("wasmi"), folder.options()).unwrap());
    }
}

#[test]
fn a_crash_while_a_chain_is_made_leaves_one_that_opens() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::create(root.path(), genesis()).unwrap();
    let chain = folder.chain(ledger("wasmi"), folder.options()).unwrap();
    let hash = chain.last_hash();
    drop(chain);
    // Backwards, from the last step to the first one.
    let steps: [&dyn Fn(); 4] = [
        &|| fs::remove_file(root.path().join("made")).unwrap(),
        &|| fs::remove_dir_all(folder.store().join("state")).unwrap(),
        &|| fs::remove_dir_all(folder.store().join("log")).unwrap(),
        &|| fs::remove_dir_all(folder.store()).unwrap(),
    ];
    for count in 1..=steps.len() {
        steps.iter().take(count).for_each(|step| step());
        let chain = folder.chain(ledger("wasmi"), folder.options()).unwrap();
        assert_eq!(chain.last_hash(), hash);
        assert!(root.path().join("made").exists());
    }
}

/// Does something with a bit of each byte of a file flipped, and with the file cut.
fn for_each_damage(file: &Path, check: impl Fn(&str)) {
    let bytes = fs::read(file).unwrap();
    for byte in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[byte] ^= 1 << (byte % 8);
        fs::write(file, flipped).unwrap();
        check(&format!("bit {} of byte {byte}", byte % 8));
    }
    for length in [0, 1, 31, 32, bytes.len() - 1] {
        fs::write(file, &bytes[..length]).unwrap();
        check(&format!("{length} bytes"));
    }
    fs::write(file, bytes).unwrap();
}

/// A data folder of a snapshot of a chain with three blocks, and the header of the last one.
/// `before` sees the folder before the import is finished.
fn import(root: &Path, before: impl FnOnce(&DataFolder)) -> (Header, DataFolder) {
    let whole = DataFolder::create(&root.join("whole"), genesis()).unwrap();
    let chain = whole.chain(ledger("wasmi"), whole.options()).unwrap();
    let header = commit(&chain, &blocks(3)).pop().unwrap();
    let snapshot = root.join("snapshot");
    let manifest = chain.store().export(None, &snapshot, 1 << 20).unwrap();
    let folder = DataFolder::create(&root.join("data"), genesis()).unwrap();
    let import = Import::begin(&folder.store(), folder.options(), manifest, manifest.head);
    let import = import.unwrap();
    before(&folder);
    for number in 0..manifest.chunks() {
        let chunk = fs::read(snapshot.join(chunk_name(number))).unwrap();
        import.add(number, &chunk).unwrap();
    }
    folder.keep_base(&header).unwrap();
    drop(import.finish().unwrap());
    (header, folder)
}
