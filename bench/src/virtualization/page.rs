//! The page `docs/virtualization-performance.md`.

use super::apart;
use crate::{
    page::{OURS_LOCK, Page, Section},
    plot,
    report::Row,
};

pub(crate) const PAGE: Page = Page {
    file: "virtualization-performance",
    introduction: INTRODUCTION,
    packages: &[
        (OURS_LOCK, "polkavm"),
        (OURS_LOCK, "wasmtime"),
        (OURS_LOCK, "wasmi"),
    ],
    picture: |found| {
        let is_here = |row: &&Row| !row.name.starts_with(apart::PREFIX);
        let rows: Vec<Row> = found.rows.iter().filter(is_here).cloned().collect();
        plot::svg(&rows)
    },
    picture_title: "Times on a logarithmic scale",
    caption: "Each point is one side of a row below. Points further left are faster. The rows of \
        separate processes are not shown.",
    sections: SECTIONS,
};

const INTRODUCTION: &str = "\
# Performance of nested VMs

Times to make, run and answer a nested VM ([virtualization.md](book/src/virtualization.md)), beside the
engines that Fusee uses. One run of this command measured everything, and wrote this page:

    cargo run --release --manifest-path bench/Cargo.toml -- virtualization --write

The sides take turns, and each time is the median of its rounds, in processor time of the thread. A
*ratio* is Fusee's time divided by the peer's: the median over the rounds, with its quartiles. Below
1, Fusee is faster. [bench/README.md](../bench/README.md) describes the method.

The nested VM stores its argument in memory, makes a syscall with it, is answered, and returns. A
wasm program has one page of memory. A PolkaVM program has a page of data and one of stack, of 4 KiB
each. Its module is compiled before the measurement.

`instance` makes, prepares and drops one. `run` uses one that exists: it is prepared, runs to its
syscall, is resumed, and finishes. `whole` is all of that.
";

const SECTIONS: &[Section] = &[
    Section {
        title: "PolkaVM",
        prefixes: &["interpreter/", "recompiler/"],
        remark: "The peer is PolkaVM alone, with the settings of Fusee's engine: the full cost model, \
            and gas that is charged as the guest runs, set for each run. It does not check \
            requests or count instances. The recompiler uses its generic sandbox on both sides.",
    },
    Section {
        title: "Wasm",
        prefixes: &["wasmtime/", "wasmi/"],
        remark: "The peers count no gas. Wasmtime is called asynchronously, with instances from a \
            pool, and wasmi resumes calls.",
    },
    Section {
        title: "By a guest",
        prefixes: &["parent/"],
        remark: "`whole`, done by a guest through the nine functions: five calls of them, at three of \
            which it is suspended. The peer is the same by an embedder of Fusee, with the values \
            and no guest. The owner runs on Wasmtime, or on wasmi in `parent/wasmi`, and its \
            nested VM on the engine that names the row.",
    },
    Section {
        title: "In processes of their own",
        prefixes: &[apart::PREFIX],
        remark: "The same, but a process that holds one engine and one nested VM measures each time. \
            Each round has new processes.",
    },
];
