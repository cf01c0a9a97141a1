//! Short calls: the second code of a program that grows its memory, and which calls run on it.
//!
//! On its first code, growing the memory of an instance takes some microseconds, and serializes
//! threads. The second code grows without that, and computes more slowly. So for each entry of the
//! program a balance counts what the second code saves or would save, in gas: each instance that
//! grew adds a constant, and the gas of its operators is subtracted. While the balance is positive,
//! calls of that entry run on the second code. Over any sequence of calls, the second code takes no
//! longer than the first by more than one call and the largest balance.
//!
//! Outcome and gas are the same on both.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use fusee_engine::{Compiler, Gas, Program};

use crate::compiled::CompiledCode;

/// The gas of operators for which bounds checks take as long as growing takes without them.
///
/// On one thread growing takes 5 to 7 microseconds, and on two 12 to 20. The kernel that suffers
/// most from bounds checks (`matmul`) takes 0.0106 nanoseconds longer for each unit of gas, and
/// most real code 0.005 or less.
pub(crate) const GROWTH_GAS: i64 = 400_000;

/// The largest balance, so that an entry that begins to compute is noticed after a few calls.
const MOST: i64 = 64 * GROWTH_GAS;

/// The smallest balance: some seconds of computation. Calls that compute are not forgotten before
/// others have saved as much.
const LEAST: i64 = -(1 << 34);

/// What a call that the second code would have served counts for, in gas: the price of a small
/// instance, and thus less than the call has paid.
const CALL_GAS: u64 = 100_000;

/// The time that the second code takes to compile, in times of the first.
const COMPILE_FACTOR: u64 = 2;

/// The second code of a program.
#[derive(Debug)]
pub(crate) struct ShortCalls {
    pub(crate) compiler: Arc<dyn Compiler>,
    pub(crate) code: CompiledCode,
    /// For each export.
    balances: Box<[AtomicI64]>,
    /// The calls that would have run on the second code.
    missed: AtomicU64,
    /// The calls that earn its compilation.
    earning: u64,
}

/// What the runs of an instance did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallSummary {
    /// The export that was called first.
    pub(crate) export: usize,
    /// The gas of operators.
    pub(crate) computed: Gas,
    pub(crate) has_grown: bool,
}

impl ShortCalls {
    /// `price` is the gas that earns the compilation of the first code.
    pub(crate) fn new(compiler: Arc<dyn Compiler>, program: &Program, price: Gas) -> Self {
        let earning = price.units();
        Self {
            compiler,
            code: CompiledCode::new(),
            balances: program.exports.iter().map(|_| AtomicI64::new(0)).collect(),
            missed: AtomicU64::new(0),
            earning: earning.saturating_mul(COMPILE_FACTOR) / CALL_GAS,
        }
    }

    /// Whether the calls of this entry are short.
    pub(crate) fn includes(&self, program: &Program, entry: &str) -> bool {
        let position = program.exports.position(entry);
        let balance = position.and_then(|position| self.balances.get(position));
        balance.is_some_and(|balance| balance.load(Ordering::Relaxed) > 0)
    }

    /// Counts a call that the second code would have served, and returns whether such calls have
    /// earned its compilation.
    pub(crate) fn miss(&self) -> bool {
        self.missed.fetch_add(1, Ordering::Relaxed) >= self.earning
    }

    /// Adds an instance that ended to the balance of its entry.
    pub(crate) fn note(&self, call: CallSummary) {
        let Some(balance) = self.balances.get(call.export) else {
            return;
        };
        let grown = if call.has_grown { GROWTH_GAS } else { 0 };
        let computed = i64::try_from(call.computed.units()).unwrap_or(i64::MAX);
        let saved = grown.saturating_sub(computed);
        let before = balance.load(Ordering::Relaxed);
        let after = before.saturating_add(saved).clamp(LEAST, MOST);
        // In most cases the balance stays at a limit, and threads do not take the cache line from
        // each other. An update that another thread overwrites is one call of many.
        if after != before {
            balance.store(after, Ordering::Relaxed);
        }
    }
}
