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
    caption: "A point is a side of a row below, further left if it is faster; of processes of their own there are none.",
    sections: SECTIONS,
};

const INTRODUCTION: &str = "\
# Performance of children

What it takes to make, run and answer a child ([virtualization.md](virtualization.md)), beside the engines that we stand on. Everything here was
measured in one run of

    cargo run --release --manifest-path bench/Cargo.toml -- virtualization --write

which wrote this page. Sides take turns; a figure is the median of its rounds, in processor time of the thread. A *ratio* is our time over the
peer's, the median over the rounds with its quartiles: below 1, we are faster. [bench/README.md](../bench/README.md) tells how all of it is
measured.

The child keeps its argument in memory, asks its parent with it, is answered, and returns. It has a page of wasm memory, or as a PolkaVM program a page
of data and one of stack, of 4 KiB each. Its module is there before anything is measured.

`instance` makes one, prepares it and drops it. `run` takes one that is there: it is prepared, run, asks, is resumed and has finished. `whole` is all of that.
";

const SECTIONS: &[Section] = &[
    Section {
        title: "PolkaVM",
        prefixes: &["interpreter/", "recompiler/"],
        remark: "The peer is PolkaVM by itself, with the settings of our engine: the full cost model, and gas that is charged as the guest runs, set for each run. It has nobody \
            who checks what is asked, and its instances are not counted. The recompiler is in its generic sandbox on both sides.",
    },
    Section {
        title: "Wasm",
        prefixes: &["wasmtime/", "wasmi/"],
        remark: "The peers count no gas. Wasmtime is called asynchronously, with instances from a pool, and wasmi resumes calls.",
    },
    Section {
        title: "By a guest",
        prefixes: &["parent/"],
        remark: "What `whole` takes where a guest does it through the nine functions: five calls of them, at three of which it is parked. The peer is the same by an embedder of ours, \
            with the values and no guest. The parent runs on Wasmtime, or on wasmi in `parent/wasmi`, and its child on what the row is named for.",
    },
    Section {
        title: "In processes of their own",
        prefixes: &[apart::PREFIX],
        remark: "The same, but each figure is told by a process that holds one engine and one child. Each round has new ones.",
    },
];
