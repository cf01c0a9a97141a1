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
    caption: "Each point is one side of a row below. Points further left are faster. cosmwasm-vm has \
        one point for each tier of its cache.",
    sections: SECTIONS,
};

const THEIR_LOCK: &str = include_str!("../../cosmwasm/Cargo.lock");

const INTRODUCTION: &str = "\
# Performance

Times from the bytes of a program to a call that waits for its host, beside the engines that Fusee
uses and other virtual machines. One run of this command measured everything, and wrote this page:

    cargo run --release --manifest-path bench/Cargo.toml -- executor --write

The sides take turns, and each time is the median of its rounds. A *ratio* is Fusee's time divided
by the peer's: the median over the rounds, with its quartiles. Below 1, Fusee is faster. The cost of
metering a computation is in the group `meter` of the same program.
[bench/README.md](../bench/README.md) describes the method.

Fusee counts gas exactly and checks every syscall. The sides `wasmtime` and `wasmi` are these
engines alone: they count nothing, and Wasmtime takes instances from a pool whose pages stay
resident. Wasmer uses Singlepass and its metering, as cosmwasm-vm does.
";

const SECTIONS: &[Section] = &[
    Section {
        title: "A call",
        prefixes: &["call/", "call-wasmi/"],
        remark: "`tiny` has one page of memory and makes one syscall. `hackatom` is the contract with \
            which cosmwasm-vm tests itself, 296 kB; its export `allocate` is called. cosmwasm-vm \
            does not let anybody call that, so its times are instantiation alone. `fresh` makes \
            an instance for each call and drops it, of `hackatom` once it is compiled for short \
            calls; `reused` calls a live instance. Rows with \
            `-wasmi` are Fusee on the interpreter.",
    },
    Section {
        title: "A syscall",
        prefixes: &["syscall/", "syscall-wasmi/"],
        remark: "Answered inline, or with the guest suspended and resumed. Fusee charges gas for \
            each.",
    },
    Section {
        title: "The first answer",
        prefixes: &["deploy/", "restart/"],
        remark: "The first call of `hackatom`, in real time: from its bytes (`deploy`), and from the \
            files on disk when a process starts again (`restart`). *Unchecked* artifacts are \
            loaded without verification. cosmwasm-vm makes no call.",
    },
    Section {
        title: "Calls a second",
        prefixes: &["threads/"],
        remark: "Fresh instances on one thread and on two, in real time. The unit is the time for \
            each call.",
    },
    Section {
        title: "Calls that wait",
        prefixes: &["suspended/", "suspended-wasmi/"],
        remark: "The resident memory that each suspended call of `tiny` adds to its process, with \
            1,000 and with 10,000 of them.",
    },
];
