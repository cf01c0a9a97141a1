//! As much of a node as the host functions need: storage, child storages, and extensions.

use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
};

use sp_externalities::{
    Error, Extension, ExtensionStore, Extensions, Externalities, MultiRemovalResults,
    set_and_run_with_externalities,
};
use sp_storage::{ChildInfo, StateVersion, TrackedStorageKey};

/// A node in memory.
#[derive(Debug, Default)]
pub struct Node {
    /// By the name of the child storage, which is empty for the main storage, and the key.
    storage: BTreeMap<(Vec<u8>, Vec<u8>), Vec<u8>>,
    extensions: Extensions,
}

impl Node {
    /// Registers what host functions find.
    pub fn register_extension(&mut self, extension: impl Extension) {
        self.extensions.register(extension);
    }

    /// Sets a value of the main storage.
    pub fn insert(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.storage.insert((Vec::new(), key), value);
    }

    /// Sets a value of a child storage.
    pub fn insert_child(&mut self, child: ChildInfo, key: Vec<u8>, value: Vec<u8>) {
        let child = child.storage_key().to_vec();
        self.storage.insert((child, key), value);
    }

    /// Runs what calls host functions.
    pub fn execute_with<R>(&mut self, run: impl FnOnce() -> R) -> R {
        set_and_run_with_externalities(self, run)
    }
}

/// The host functions of virtualization only read.
fn unused() -> ! {
    panic!("the host functions of virtualization do not call this")
}

impl ExtensionStore for Node {
    fn extension_by_type_id(&mut self, id: TypeId) -> Option<&mut dyn Any> {
        self.extensions.get_mut(id)
    }

    fn register_extension_with_type_id(
        &mut self,
        id: TypeId,
        extension: Box<dyn Extension>,
    ) -> Result<(), Error> {
        self.extensions.register_with_type_id(id, extension)
    }

    fn deregister_extension_by_type_id(&mut self, id: TypeId) -> Result<(), Error> {
        let found = self.extensions.deregister(id);
        found
            .then_some(())
            .ok_or(Error::ExtensionIsNotRegistered(id))
    }
}

impl Externalities for Node {
    fn storage(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.storage.get(&(Vec::new(), key.to_vec())).cloned()
    }

    fn child_storage(&mut self, child: &ChildInfo, key: &[u8]) -> Option<Vec<u8>> {
        let name = child.storage_key().to_vec();
        self.storage.get(&(name, key.to_vec())).cloned()
    }

    fn set_offchain_storage(&mut self, _: &[u8], _: Option<&[u8]>) {
        unused()
    }

    fn storage_hash(&mut self, _: &[u8]) -> Option<Vec<u8>> {
        unused()
    }

    fn child_storage_hash(&mut self, _: &ChildInfo, _: &[u8]) -> Option<Vec<u8>> {
        unused()
    }

    fn next_storage_key(&mut self, _: &[u8]) -> Option<Vec<u8>> {
        unused()
    }

    fn next_child_storage_key(&mut self, _: &ChildInfo, _: &[u8]) -> Option<Vec<u8>> {
        unused()
    }

    fn kill_child_storage(
        &mut self,
        _: &ChildInfo,
        _: Option<u32>,
        _: Option<&[u8]>,
    ) -> MultiRemovalResults {
        unused()
    }

    fn clear_prefix(&mut self, _: &[u8], _: Option<u32>, _: Option<&[u8]>) -> MultiRemovalResults {
        unused()
    }

    fn clear_child_prefix(
        &mut self,
        _: &ChildInfo,
        _: &[u8],
        _: Option<u32>,
        _: Option<&[u8]>,
    ) -> MultiRemovalResults {
        unused()
    }

    fn place_storage(&mut self, _: Vec<u8>, _: Option<Vec<u8>>) {
        unused()
    }

    fn place_child_storage(&mut self, _: &ChildInfo, _: Vec<u8>, _: Option<Vec<u8>>) {
        unused()
    }

    fn storage_root(&mut self, _: StateVersion) -> Vec<u8> {
        unused()
    }

    fn child_storage_root(&mut self, _: &ChildInfo, _: StateVersion) -> Vec<u8> {
        unused()
    }

    fn storage_append(&mut self, _: Vec<u8>, _: Vec<u8>) {
        unused()
    }

    fn storage_start_transaction(&mut self) {
        unused()
    }

    fn storage_rollback_transaction(&mut self) -> Result<(), ()> {
        unused()
    }

    fn storage_commit_transaction(&mut self) -> Result<(), ()> {
        unused()
    }

    fn wipe(&mut self) {
        unused()
    }

    fn commit(&mut self) {
        unused()
    }

    fn read_write_count(&self) -> (u32, u32, u32, u32) {
        unused()
    }

    fn reset_read_write_count(&mut self) {
        unused()
    }

    fn get_whitelist(&self) -> Vec<TrackedStorageKey> {
        unused()
    }

    fn set_whitelist(&mut self, _: Vec<TrackedStorageKey>) {
        unused()
    }

    fn get_read_and_written_keys(&self) -> Vec<(Vec<u8>, u32, u32, bool)> {
        unused()
    }
}
