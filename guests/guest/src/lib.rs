//! Safe wrappers over the syscalls, shared by the Rust guests.
//!
//! What a method needs and no more: its arguments, its storage, events, calls, and reverts. There
//! is no allocator and no formatting machinery, so a guest stays within a few kilobytes. All
//! `unsafe` of the guests is in this crate.
//!
//! A guest is a list of methods ([`methods!`]), and the same source makes a wasm contract and one
//! for PolkaVM.
#![no_std]

mod buffer;
pub mod children;
mod host;
mod input;
mod message;
mod methods;
mod panics;
mod stubs;

pub use buffer::Buffer;
pub use fusee_abi::ALL_GAS;
pub use host::*;
pub use input::{Input, arguments};
pub use message::Message;

#[cfg(target_env = "polkavm")]
#[doc(hidden)]
pub use polkavm_derive;

/// The address of an account or a contract.
pub type Address = [u8; 32];

/// Joins the parts, which are `N` bytes together.
///
/// # Panics
///
/// If the parts have another length.
pub fn concat<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut joined = [0; N];
    let mut rest = joined.as_mut_slice();
    for part in parts {
        let (head, tail) = rest.split_at_mut(part.len());
        head.copy_from_slice(part);
        rest = tail;
    }
    assert!(rest.is_empty());
    joined
}
