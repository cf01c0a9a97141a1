//! One suite that every engine must pass, and the means to write such tests.
//!
//! A [`Lane`] is one way to run a program: an engine, plain or suspendable, with large slices or
//! tiny ones. No outcome and no gas may depend on the lane, so a test runs on [`lanes`] and compares.
//! [`differential`] does so for any program, and [`smith`] makes programs that nobody wrote.
//! [`counting`] implements gas a second time.
#![forbid(unsafe_code)]

pub mod counting;
mod cramped;
pub mod differential;
mod host;
mod lane;
mod random;
pub mod smith;
mod verdict;

pub use cramped::Cramped;
pub use host::{Answering, NoHost};
pub use lane::{Lane, agreed, lanes};
pub use random::Random;
pub use verdict::{Ending, Verdict};
