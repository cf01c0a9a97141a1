//! Contracts, on every engine and in every way to run one: the same receipts, changes and gas.

mod calls;
mod interface;
mod token;
mod world;
