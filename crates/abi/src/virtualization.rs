//! How a guest runs other guests: the nine functions, and what they say.

pub mod functions;
pub mod wire;
