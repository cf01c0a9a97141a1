//! Run requests.

use fusee_engine::{Gas, Interrupt, Mode, OutOfGasPolicy, Profiler, Value};

/// The entry, the gas limit and the options of one run.
#[derive(Clone, Debug)]
pub struct RunRequest<'a> {
    /// The exported function to call.
    pub entry: &'a str,
    /// Its arguments.
    pub args: &'a [Value],
    /// The gas limit, which includes loading and instantiation.
    pub gas: Gas,
    /// The price of loading the program, for a caller that has it from elsewhere. The first run of
    /// an instance pays it before the instantiation. Default: none.
    pub loading_gas: Gas,
    /// Whether the run can be suspended.
    pub suspension: Suspension,
    /// What happens when the run is out of gas.
    pub out_of_gas_policy: OutOfGasPolicy,
    /// A handle to interrupt the run from another thread. Default: none.
    pub interrupt: Option<&'a Interrupt>,
    /// The tier to run on.
    pub tier: Tier,
    /// Records the gas by syscall and, if the program was prepared with `profiled` rules, by
    /// function. Default: none.
    pub profiler: Option<Profiler>,
}

/// Whether a run can be suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspension {
    /// Only if the program imports a syscall that may suspend, or the request has
    /// [`OutOfGasPolicy::Suspend`]. A run that cannot be suspended needs no fiber.
    AsNeeded,
    /// Always.
    Always,
}

/// The tier that a call runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Compiled code if available, otherwise the interpreter.
    Best,
    /// The interpreter, if the executor has one. It has no limits of its own on native stack,
    /// instances or address space, so it always reaches the specified outcome.
    Interpreter,
}

impl<'a> RunRequest<'a> {
    /// A request with the defaults: [`Suspension::AsNeeded`], [`OutOfGasPolicy::Stop`],
    /// [`Tier::Best`], no interrupt and no profiler.
    #[must_use]
    pub fn new(entry: &'a str, args: &'a [Value], gas: Gas) -> Self {
        Self {
            entry,
            args,
            gas,
            loading_gas: Gas::ZERO,
            suspension: Suspension::AsNeeded,
            out_of_gas_policy: OutOfGasPolicy::Stop,
            interrupt: None,
            tier: Tier::Best,
            profiler: None,
        }
    }
}

/// The mode that a run needs. A suspendable instance needs a fiber, so a run that cannot be
/// suspended uses a plain one.
pub(crate) fn mode(may_suspend: bool, request: &RunRequest<'_>) -> Mode {
    let suspends_out_of_gas = request.out_of_gas_policy == OutOfGasPolicy::Suspend;
    match request.suspension {
        Suspension::AsNeeded if !may_suspend && !suspends_out_of_gas => Mode::Plain,
        Suspension::AsNeeded | Suspension::Always => Mode::Suspendable,
    }
}
