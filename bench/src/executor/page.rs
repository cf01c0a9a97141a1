//! The page `docs/performance.md`.

use crate::{
    page::{OURS_LOCK, Page, Section},
    plot,
};

pub(crate) const PAGE: Page = Page {
    file: "performance",
    introduction: INTRODUCTION,
    packages: &[
        (OURS_LOCK, "wasmtime"),
        (OURS_LOCK, "wasmi"),
        (THEIR_LOCK, "wasmer"),
        (THEIR_LOCK, "cosmwasm-vm"),
    ],
    picture: |found| plot::svg(&found.rows),
    picture_title: "Times on a logarithmic scale",
    caption: "A point is a side of a row below, further left if it is faster; of cosmwasm-vm, there is one for each tier of its cache.",
    sections: SECTIONS,
};

const THEIR_LOCK: &str = include_str!("../../cosmwasm/Cargo.lock");

const INTRODUCTION: &str = "\
# Performance

What a call takes, from the bytes of a program to a call that waits for its host, beside the engines that we stand on
and the virtual machines of others. Everything here was measured in one run of

    cargo run --release --manifest-path bench/Cargo.toml -- executor --write

which wrote this page. Sides take turns; a figure is the median of its rounds. A *ratio* is our time over the peer's, the
median over the rounds with its quartiles: below 1, we are faster. What computing costs is the group `meter` of the same
program; [bench/README.md](../bench/README.md) tells how all of it is measured.

Ours counts gas exactly and checks every syscall. Wasmtime and wasmi stand for themselves: nothing is counted, and
Wasmtime takes instances from a pool whose pages stay resident. Wasmer has Singlepass and its metering, as
cosmwasm-vm uses it.
";

const SECTIONS: &[Section] = &[
    Section {
        title: "A call",
        prefixes: &["call/", "call-wasmi/"],
        remark: "`tiny` has a page and makes one host call. `hackatom` is the contract that cosmwasm-vm tests itself with, \
            296 kB, and is asked to `allocate`; cosmwasm-vm lets nobody call that, so that its figures are an instance \
            alone. `fresh` makes an instance for the call, and throws it away; `reused` calls one that is there. \
            Rows with `-wasmi` are ours on the interpreter.",
    },
    Section {
        title: "A transaction",
        prefixes: &["contract/"],
        remark: "Each machine's own example, on a state in memory: ours is a transfer of the token in `guests/`, from the \
            transaction to its receipt, always in a fresh instance; cosmwasm-vm's is `execute` of `hackatom`, without \
            what a chain does around it. They are not the same work.",
    },
    Section {
        title: "A syscall",
        prefixes: &["syscall/", "syscall-wasmi/"],
        remark: "Answered at once, or with the guest parked and resumed. Ours charges gas for each.",
    },
    Section {
        title: "The first answer",
        prefixes: &["deploy/", "restart/"],
        remark: "Of `hackatom`, in real time: from its bytes, and from what is on disk when a process starts again. \
            *Unchecked* artifacts are trusted as they lie there; cosmwasm-vm is not called.",
    },
    Section {
        title: "Calls a second",
        prefixes: &["threads/"],
        remark: "Fresh instances on one thread and on two, in real time; the unit is the time for each call.",
    },
    Section {
        title: "Calls that wait",
        prefixes: &["suspended/", "suspended-wasmi/"],
        remark: "What each of so many parked calls of `tiny` adds to the resident memory of its process.",
    },
];
