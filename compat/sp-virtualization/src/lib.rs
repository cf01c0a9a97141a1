//! `sp-virtualization` on Fusee: a backend for its host functions, and as much of a node as the
//! host functions need.

mod backend;
mod node;

pub use backend::{Backend, children};
pub use node::Node;
