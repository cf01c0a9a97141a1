//! The conformance suite: tests that every engine must pass, and tools to write them.
//!
//! A [`Lane`] is an engine configuration: an engine, suspendable or not, with large or tiny gas
//! slices. No outcome and no gas may depend on the lane, so tests run on all lanes of a program's
//! format and compare: [`lanes`] for wasm, [`polkavm_lanes`] for PolkaVM, and [`mixed_lanes`] for
//! both together.
//!
//! - [`differential`] runs any program on all lanes and compares.
//! - [`smith`] generates programs.
//! - [`deep`] generates programs with large native frames, and [`bombs`] such that are expensive to
//!   compile.
//! - [`counting`] is a second implementation of gas.
#![forbid(unsafe_code)]

pub mod bombs;
pub mod counting;
mod cramped;
pub mod deep;
pub mod differential;
mod host;
mod lane;
mod random;
pub mod round;
pub mod smith;
mod verdict;

pub use cramped::Cramped;
pub use fusee_engine_polkavm::Backend;
pub use host::Answering;
pub use lane::{Lane, agreed, lanes, mixed_lanes, polkavm_lanes, process_lanes};
pub use random::Random;
pub use verdict::{Ending, Verdict};
