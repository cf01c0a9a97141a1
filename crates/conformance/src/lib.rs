//! One suite that every engine must pass, and the means to write such tests.
//!
//! A [`Lane`] is one way to run a program: an engine, plain or suspendable, with large slices or
//! tiny ones, of the engines that run its format. No outcome and no gas may depend on the lane, so a test runs on [`lanes`] and compares; for PolkaVM programs there are [`polkavm_lanes`],
//! and for both kinds together [`mixed_lanes`].
//! [`differential`] does so for any program, and [`smith`] makes programs that nobody wrote.
//! [`counting`] implements gas a second time.
#![forbid(unsafe_code)]

mod cramped;
mod host;
mod lane;

pub use cramped::Cramped;
pub use fusee_engine_polkavm::Backend;
pub use host::Answering;
pub use lane::{Lane, agreed, lanes, mixed_lanes, polkavm_lanes, process_lanes};
