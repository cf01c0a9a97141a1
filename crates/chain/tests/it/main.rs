//! Tests of the crate at its boundary.

#[cfg(test)]
mod blocks;
#[cfg(test)]
mod folder;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod world;
