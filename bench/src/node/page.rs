//! The page `docs/node-performance.md`.

use crate::{
    page::{Page, Section},
    plot,
};

pub(crate) const PAGE: Page = Page {
    file: "node-performance",
    introduction: INTRODUCTION,
    packages: &[],
    picture: |found| plot::svg(&found.rows),
    picture_title: "Times on a logarithmic scale",
    caption: "Each point is one side of a row below. Points further left are faster.",
    sections: SECTIONS,
};

const INTRODUCTION: &str = "\
# Performance of the node

What a node of one machine answers over JSON-RPC and HTTP. One run of this command measured
everything, and wrote this page:

    cargo run --release --manifest-path bench/Cargo.toml -- node \\
        --anvil PATH --cometbft PATH --abci-cli PATH --write

The peer is Anvil 1.7.1, the node on which users of Foundry develop: `npm install
@foundry-rs/anvil`. It keeps its chain in memory. `fusee node` syncs each block to the disk before
it tells of it. Both nodes are processes of their own, and share the processors of the machine with
the clients, which are one third process. Transfers of the coin are signed before the measurement,
with Ed25519 for Fusee and with secp256k1 for Anvil.

Networks have four validators on this machine, so eight processes of ours share its processors, and
four of the peer: CometBFT 0.38 with `kvstore`, the application that is a part of it. *kvstore by
socket* is the same in a process of its own, as ours is, so eight processes. It neither checks
signatures, nor has accounts, nor syncs its state.

A *ratio* is Fusee's time divided by the peer's: the median over the rounds, with its quartiles.
Below 1, Fusee is faster, also where the unit is `tx/s`, of which more is better.
[bench/README.md](../bench/README.md) describes the method.
";

const SECTIONS: &[Section] = &[
    Section {
        title: "From the start to an answer",
        prefixes: &["node/start"],
        remark: "From the start of the process until it has answered a first request. The data \
            folder of Fusee has been made before, by `fusee init`.",
    },
    Section {
        title: "Transfers",
        prefixes: &["node/send"],
        remark: "*send-and-wait*: each request is answered when the transfer is in a block, which \
            has it alone or with those that arrived meanwhile; a client sends the next one then. \
            *send*: from a block on, ten clients send 5,000 transfers of 100 accounts without \
            waiting, while the node makes a block each second. *accepted*: until the last one \
            waits for a block; *block-time*: until all are in blocks, so at least the second up to \
            the next one.",
    },
    Section {
        title: "Four validators",
        prefixes: &["node/network"],
        remark: "By the RPC of the first validator's engine, whose configuration is that of `fusee \
            net init`: a block each second at most. *send*: ten clients send 4,000 transactions \
            and wait for none; the time ends when all are in blocks, which is mostly the wait for \
            the one or two blocks that have them. *send-and-wait*: a client \
            sends one after the other, which the engine answers when it is in a block.",
    },
    Section {
        title: "Reads",
        prefixes: &["node/balance"],
        remark: "The balance of an account, by ten clients. Fusee's answer has the nonce, the code \
            and the quota as well.",
    },
];
