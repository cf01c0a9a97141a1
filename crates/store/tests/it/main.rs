//! Tests of the crate at its boundary.

#[cfg(test)]
mod chain;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod log;
#[cfg(test)]
mod media;
