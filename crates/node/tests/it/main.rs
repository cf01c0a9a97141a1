//! Tests of the crate at its boundary.

#[cfg(test)]
mod index;
#[cfg(test)]
mod mempool;
#[cfg(test)]
mod world;
