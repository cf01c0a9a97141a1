//! WASI preview 1 as a set of rules of its own: programs of common toolchains start as contracts.
//!
//! It is not part of the published rules. What such a program believes to be a clock is the time of
//! a block, and what it believes to be random is known to everybody, so a library that makes a key
//! of it makes one that is no secret. A program that imports neither is refused by name instead,
//! and its author learns of it before it is deployed.

use fusee_abi::wasi;
use fusee_instrument::{SyscallPrice, SyscallRule};
use fusee_virtualization::functions;

/// The functions that answer an error number, or a few bytes. As of a short output.
const SHORT: SyscallPrice = SyscallPrice::bytes(100, 1);

/// Reads vectors one by one: twice the price of an output for each byte, of which a vector counts
/// as 64 beside its text.
const VECTORS: SyscallPrice = SyscallPrice::bytes(200, 2);

/// By the price of the syscall `blake3` (350, and 4 for each byte): a seed of up to 400 bytes, and
/// 40 bytes for each 32 that are given.
const RANDOM: SyscallPrice = SyscallPrice::bytes(2_000, 16);

/// All functions of WASI with their prices, as entries of a list of syscalls.
pub(super) fn syscalls() -> Vec<SyscallRule> {
    let prices: Vec<_> = wasi::FUNCTIONS
        .iter()
        .map(|row| {
            let price = match row.number {
                wasi::FD_WRITE | wasi::POLL_ONEOFF => VECTORS,
                wasi::RANDOM_GET => RANDOM,
                _ => SHORT,
            };
            (row.number, price)
        })
        .collect();
    functions::rules(wasi::IMPORT_MODULE, wasi::FUNCTIONS, &prices)
}
