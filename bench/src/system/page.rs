//! The page `docs/system-performance.md`.

use super::cancel;
use crate::{
    page::{OURS_LOCK, Page, Section},
    plot::curves::{self, Curves},
};

pub(crate) const PAGE: Page = Page {
    file: "system-performance",
    introduction: INTRODUCTION,
    packages: &[(OURS_LOCK, "wasmtime"), (OURS_LOCK, "wasmi")],
    picture: |found| {
        let curves = Curves {
            title: "How long a guest runs on that was interrupted",
            sides: cancel::sides().collect(),
            goal_milliseconds: GOAL,
        };
        curves::svg(&curves, &found.latencies)
    },
    picture_title: "How long a guest runs on that was interrupted",
    caption: "For each kind of guest, the share of the calls that had returned so long after they were interrupted, on a logarithmic scale; the \
        dashed line is the goal of 10 ms. The table is below.",
    sections: SECTIONS,
};

/// What interrupting a guest is to take at most.
const GOAL: f64 = 10.0;

const INTRODUCTION: &str = "\
# Performance of system programs

What a call takes whose instance stays alive ([system-programs.md](system-programs.md)), beside the engines that we stand on, and how
long a guest runs on that the embedder has interrupted. Everything here was measured in one run of

    cargo run --release --manifest-path bench/Cargo.toml -- system --write

which wrote this page. Sides take turns; a figure is the median of its rounds, in processor time of the thread. A *ratio* is our time over the peer's, the
median over the rounds with its quartiles: below 1, we are faster. [bench/README.md](../bench/README.md) tells how all of it is
measured.

Ours is `Transaction::call`: it counts gas exactly, checks every syscall, and hands out how the call ended, with its output. Wasmtime and wasmi
stand for themselves: a typed function of a live instance, with host functions that copy, where nothing is counted and the output is left where it is.
";

const SECTIONS: &[Section] = &[
    Section {
        title: "A call",
        prefixes: &[
            "system/live",
            "system/call",
            "system-wasmi/live",
            "system-wasmi/call",
        ],
        remark: "`live` is a program that returns at once, and `live-unbilled` the same where the program counts for itself. *fresh, ours* makes an instance of it for each \
            call, as for a program that nobody trusts. `call` reads an input of 64 bytes, and writes an output of 36. \
            Rows with `-wasmi` are ours on the interpreter.",
    },
    Section {
        title: "An interruption",
        prefixes: &[
            "system/interrupt",
            "system/exec",
            "system-wasmi/interrupt",
            "system-wasmi/exec",
        ],
        remark: "A call that wants something of its caller, 64 bytes, is answered with 32, and goes on to its end. In `interrupt` it returns and is entered again; Wasmtime and \
            wasmi are called twice. In `exec` it is parked in the middle of a syscall; Wasmtime has an asynchronous host function, and wasmi \
            resumes a call.",
    },
    Section {
        title: "Being interrupted",
        prefixes: &["cancel/"],
        remark: "Real time from `Interrupt::trigger` to where the call has returned on its thread, and its instance is dropped. Two threads always run a guest, \
            and six calls wait; the trigger comes at random. `loop` never ends; `calls` is a tree of calls as high as 64, without a loop; \
            `fill` fills 64 MiB again and again. Wasmtime has an epoch that ticks each millisecond, and a deadline of one tick. The goal is 10 ms.",
    },
];
