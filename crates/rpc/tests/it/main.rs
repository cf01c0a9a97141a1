//! Tests of the crate at its boundary: a real node, a real server, and requests over loopback.

#[cfg(test)]
mod reads;
#[cfg(test)]
mod world;
