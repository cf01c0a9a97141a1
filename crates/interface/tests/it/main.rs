//! Interfaces: their encoding, their section, and values by them.

#[cfg(test)]
mod interface;
