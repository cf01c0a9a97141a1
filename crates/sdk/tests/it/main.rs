//! The SDK natively, against the crates that it must agree with.

#[cfg(test)]
mod codec;
#[cfg(test)]
mod interface;
#[cfg(test)]
mod native;
#[cfg(test)]
mod virtualization;
