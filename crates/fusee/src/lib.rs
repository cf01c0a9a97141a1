//! Fusee runs untrusted WebAssembly and PolkaVM programs deterministically: every node computes the
//! same result, the same gas and the same state.
//!
//! This crate is the façade: it re-exports what an embedder uses, and has no code of its own.
//!
//! # The first program
//!
//! An [`Executor`](sandbox::Executor) prepares a program by [`Rules`](sandbox::Rules), which say
//! what it may be and what it costs, and runs it with a host: any type of yours. A
//! [`Linker`](sandbox::Linker) makes a host of closures. The [`Outcome`](sandbox::Outcome) owns
//! what can come next, and gives the host back as the type that it is.
//!
//! ```
//! # #[cfg(feature = "wasmi")] {
//! use std::sync::Arc;
//!
//! use fusee::{engines::WasmiEngine, sandbox::*};
//!
//! // A host function with its price: 100 gas a call.
//! let mut linker = Linker::<Vec<i64>>::new();
//! linker.func(
//!     "env",
//!     "report",
//!     SyscallPrice::bytes(100, 0),
//!     |caller: &mut Caller<'_, '_, Vec<i64>>, number: i64| caller.data_mut().push(number),
//! )?;
//! let rules = Rules::v1(linker.syscalls());
//!
//! let wasm = wat::parse_str(
//!     r#"(module
//!         (import "env" "report" (func $report (param i64)))
//!         (func (export "double") (param i64)
//!             (call $report (i64.mul (local.get 0) (i64.const 2)))))"#,
//! )?;
//! let executor = Executor::builder(Arc::new(WasmiEngine::new())).build();
//! let program = executor.prepare(&wasm, &rules)?; // checked, metered, translated, cached
//!
//! let request = RunRequest::new("double", &[Value::I64(21)], Gas::new(10_000));
//! let outcome = executor.run(&program, request, linker.host(Vec::new()))?;
//! assert_eq!(outcome.trap(), None); // a trap and the end of the gas are outcomes, not errors
//! assert_eq!(outcome.into_host().into_data(), [42]);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Debug builds
//!
//! Cargo takes profiles from the workspace that it builds alone. In a debug build of yours, the
//! engines would be debug builds too: an interpreter without optimisation takes some fifty times as
//! long, and one with debug assertions can exhaust the native stack. Put this in the manifest of
//! your workspace, which leaves your own crates as they are:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 3
//! debug-assertions = false
//! overflow-checks = false
//! ```
//!
//! An executor whose engines are built otherwise says so in the log, once.
//!
//! # Where to go from here
//!
//! - [`sandbox`]: prepare, run, suspend and resume programs; drive guests that call each other
//!   ([`Driver`](sandbox::Driver), [`Supervisor`](sandbox::Supervisor)).
//! - [`backend`]: the seam to engines, for a new one.
//! - [`engines`]: the engines, each a cargo feature: `wasmtime`, `wasmi`, `polkavm`. Default: all.
//! - [`chain`]: contracts on a state, the store that keeps it, and chains of blocks on disk.
//! - `abci`: a chain that CometBFT replicates, a cargo feature. Default: off.
//! - [`keystore`]: secret keys in files, encrypted by a password.
//! - [`ledger`]: signed transactions, their keys, and what makes them invalid; blocks and genesis.
//! - [`node`]: a chain on one machine: mempool, block producer, index, subscriptions, self-check.
//! - `rpc`: JSON-RPC for a node, server and client, a cargo feature. Default: off.
//! - [`proof`]: a verifier of what a state has under a key.
//! - [`lifecycle`]: worker pool, time limits, async host functions and health, for nodes.
//! - [`system`]: trusted programs whose instance stays alive between calls.
//! - [`virtualization`]: guests that run guests.
//!
//! One convention holds everywhere: what a guest causes is a value in the outcome; `Err` is a fault
//! of the host.
#![forbid(unsafe_code)]

/// The examples of the documents are compiled with the tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct _Readme;
    #[cfg(feature = "abci")]
    #[doc = include_str!("../../../docs/book/src/abci.md")]
    struct _Abci;
    #[doc = include_str!("../../../docs/book/src/add-an-engine.md")]
    struct _AddAnEngine;
    #[doc = include_str!("../../../docs/book/src/capsules.md")]
    struct _Capsules;
    #[doc = include_str!("../../../docs/book/src/chain-store.md")]
    struct _ChainStore;
    #[doc = include_str!("../../../docs/book/src/contracts.md")]
    struct _Contracts;
    #[doc = include_str!("../../../docs/book/src/embed.md")]
    struct _Embed;
    #[doc = include_str!("../../../docs/book/src/executor.md")]
    struct _Executor;
    #[doc = include_str!("../../../docs/book/src/host-scripts.md")]
    struct _HostScripts;
    #[doc = include_str!("../../../docs/book/src/ledger.md")]
    struct _Ledger;
    #[doc = include_str!("../../../docs/book/src/lifecycle.md")]
    struct _Lifecycle;
    #[doc = include_str!("../../../docs/book/src/system-programs.md")]
    struct _SystemPrograms;
    #[doc = include_str!("../../../docs/book/src/virtualization.md")]
    struct _Virtualization;
    #[doc = include_str!("../../../docs/book/src/wasi.md")]
    struct _Wasi;
    #[doc = include_str!("../../../docs/book/src/write-a-system-program.md")]
    struct _WriteASystemProgram;
}

/// The sandbox: prepare a program, run it, suspend and resume it.
pub mod sandbox {
    pub use fusee_engine::{
        CodeHash, Compiler, Effort, Engine, EngineError, Export, Exports, Format, Gas, GuestMemory,
        Host, Import, Interrupt, MAX_REGISTER_ARGS, MAX_SLICE, MAX_SYSCALL_ARGS, MemoryLimits,
        MoreArgs, OutOfGas, OutOfGasPolicy, PAGE_BYTES, Profiler, Program, Rate, Resource, RulesId,
        Source, SparseMemory, Stop, Syscall, SyscallRequest, Trap, Value, ValueType, profile,
        reserved,
    };
    pub use fusee_executor::*;
    pub use fusee_instrument::*;
}

/// The seam to engines: what a new engine implements.
pub mod backend {
    pub use fusee_engine::*;
}

/// A chain that CometBFT replicates.
#[cfg(feature = "abci")]
pub mod abci {
    pub use fusee_abci::*;
}

/// The syscalls of contracts and the functions of nested VMs, as guests see them.
pub mod abi {
    pub use fusee_abi::*;
}

/// System programs: trusted programs whose instance stays alive between calls.
pub mod system {
    pub use fusee_system::*;
}

/// Nested VMs: guests that run guests.
pub mod virtualization {
    pub use fusee_virtualization::*;
}

/// The lifecycle of guests in a node: instances, workers, time limits, async host functions.
pub mod lifecycle {
    pub use fusee_lifecycle::*;
}

/// The chain: contracts on a state, and what keeps it: a chain of blocks.
pub mod chain {
    pub use fusee_chain::*;
    pub use fusee_contract::*;
    pub use fusee_state::*;
    pub use fusee_store::{Tree, log};

    /// The store of a chain: versions, snapshots, rollback, backup, diagnosis.
    pub mod store {
        pub use fusee_store::chain::*;
    }
}

/// Secret keys in files, encrypted by a password.
pub mod keystore {
    pub use fusee_keystore::*;
}

/// Signed transactions: what accounts sign, and what makes them invalid.
pub mod ledger {
    pub use fusee_ledger::*;
}

/// The node: what drives a chain on one machine.
pub mod node {
    pub use fusee_node::*;
}

/// JSON-RPC for a node: types, server and client.
#[cfg(feature = "rpc")]
pub mod rpc {
    pub use fusee_rpc::*;
}

/// Proofs of what a state has under a key.
pub mod proof {
    pub use fusee_proof::*;
}

/// What a contract tells of itself: methods, arguments, events.
pub mod interface {
    pub use fusee_interface::*;
}

/// The engines, one a cargo feature.
pub mod engines {
    #[cfg(feature = "polkavm")]
    pub use fusee_engine_polkavm::{Backend as PolkaVmBackend, NAME as POLKAVM, PolkaVmEngine};
    #[cfg(feature = "wasmi")]
    pub use fusee_engine_wasmi::{NAME as WASMI, WasmiEngine};
    #[cfg(feature = "wasmtime")]
    pub use fusee_engine_wasmtime::{
        AddressSpace, Bounds, NAME as WASMTIME, Reset, WasmtimeEngine, WasmtimeEngineBuilder,
    };
}
