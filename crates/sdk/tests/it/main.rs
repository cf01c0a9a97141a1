//! The SDK natively, against the crates that it must agree with.

mod codec;
mod interface;
mod native;
