//! The kernels: guests that only compute, how much of their work makes a measurement, and what
//! they must answer.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::measure::processor_time;

/// One kernel.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) name: &'static str,
    pub(crate) wasm: &'static [u8],
    /// Some 40 ms of work for a compiler's code.
    pub(crate) compiled: i32,
    /// Some 40 ms of work for an interpreter.
    pub(crate) interpreted: i32,
    /// Some million instructions of a compiler's code: enough that entering the kernel does not
    /// count.
    pub(crate) counted: i32,
}

/// The export of a kernel that works: `(i32) -> i64`.
pub(crate) const ENTRY: &str = "run";

/// Checksums that were computed in another way: a kernel, its n and the checksum a line.
const EXPECTED: &str = include_str!("../../guests/kernels/expected.txt");

macro_rules! kernels {
    ($($name:literal $compiled:literal $interpreted:literal $counted:literal,)*) => {
        pub(crate) const KERNELS: &[Kernel] = &[$(Kernel {
            name: $name,
            wasm: include_bytes!(concat!("../../guests/wasm/kernel_", $name, ".wasm")),
            compiled: $compiled,
            interpreted: $interpreted,
            counted: $counted,
        }),*];
    };
}

kernels! {
    // kernel, n for compiled code, n for an interpreter, n where instructions are counted
    "sha256"    8_000     500       250,
    "keccak"    5_000     500       250,
    "matmul"    256       160       80,
    "quicksort" 400_000   100_000   10_000,
    "tiny_loop" 4_000_000 1_500_000 200_000,
    "branchy"   120_000   30_000    5_000,
    "fib"       34        29        22,
    "memory"    50        10        2,
}

/// A kernel in an instance that stays alive: n in, the checksum out.
pub(crate) type Contender = Box<dyn FnMut(i32) -> Result<i64>>;

/// A contender that says how long it took.
pub(crate) type Timed = Box<dyn FnMut(i32) -> Result<Work>>;

/// What a kernel did once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) checksum: i64,
    /// The processor time that it took.
    pub(crate) time: Duration,
}

/// Looks at the clock of this thread before and after.
pub(crate) fn timed(mut contender: Contender) -> Timed {
    Box::new(move |n| {
        let (checksum, time) = processor_time(|| contender(n));
        Ok(Work {
            checksum: checksum?,
            time,
        })
    })
}

impl Kernel {
    /// Holds what a contender answers against the checksums that are known.
    pub(crate) fn check(&self, contender: &mut Timed) -> Result<()> {
        for line in EXPECTED.lines() {
            let mut words = line.split_whitespace();
            if words.next() != Some(self.name) {
                continue;
            }
            let mut number = || words.next().context("a line of expected.txt is cut short");
            let n = number()?.parse()?;
            let expected: i64 = number()?.parse()?;
            let found = contender(n)?.checksum;
            ensure!(
                found == expected,
                "{} of {n} is {expected}, but was {found}",
                self.name,
            );
        }
        Ok(())
    }
}

/// Runs the loop in a fresh instance, for so many rounds and with so much gas.
pub(crate) type Looper = Box<dyn Fn(i32, u64) -> Result<End>>;

/// How the loop ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// After all its rounds, and what they cost.
    Returned { gas: u64 },
    /// Before.
    OutOfGas,
}
