//! The methods: a type for the parameters of each, with its name and the type of its answer.
//!
//! Server, client and the OpenRPC document are made of this table. Parameters are an object; an
//! array in the order of the fields is read as well. Optional fields come last. Unknown fields are
//! an error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::types::{
    Account, BackedUp, Block, BlockPage, Body, Bytes, ChainFacts, Code, Contract, EventPage,
    EventPlace, FeeStatistics, Health, Hex32, Mempool, QueryAnswer, Sent, Simulation, StateEntries,
    Storage, Transaction, TransactionDetail,
};

/// A method: the type is that of its parameters.
pub trait Method: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The name.
    const NAME: &'static str;
    /// The parameters in their order.
    const PARAMS: &'static [&'static str];
    /// The answer.
    type Answer: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static;
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As they were committed.
    #[default]
    OldestFirst,
    /// The other way round.
    NewestFirst,
}

/// A public key, of whose scheme the signature is that a simulation charges for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// `ed25519`, `secp256k1`, `webauthn` or `development`.
    pub scheme: String,
    /// The key; the name of a development account.
    pub key: Bytes,
}

/// The keys that will sign a simulated body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// Of the sender (default: an Ed25519 key).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<Key>,
    /// Of the fee payer, if the body has one (default: an Ed25519 key).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_payer: Option<Key>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `Name = "method" -> Answer { required fields; optional fields }`.
macro_rules! methods {
    ($(
        $(#[$about:meta])*
        $type:ident = $name:literal -> $answer:ty {
            $($(#[$of_required:meta])* $required:ident: $required_type:ty,)*
            ;
            $($(#[$of_optional:meta])* $optional:ident: $optional_type:ty,)*
        }
    )*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $type {
            $($(#[$of_required])* pub $required: $required_type,)*
            $(
                $(#[$of_optional])*
                #[serde(default, skip_serializing_if = "is_default")]
                pub $optional: $optional_type,
            )*
        }

        impl $type {
            /// The parameters without the optional ones.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "no parameters are not a default")]
            pub fn new($($required: $required_type),*) -> Self {
                Self { $($required,)* $($optional: Default::default(),)* }
            }
        }

        impl Method for $type {
            const NAME: &'static str = $name;
            const PARAMS: &'static [&'static str] =
                &[$(stringify!($required),)* $(stringify!($optional),)*];
            type Answer = $answer;
        }
    )*};
}

methods! {
    /// How the node is.
    GetHealth = "getHealth" -> Health { ; }

    /// What the chain is, its parameters, and the node that serves it.
    GetChain = "getChain" -> ChainFacts { ; }

    /// The last block.
    GetLatestBlock = "getLatestBlock" -> Block {
        ;
        /// How much of each transaction (default: the ids).
        transactions: TransactionDetail,
    }

    /// A block, by its height or the hash of its header.
    GetBlock = "getBlock" -> Block {
        ;
        /// The height.
        height: Option<u64>,
        /// The hash, instead of the height.
        hash: Option<Hex32>,
        /// How much of each transaction (default: the ids).
        transactions: TransactionDetail,
    }

    /// Headers of blocks, newest first; after a height, oldest first.
    GetBlocks = "getBlocks" -> BlockPage {
        ;
        /// Blocks below this height, newest first (default: the last blocks).
        before: Option<u64>,
        /// Blocks above this height, oldest first.
        after: Option<u64>,
        /// The most blocks, 1 to 100 (default: 20).
        limit: Option<u32>,
    }

    /// A transaction: whether it waits or is in a block, what was signed, and its result.
    GetTransaction = "getTransaction" -> Transaction {
        /// The id.
        id: Hex32,
        ;
    }

    /// Adds a transaction to those that wait, and answers at once.
    SendTransaction = "sendTransaction" -> Sent {
        /// The encoded transaction.
        transaction: Bytes,
        ;
    }

    /// Sends a transaction and waits until it is in a block. One that waits already, or is in a
    /// block already, is as good: so it can be sent again after an answer was lost.
    SendTransactionAndWait = "sendTransactionAndWait" -> Transaction {
        /// The encoded transaction.
        transaction: Bytes,
        ;
        /// How long to wait in milliseconds (default: 20,000; at most what the server admits).
        timeout_ms: Option<u64>,
    }

    /// Executes a transaction without committing anything. Signatures need not be valid.
    SimulateTransaction = "simulateTransaction" -> Simulation {
        ;
        /// The encoded transaction.
        transaction: Option<Bytes>,
        /// What would be signed, instead of the encoded transaction.
        body: Option<Body>,
        /// The keys that will sign the body.
        keys: Keys,
        /// The height after whose block it is executed (default: the last one).
        height: Option<u64>,
        /// Whether to answer with a trace (default: no).
        trace: bool,
    }

    /// Calls a method of a contract in read-only mode.
    Query = "query" -> QueryAnswer {
        /// The contract.
        address: Hex32,
        /// The method.
        method: String,
        ;
        /// The input of the method (default: empty).
        input: Bytes,
        /// The gas limit (default: the greatest that the node admits).
        gas: Option<u64>,
        /// The height of the state (default: that of the last block).
        height: Option<u64>,
        /// The caller that the contract sees (default: 32 bytes 0).
        caller: Hex32,
        /// Whether to answer with proofs of what the method read (default: no).
        proof: bool,
    }

    /// An account. Unused addresses have an empty one.
    GetAccount = "getAccount" -> Account {
        /// The address.
        address: Hex32,
        ;
        /// The height of the state (default: that of the last block).
        height: Option<u64>,
        /// Whether to answer with proofs (default: no).
        proof: bool,
    }

    /// A contract.
    GetContract = "getContract" -> Contract {
        /// The address.
        address: Hex32,
        ;
        /// The height of the state (default: that of the last block).
        height: Option<u64>,
    }

    /// Code, by its hash or the contract that has it.
    GetCode = "getCode" -> Code {
        ;
        /// The hash.
        hash: Option<Hex32>,
        /// The contract, instead of the hash.
        address: Option<Hex32>,
        /// The height of the state (default: that of the last block).
        height: Option<u64>,
    }

    /// The interface in the code of a contract, as `fusee interface --json` prints it.
    GetInterface = "getInterface" -> serde_json::Value {
        /// The contract.
        address: Hex32,
        ;
        /// The height of the state (default: that of the last block).
        height: Option<u64>,
    }

    /// Entries of a contract's storage: those of some keys, or all whose keys have a prefix.
    GetStorage = "getStorage" -> Storage {
        /// The contract.
        address: Hex32,
        ;
        /// The contract's own keys, at most 1,000.
        keys: Option<Vec<Bytes>>,
        /// Instead of keys: the prefix of keys (default: empty, which is all keys).
        prefix: Bytes,
        /// Entries after this key, which is the cursor of the page before.
        after: Option<Bytes>,
        /// The most entries, 1 to 1,000 (default: 100).
        limit: Option<u32>,
        /// The height of the state (default: that of the last block).
        height: Option<u64>,
        /// Whether to answer with proofs (default: no).
        proof: bool,
    }

    /// Entries of the state by their keys, which the module `keys` of the crates `contract` and
    /// `ledger` describes: those of some keys, or all of a range. For programs that read the state
    /// as a node does.
    GetState = "getState" -> StateEntries {
        ;
        /// The keys, at most 1,000.
        keys: Option<Vec<Bytes>>,
        /// Instead of keys: the first key of a range (default: empty, which is before all keys).
        from: Bytes,
        /// The end of the range, which is not in it (default: after all keys).
        to: Option<Bytes>,
        /// Whether to answer with the last entries of the range, the last one first (default: no).
        descending: bool,
        /// The most entries, 1 to 1,000 (default: 100). Large values make it fewer.
        limit: Option<u32>,
        /// The height of the state (default: that of the last block).
        height: Option<u64>,
        /// Whether to answer with proofs (default: no).
        proof: bool,
    }

    /// Events of a contract.
    GetEvents = "getEvents" -> EventPage {
        /// The contract.
        address: Hex32,
        ;
        /// The first topic (default: any).
        topic: Option<Bytes>,
        /// The first height (default: the first that is kept).
        from: Option<u64>,
        /// The last height (default: the last one).
        to: Option<u64>,
        /// The order (default: oldest first).
        order: Order,
        /// Events after this place in that order.
        cursor: Option<EventPlace>,
        /// The most events, 1 to 1,000 (default: 100).
        limit: Option<u32>,
    }

    /// What gas costs: the prices of transactions in the last blocks, and of those that wait.
    GetFeeStatistics = "getFeeStatistics" -> FeeStatistics {
        ;
        /// The number of blocks, 1 to 100 (default: 20).
        blocks: Option<u32>,
    }

    /// What waits.
    GetMempool = "getMempool" -> Mempool {
        ;
        /// The most ids, up to 1,000 (default: 100).
        limit: Option<u32>,
    }

    /// The OpenRPC document.
    Discover = "rpc.discover" -> Box<RawValue> { ; }

    /// Makes a block of what waits. On the admin listener alone.
    ProduceBlock = "admin_produceBlock" -> Block { ; }

    /// The numbers of the node and of this interface. On the admin listener alone.
    GetMetrics = "admin_getMetrics" -> serde_json::Value { ; }

    /// Writes a backup of the data folder, while blocks go on. On the admin listener alone.
    BackUp = "admin_backUp" -> BackedUp {
        /// The folder to be made, on the machine of the node: an absolute path.
        folder: String,
        ;
    }

    /// Shuts the node down. On the admin listener alone.
    ShutDown = "admin_shutDown" -> bool { ; }
}

/// The subscription to committed blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SubscribeBlocks {
    /// How much of each transaction (default: the ids).
    #[serde(skip_serializing_if = "is_default")]
    pub transactions: TransactionDetail,
}

/// The subscription to events of committed blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SubscribeEvents {
    /// The contract (default: any).
    #[serde(skip_serializing_if = "is_default")]
    pub address: Option<Hex32>,
    /// The first topic (default: any).
    #[serde(skip_serializing_if = "is_default")]
    pub topic: Option<Bytes>,
}

/// A subscription: the type is that of its parameters.
pub trait Subscribe: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The method that begins it.
    const SUBSCRIBE: &'static str;
    /// The method that ends it.
    const UNSUBSCRIBE: &'static str;
    /// The method of its notifications.
    const NOTIFICATION: &'static str;
    /// The parameters in their order.
    const PARAMS: &'static [&'static str];
    /// What each notification has.
    type Item: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static;
}

impl Subscribe for SubscribeBlocks {
    const SUBSCRIBE: &'static str = "subscribeBlocks";
    const UNSUBSCRIBE: &'static str = "unsubscribeBlocks";
    const NOTIFICATION: &'static str = "block";
    const PARAMS: &'static [&'static str] = &["transactions"];
    type Item = Block;
}

impl Subscribe for SubscribeEvents {
    const SUBSCRIBE: &'static str = "subscribeEvents";
    const UNSUBSCRIBE: &'static str = "unsubscribeEvents";
    const NOTIFICATION: &'static str = "event";
    const PARAMS: &'static [&'static str] = &["address", "topic"];
    type Item = crate::types::EventEntry;
}

/// Describes one method.
pub(crate) type Describe = fn(&mut schemars::SchemaGenerator) -> serde_json::Value;

/// Calls `with` for each public method, in the order of the document.
pub(crate) fn each_public(with: &mut dyn FnMut(Describe)) {
    use crate::openrpc::{describe, describe_subscription};
    let methods: [Describe; 21] = [
        describe::<GetHealth>,
        describe::<GetChain>,
        describe::<GetLatestBlock>,
        describe::<GetBlock>,
        describe::<GetBlocks>,
        describe::<GetTransaction>,
        describe::<SendTransaction>,
        describe::<SendTransactionAndWait>,
        describe::<SimulateTransaction>,
        describe::<Query>,
        describe::<GetAccount>,
        describe::<GetContract>,
        describe::<GetCode>,
        describe::<GetInterface>,
        describe::<GetStorage>,
        describe::<GetState>,
        describe::<GetEvents>,
        describe::<GetFeeStatistics>,
        describe::<GetMempool>,
        describe_subscription::<SubscribeBlocks>,
        describe_subscription::<SubscribeEvents>,
    ];
    methods.into_iter().for_each(with);
}
