//! Programs of Fluent's SDK on Fusee, with the encodings of Fluent's own crates; and the syscalls
//! for cryptography beside Fluent's own runtime.
#![cfg(test)]

mod crypto;
mod fusee_side;
mod guests;
mod system;
