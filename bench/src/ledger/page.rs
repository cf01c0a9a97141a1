//! The page `docs/ledger-performance.md`.

use crate::{
    page::{OURS_LOCK, Page, Section},
    plot,
};

pub(crate) const PAGE: Page = Page {
    file: "ledger-performance",
    introduction: INTRODUCTION,
    packages: &[
        (OURS_LOCK, "redb"),
        (OURS_LOCK, "jmt"),
        (OURS_LOCK, "ed25519-zebra"),
    ],
    picture: |found| plot::svg(&found.rows),
    picture_title: "Times on a logarithmic scale",
    caption: "Each point is one side of a row below. Points further left are faster.",
    sections: SECTIONS,
};

const INTRODUCTION: &str = "\
# Performance of the ledger

What signed transactions take, from their bytes to a durable block. One run of this command measured
everything, and wrote this page:

    cargo run --release --manifest-path bench/Cargo.toml -- ledger --write

The chain has a million accounts, each with a key of Ed25519, a balance and tokens: two million keys
of state. `--accounts 5000000` measures ten million. Transactions are signed before the measurement.

The peer *redb + jmt* is a chain as most are built: the state and the nodes of a Jellyfish Merkle
tree in redb, with one durable transaction a block. It verifies and executes by the same code, on
two threads, and both sides have the same results.

A *ratio* is Fusee's time divided by the peer's: the median over the rounds, with its quartiles.
Below 1, Fusee is faster, also where the unit is `tx/s`, of which more is better.
[bench/README.md](../bench/README.md) describes the method.
";

const SECTIONS: &[Section] = &[
    Section {
        title: "Transfers",
        prefixes: &["ledger/transfer"],
        remark: "A token's transfer as a signed transaction, from any account to any other one. The \
            contract reads and writes two balances and emits an event. The transaction writes \
            four keys: both token balances, and the sender's nonce and balance, of which the fee is \
            paid. Blocks go through `Pipeline`: signatures are verified, nonces checked, results \
            written, all three roots made, and each block is synced before it is acknowledged. \
            The time is real time on all processors, from the first block to the last \
            acknowledgement. The limit is that of the signatures: the same transactions, decoded, \
            and verified by ed25519-zebra alone, block by block on all processors. *processor* is the processor time of all threads, checkpoints \
            included, and *written* what the process gave to the disk, both for each transaction.",
    },
    Section {
        title: "On two threads",
        prefixes: &["ledger/threads"],
        remark: "The transactions of a block of 1,000, executed on two threads and one after \
            another: real time of a transaction, of verified blocks to their results and changes, \
            which are the same. *independent*: from and to any account. *conflicting*: all to one \
            account, so that each reads what the one before it wrote.",
    },
    Section {
        title: "A mixed load",
        prefixes: &["ledger/mixed"],
        remark: "Of 100 transactions, 84 transfer tokens, 8 transfer the coin, 5 revert, 2 are \
            invalid and 1 deploys the token.",
    },
    Section {
        title: "Parts of a transfer",
        prefixes: &[
            "ledger/verify",
            "ledger/execute",
            "ledger/seal",
            "ledger/commit",
        ],
        remark: "Processor time of a transaction in blocks of 1,000, part by part on one thread, \
            beside the limit of each part or the peer. *verify* decodes and hashes, too. *execute* \
            checks nonce and funds, runs the contract, charges the fee and makes receipts; its \
            limit is the same contract's transfer on a small state in memory. *seal* makes the \
            state root and the header, *commit* writes and syncs. The latencies are those of \
            blocks with one transaction: verified, executed, sealed and committed one after \
            another, in real time.",
    },
    Section {
        title: "Proofs",
        prefixes: &["ledger/proof"],
        remark: "Proofs of what the last state has under a key, for 1,000 random accounts.",
    },
    Section {
        title: "Opening and replay",
        prefixes: &["ledger/open", "ledger/replay"],
        remark: "*open* is the time until the store can commit the next block. Ours reads the flat \
            state, makes the tree, and replays the log behind the last checkpoint; the peer reads \
            its tree from the disk when it needs it. *replay* executes 20 stored blocks of 1,000 \
            transfers again, on one thread, from their signatures to the headers.",
    },
];
