//! `sp-virtualization` on Fusee: its own tests, and its own backend beside ours.

mod guest;
mod sequences;
mod suite;
