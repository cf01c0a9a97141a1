//! Data folders: made whole or not at all, and refused by name if they have something else.

use std::fs;

use fusee_chain::{ChainError, DataFolder};

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
fn a_damaged_genesis_is_told() {
    let root = tempfile::tempdir().unwrap();
    DataFolder::create(root.path(), genesis()).unwrap();
    let file = root.path().join("genesis");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let error = DataFolder::open(root.path()).unwrap_err();
    assert!(matches!(error, ChainError::GenesisFile { .. }), "{error}");
    // What an interrupted write has left is no genesis.
    fs::rename(&file, root.path().join(".tmp1234")).unwrap();
    assert!(DataFolder::open(root.path()).unwrap().is_none());
    DataFolder::create(root.path(), genesis()).unwrap();
    assert_eq!(fs::read(&file).unwrap(), bytes);
}
