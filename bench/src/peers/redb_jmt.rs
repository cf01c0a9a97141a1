//! A chain as most are built: the flat state and the nodes of a Jellyfish Merkle tree in redb, with
//! one durable transaction a block. Transactions are verified and executed by our ledger.
//!
//! Old nodes of the tree are not deleted, which saves it their deletion.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use fusee::chain::{Diff, Direction, KeyRange, StateError, StateReader, Value};
use fusee::ledger::{Block, Finalized, Ledger, LedgerRules, VerifiedBlock};
use jmt::{
    JellyfishMerkleTree, KeyHash, OwnedValue, RootHash, SimpleHasher, Version,
    proof::SparseMerkleProof,
    storage::{LeafNode, Node, NodeKey, TreeReader},
};
use redb::{Database, ReadOnlyTable, ReadableDatabase, TableDefinition};
use sha2::Digest;

type Bytes = TableDefinition<'static, &'static [u8], &'static [u8]>;
type Opened = ReadOnlyTable<&'static [u8], &'static [u8]>;

const STATE: Bytes = TableDefinition::new("state");
const NODES: Bytes = TableDefinition::new("nodes");
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");

type Sha256Jmt<'a, R> = JellyfishMerkleTree<'a, R, Sha256>;

/// The hash of the tree: that of the crate's own feature, by the release that is here already.
#[derive(Clone, Debug)]
pub(crate) struct Sha256(sha2::Sha256);

/// The entries of one transaction while the state is filled.
const PORTION: usize = 200_000;

/// A chain in a redb file.
pub(crate) struct RedbChain {
    database: Database,
    ledger: Ledger,
    rules: LedgerRules,
    /// The next version of the tree.
    next: Version,
}

/// The state after a block, and its tree.
pub(crate) struct Snapshot {
    state: Opened,
    tree: Nodes,
    version: Version,
}

struct Nodes(Opened);

/// The tree with the value of one key.
struct WithValue<'a> {
    snapshot: &'a Snapshot,
    value: Option<OwnedValue>,
}

impl SimpleHasher for Sha256 {
    fn new() -> Self {
        Self(sha2::Sha256::new())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl RedbChain {
    /// Creates the chain with the entries of a state.
    pub(crate) fn create(
        file: &Path,
        ledger: Ledger,
        entries: impl Iterator<Item = Result<(Vec<u8>, Value)>>,
    ) -> Result<Self> {
        let mut chain = Self {
            database: Database::create(file)?,
            ledger,
            rules: LedgerRules::latest(),
            next: 0,
        };
        let writing = chain.database.begin_write()?;
        writing.open_table(NODES)?;
        writing.open_table(STATE)?;
        writing.commit()?;
        let mut entries = entries.peekable();
        while entries.peek().is_some() {
            let portion = entries.by_ref().take(PORTION);
            let portion = portion.map(|entry| entry.map(|(key, value)| (key, Some(value))));
            chain.commit(&portion.collect::<Result<Diff>>()?, None)?;
        }
        Ok(chain)
    }

    /// What verifies the signatures of blocks, on any thread.
    pub(crate) fn verifier(&self) -> impl Fn(&Block) -> VerifiedBlock + Send + use<> {
        let (ledger, rules) = (self.ledger.clone(), self.rules.clone());
        move |block| ledger.verify(block.clone(), &rules)
    }

    /// Executes a block on the last one.
    pub(crate) fn execute(&self, block: VerifiedBlock) -> Result<Finalized> {
        let state = Arc::new(self.snapshot()?);
        Ok(self.ledger.finalize_verified(state, block)?)
    }

    /// Makes the root, and commits the block durably.
    pub(crate) fn commit(
        &mut self,
        changes: &Diff,
        block: Option<(&Block, &Finalized)>,
    ) -> Result<RootHash> {
        let reading = self.database.begin_read()?;
        let nodes = Nodes(reading.open_table(NODES)?);
        let values = changes.iter();
        let values = values.map(|(key, value)| (hash(key), value.map(<[u8]>::to_vec)));
        let (root, update) = Sha256Jmt::new(&nodes).put_value_set(values, self.next)?;
        let writing = self.database.begin_write()?;
        {
            let mut table = writing.open_table(NODES)?;
            for (key, node) in update.node_batch.nodes() {
                table.insert(&*node_key(key)?, &*borsh::to_vec(node)?)?;
            }
            let mut table = writing.open_table(STATE)?;
            for (key, value) in changes.iter() {
                match value {
                    Some(value) => table.insert(key, value)?,
                    None => table.remove(key)?,
                };
            }
            if let Some((block, finalized)) = block {
                let body = borsh::to_vec(&(&block.transactions, &finalized.results))?;
                writing.open_table(BLOCKS)?.insert(block.height, &*body)?;
            }
        }
        writing.commit()?;
        self.next += 1;
        Ok(root)
    }

    /// The state after the last block.
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        let reading = self.database.begin_read()?;
        Ok(Snapshot {
            state: reading.open_table(STATE)?,
            tree: Nodes(reading.open_table(NODES)?),
            version: self.next.saturating_sub(1),
        })
    }
}

impl Snapshot {
    pub(crate) fn root(&self) -> Result<RootHash> {
        Sha256Jmt::new(&self.tree).get_root_hash(self.version)
    }

    /// Proves what the state has under a key.
    pub(crate) fn prove(&self, key: &[u8]) -> Result<SparseMerkleProof<Sha256>> {
        let value = self.find(key)?.map(|value| value.to_vec());
        let tree = WithValue {
            snapshot: self,
            value,
        };
        let (_, proof) = Sha256Jmt::new(&tree).get_with_proof(hash(key), self.version)?;
        Ok(proof)
    }

    fn find(&self, key: &[u8]) -> Result<Option<Value>> {
        Ok(self.state.get(key)?.map(|value| value.value().into()))
    }

    fn first(&self, range: KeyRange<'_>, direction: Direction) -> Result<Option<(Vec<u8>, Value)>> {
        let mut entries = self.state.range::<&[u8]>(range.bounds())?;
        let entry = match direction {
            Direction::Ascending => entries.next(),
            Direction::Descending => entries.next_back(),
        };
        let entry = entry.transpose()?;
        Ok(entry.map(|(key, value)| (key.value().to_vec(), value.value().into())))
    }
}

/// The hash by which the tree has a key.
pub(crate) fn hash(key: &[u8]) -> KeyHash {
    KeyHash::with::<Sha256>(key)
}

/// Nodes of a version are neighbours.
fn node_key(key: &NodeKey) -> Result<Vec<u8>> {
    let mut bytes = key.version().to_be_bytes().to_vec();
    borsh::to_writer(&mut bytes, key.nibble_path())?;
    Ok(bytes)
}

impl StateReader for Snapshot {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.find(key).map_err(failed)
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        self.first(range, direction).map_err(failed)
    }
}

fn failed(error: anyhow::Error) -> StateError {
    StateError::new(std::io::Error::other(format!("{error:#}")))
}

impl TreeReader for Nodes {
    fn get_node_option(&self, key: &NodeKey) -> Result<Option<Node>> {
        let node = self.0.get(&*node_key(key)?)?;
        let node = node.map(|node| borsh::from_slice(node.value()));
        node.transpose().context("a node of the tree is malformed")
    }

    fn get_value_option(&self, _: Version, _: KeyHash) -> Result<Option<OwnedValue>> {
        bail!("values are not read to make a root")
    }

    fn get_rightmost_leaf(&self) -> Result<Option<(NodeKey, LeafNode)>> {
        bail!("no tree is restored")
    }
}

impl TreeReader for WithValue<'_> {
    fn get_node_option(&self, key: &NodeKey) -> Result<Option<Node>> {
        self.snapshot.tree.get_node_option(key)
    }

    fn get_value_option(&self, _: Version, _: KeyHash) -> Result<Option<OwnedValue>> {
        Ok(self.value.clone())
    }

    fn get_rightmost_leaf(&self) -> Result<Option<(NodeKey, LeafNode)>> {
        bail!("no tree is restored")
    }
}
