//! The page `docs/compat-performance.md`.

use crate::{
    page::{OURS_LOCK, Page, Section},
    plot,
};

/// Packages of Substrate's backend.
const SUBSTRATE_LOCK: &str = include_str!("../../substrate/Cargo.lock");

pub(crate) const PAGE: Page = Page {
    file: "compat-performance",
    introduction: INTRODUCTION,
    packages: &[
        (SUBSTRATE_LOCK, "sc-virtualization"),
        (SUBSTRATE_LOCK, "polkavm"),
        (OURS_LOCK, "wasmtime"),
    ],
    picture: |found| plot::svg(&found.rows),
    picture_title: "Times on a logarithmic scale",
    caption: "Each point is one side of a row below. Points further left are faster.",
    sections: SECTIONS,
};

const INTRODUCTION: &str = "\
# Performance beside other nodes' engines

Times of the calls of two kinds of nodes, served by Fusee and by what serves them there: nested VMs
beside Substrate's own backend ([virtualization.md](book/src/virtualization.md)), and contracts beside
Wasmtime as Freenet's node uses it ([lifecycle.md](book/src/lifecycle.md)). One run of this command measured
everything, and wrote this page:

    cargo run --release --manifest-path bench/Cargo.toml -- compat --write

The sides take turns, and each time is the median of its rounds. A *ratio* is Fusee's time divided
by the peer's: the median over the rounds, with its quartiles. Below 1, Fusee is faster.
[bench/README.md](../bench/README.md) describes the method. The goals are ratios below 1 beside
Substrate's backend, and of at most 1.5 beside Wasmtime.
";

const SECTIONS: &[Section] = &[
    Section {
        title: "Nested VMs: programs and instances",
        prefixes: &[
            "nested/interpreter/first",
            "nested/interpreter/again",
            "nested/interpreter/instance",
            "nested/generic/first",
            "nested/generic/again",
            "nested/generic/instance",
            "nested/process/first",
            "nested/process/again",
            "nested/process/instance",
        ],
        remark: "From the bytes of a program of 585 bytes to a prepared instance, with a manager of \
            its own, as for a block: `first` is another program each time, and `again` one that \
            the node has seen. `instance` makes, prepares and destroys an instance of a compiled \
            module. `interpreter`, `generic` and `process` are PolkaVM's interpreter and its \
            recompiler in the generic sandbox and in the sandbox of processes. The last is \
            measured in real time, the others in processor time of the thread. Fusee uses \
            PolkaVM 0.37, which validates all code of a program before it is interpreted, and \
            checks the program by its own rules, so its `first` takes longer.",
    },
    Section {
        title: "Nested VMs: runs",
        prefixes: &[
            "nested/interpreter/run",
            "nested/interpreter/syscall",
            "nested/interpreter/compute",
            "nested/generic/run",
            "nested/generic/syscall",
            "nested/generic/compute",
            "nested/process/run",
            "nested/process/syscall",
            "nested/process/compute",
        ],
        remark: "`run` prepares an instance and runs an empty function to its end. `syscall` is one of \
            10,000 syscalls of a run, each of which returns to the caller and is answered. \
            `compute` mixes a number a million times. Both sides use the same gas in every row, \
            which each run checks. Fusee's guests can be interrupted at any time, and stop for that \
            each half millisecond of compiled code.",
    },
    Section {
        title: "Contracts",
        prefixes: &["freenet/"],
        remark: "`validate_state` of a contract with a state of 0 bytes and of a million bytes, in a \
            fresh instance each: three buffers are allocated and filled, the state is streamed in \
            pieces of 64 KiB, and the result is read. The contract is written by hand with the \
            exports and the import of `freenet-stdlib` 0.9. Fusee counts gas and watches a time \
            limit; Wasmtime does neither. `caller` is `RunOn::Caller`, beside Wasmtime on the \
            caller's thread, in processor time. In `steps`, all steps go to a worker together, and \
            in `worker` each of the five by itself, which takes five switches between threads and \
            back: use `steps` for short calls. Wasmtime makes the call itself on another \
            thread there, as a node of Freenet does. Both are measured in real time, each round with \
            threads of its own: switching between threads takes from 5 to 40 microseconds on this \
            machine, by where the system puts them.",
    },
];
