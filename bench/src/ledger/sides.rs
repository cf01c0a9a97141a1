//! Both sides of the group: our chain and the peer's, with the same state.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use fusee::chain::Chain;
use tempfile::TempDir;

use crate::{ledger::world::World, peers::redb_jmt::RedbChain};

/// Our chain, the peer's, and the accounts that both have.
pub(super) struct Sides {
    pub(super) world: World,
    pub(super) ours: Arc<Chain>,
    /// Made when it is first used: that takes a minute for a million accounts.
    peer: Option<RedbChain>,
    folder: TempDir,
}

impl Sides {
    pub(super) fn new(accounts: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut world = World::new(accounts)?;
        let ours = Arc::new(world.open(&folder.path().join("ours"))?);
        world.settle(&ours)?;
        Ok(Self {
            world,
            ours,
            peer: None,
            folder,
        })
    }

    /// The peer's chain. From the first call on, it has to execute each block that ours does.
    pub(super) fn peer(&mut self) -> Result<&mut RedbChain> {
        let peer = match self.peer.take() {
            Some(peer) => peer,
            None => {
                let version = self.ours.version(None)?;
                let entries = version.entries().map(|entry| Ok(entry?));
                let ledger = self.world.ledger.clone();
                RedbChain::create(&self.peer_file(), ledger, entries)?
            }
        };
        Ok(self.peer.insert(peer))
    }

    /// The folder of our chain.
    pub(super) fn our_folder(&self) -> PathBuf {
        self.folder.path().join("ours")
    }

    /// The file of the peer's.
    pub(super) fn peer_file(&self) -> PathBuf {
        self.folder.path().join("peer.redb")
    }

    /// A folder for something else.
    pub(super) fn other_folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Closes both chains. The files stay as long as the folder.
    pub(super) fn close(self) -> (World, TempDir) {
        (self.world, self.folder)
    }
}
