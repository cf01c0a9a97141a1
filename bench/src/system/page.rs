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
    caption: "For each kind of guest, the share of calls that had returned at each time after the \
        interrupt, on a logarithmic scale. The dashed line is the goal of 10 ms. The table is \
        below.",
    sections: SECTIONS,
};

/// What interrupting a guest is to take at most.
const GOAL: f64 = 10.0;

const INTRODUCTION: &str = "\
# Performance of system programs

Times of calls of live instances ([system-programs.md](book/src/system-programs.md)), beside the engines that
Fusee uses, and the time until an interrupted guest stops. One run of this command measured
everything, and wrote this page:

    cargo run --release --manifest-path bench/Cargo.toml -- system --write

The sides take turns, and each time is the median of its rounds, in processor time of the thread. A
*ratio* is Fusee's time divided by the peer's: the median over the rounds, with its quartiles. Below
1, Fusee is faster. [bench/README.md](../bench/README.md) describes the method.

Fusee's side is `Transaction::call`: it counts gas exactly, checks every syscall, and returns how
the call ended, with its output. The sides `wasmtime` and `wasmi` are these engines alone: a typed
function of a live instance, with host functions that copy. They count nothing and leave the output
where it is.
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
        remark: "`live` is a program that returns at once, and `live-unbilled` the same program, \
            self-metered. *fresh, ours* makes an instance for each call, as for an untrusted \
            program. `call` reads an input of 64 bytes and writes an output of 36. Rows with \
            `-wasmi` are Fusee on the interpreter.",
    },
    Section {
        title: "An interruption",
        prefixes: &[
            "system/interrupt",
            "system/exec",
            "system-wasmi/interrupt",
            "system-wasmi/exec",
        ],
        remark: "A call that makes a request of 64 bytes to its caller, is answered with 32 bytes, \
            and ends. In `interrupt`, it returns and is entered again; Wasmtime and wasmi are \
            called twice. In `exec`, it is suspended in the middle of a syscall; Wasmtime has an \
            asynchronous host function, and wasmi resumes a call.",
    },
    Section {
        title: "Being interrupted",
        prefixes: &["cancel/"],
        remark: "Real time from `Interrupt::trigger` until the call has returned on its thread and \
            its instance is dropped. Two threads always run a guest, and six calls wait; the \
            trigger comes at a random time. `loop` never ends; `calls` is a tree of calls of \
            height 64, without a loop; `fill` fills 64 MiB again and again. Wasmtime has an \
            epoch that ticks each millisecond, and a deadline of one tick. The goal is 10 ms.",
    },
    Section {
        title: "Imports for cryptography",
        prefixes: &["crypto/"],
        remark: "A call of an import of version 1.5, on Wasmtime, with the loop that makes it: its time, \
            and its gas. No peer runs here: these are for judging the prices. Points are sums of \
            generators, and numbers have all their bits.",
    },
];
