//! Tests of the crate at its boundary: a real node, a real server, and requests over loopback.

#[cfg(test)]
mod engines;
#[cfg(test)]
mod entries;
#[cfg(test)]
mod execution;
#[cfg(test)]
mod explorer;
#[cfg(test)]
mod http;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod sending;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod starting;
#[cfg(test)]
mod web;
#[cfg(test)]
mod world;
