//! The facade: what an embedder uses. It re-exports, and nothing depends on it.
//!
#![doc = include_str!("../../../README.md")]
#![forbid(unsafe_code)]

/// The examples of the documents are compiled with the tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../docs/executor.md")]
    struct _Executor;
    #[doc = include_str!("../../../docs/lifecycle.md")]
    struct _Lifecycle;
    #[doc = include_str!("../../../docs/system-programs.md")]
    struct _SystemPrograms;
    #[doc = include_str!("../../../docs/virtualization.md")]
    struct _Virtualization;
}

/// The sandbox: prepare a program, run it, resume it.
pub mod sandbox {
    pub use fusee_engine::{
        CodeHash, Compiler, Engine, EngineError, Export, Format, Gas, GuestMemory, Host, Import,
        Interrupt, MAX_SYSCALL_ARGS, MemoryLimits, OutOfGas, OutOfGasPolicy, Profiler, Program,
        Rate, RulesId, SparseMemory, Stop, Syscall, SyscallRequest, Trap, Value, ValueType,
        profile,
    };
    pub use fusee_executor::{
        Answer, AsyncRun, Compilation, CompileCommand, CompileIn, Ended, Executor, ExecutorBuilder,
        Finished, FrameLimit, FrameLimits, FrameStack, GasEnded, Held, LiveInstance, MemoryBudget,
        Outcome, PrepareError, PreparedProgram, RunError, RunRequest, Suspended, Suspension, Tier,
    };
    pub use fusee_instrument::{
        Floats, Inspection, Limits, PolkaVmRules, Refusal, Rule, Rules, Schedule, SyscallPrice,
        SyscallPrices, SyscallRule, inspect, prepare,
    };
}

/// System programs: trusted programs whose instance stays alive between calls.
pub mod system {
    pub use fusee_system::{
        Answer, Billing, Call, CallResult, ExitCode, FUEL_DENOM_RATE, Interruption, Lifetime,
        State, Step, SystemError, SystemLimits, SystemProgram, SystemPrograms, Transaction,
        contract_rules, syscalls, system_rules, wire,
    };
}

/// Guests that run guests.
pub mod virtualization {
    pub use fusee_virtualization::*;
}

/// The lifecycle of guests in a node: instances, workers, time limits, host functions that wait.
pub mod lifecycle {
    pub use fusee_lifecycle::*;
}

/// The chain: contracts on a state, and the store that keeps it.
pub mod chain {
    pub use fusee_contract::{
        Account, AccountField, Action, Address, ContractChildren, ContractError, ContractRules,
        ContractRulesId, Contracts, ENCODING_VERSION, EncodingError, Event, ExecutionResult,
        Included, InvalidTransaction, Progress, Query, Receipt, Rejection, Status, Transaction,
        Waiting, genesis, keys,
    };
    pub use fusee_state::{
        Diff, DiffError, MemoryState, Overlay, OverlayView, ReadSet, StateError, StateReader, Value,
    };
    pub use fusee_store::{Commit, Snapshot, Store, StoreError};
}

/// The engines, one a feature.
pub mod engines {
    #[cfg(feature = "polkavm")]
    pub use fusee_engine_polkavm::{Backend as PolkaVmBackend, PolkaVmEngine};
    #[cfg(feature = "wasmi")]
    pub use fusee_engine_wasmi::WasmiEngine;
    #[cfg(feature = "wasmtime")]
    pub use fusee_engine_wasmtime::WasmtimeEngine;
}
