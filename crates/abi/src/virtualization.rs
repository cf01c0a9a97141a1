//! The interface by which a guest runs nested VMs: the nine functions, and their results.

pub mod functions;
pub mod wire;
