//! Tests of the crate at its boundary.

#[cfg(test)]
mod index;
#[cfg(test)]
mod mempool;
#[cfg(test)]
mod node;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod self_check;
#[cfg(test)]
mod world;
