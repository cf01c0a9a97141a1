//! The page `docs/contract-performance.md`.

use crate::{
    page::{OURS_LOCK, Page, Section},
    plot,
};

pub(crate) const PAGE: Page = Page {
    file: "contract-performance",
    introduction: INTRODUCTION,
    packages: &[
        (OURS_LOCK, "wasmtime"),
        (OURS_LOCK, "wasmi"),
        (COSMWASM_LOCK, "cosmwasm-vm"),
        (SOROBAN_LOCK, "soroban-env-host"),
    ],
    picture: |found| plot::svg(&found.rows),
    picture_title: "Times on a logarithmic scale",
    caption: "Each point is one side of a row below. Points further left are faster.",
    sections: SECTIONS,
};

const COSMWASM_LOCK: &str = include_str!("../../cosmwasm/Cargo.lock");
const SOROBAN_LOCK: &str = include_str!("../../soroban/Cargo.lock");

const INTRODUCTION: &str = "\
# Performance of contracts

Times of whole transactions of contracts ([contracts.md](book/src/contracts.md)) on a state in memory. One
run of this command measured everything, and wrote this page:

    cargo run --release --manifest-path bench/Cargo.toml -- contract --write

The sides take turns, and each time is the median of its rounds, in processor time of the thread. A
*ratio* is Fusee's time divided by the peer's: the median over the rounds, with its quartiles. Below
1, Fusee is faster. [bench/README.md](../bench/README.md) describes the method.

Fusee's side is `Contracts::execute` by the newest rules: from the transaction to its receipt, its
changes and its read set, with every frame in a fresh instance. Rows with `-wasmi` are Fusee on the
interpreter. Signatures, blocks, the state root and the disk come on top of all sides.
";

const SECTIONS: &[Section] = &[
    Section {
        title: "A transfer",
        prefixes: &["contract/transfer", "contract-wasmi/transfer"],
        remark: "A token's transfer: reads two balances, writes both, and emits an event. Each side \
            has a token of its own, in Rust by the machine's own kit but soroban-env-host's, which \
            is written by hand. cosmwasm-vm's side is `execute`, with the message in JSON and a \
            storage in memory: pinned or from the cache in memory with a fresh instance, and on a \
            live instance, which a chain does not do. soroban-env-host's is `invoke_host_function`, \
            from the encoded arguments and entries to their changes, with the module cached as in a \
            node, or parsed at each call.",
    },
    Section {
        title: "A call of another contract",
        prefixes: &["contract/nested", "contract-wasmi/nested"],
        remark: "One of 1,000 calls that a contract makes in one transaction, each in a fresh \
            instance with a page of memory. The peer is the engine alone: it makes an instance of \
            the same module and calls a function, and has no changes to keep or revert.",
    },
    Section {
        title: "A step through storage",
        prefixes: &["contract/iterate", "contract-wasmi/iterate"],
        remark: "One of 10,000 steps of `storage_next` through as many entries, of 4 bytes and 32. \
            Each step searches the state and the changes of the transaction, and joins the range \
            to the read set. The peer is the limit: a map of the standard library with the same \
            entries, searched from each key to the next.",
    },
    Section {
        title: "A trace",
        prefixes: &["contract/trace"],
        remark: "The transfer with an inspector, which records its frame, its syscalls and what they \
            did to storage.",
    },
    Section {
        title: "A replay",
        prefixes: &["contract/replay"],
        remark: "The transfer from the bytes of its capsule: they are read and checked, the \
            transaction runs on what the capsule has of the state, and its outcome is compared.",
    },
    Section {
        title: "Syscalls",
        prefixes: &["syscall/"],
        remark: "One of 256 calls of a syscall in a transaction (32 of another contract, 128 on \
            transient storage), with keys of 32 bytes that are other ones each time: its time \
            without that of the loop around it, and its gas. Entries that are read or found have \
            1,024 bytes, all of which count for the price; where the row says so, they are copied \
            too. The storage has 256 entries, or 200,000 where the row says so. Calls of a contract \
            include its instance. No peer runs here: these are for judging the prices. \
            [calibration.md](calibration.md) compares them with operators.",
    },
];
