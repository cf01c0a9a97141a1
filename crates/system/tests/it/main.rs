//! System programs on every engine: what each call leaves, and what it costs, is the same on all of them.

mod calls;
mod faults;
mod fuel;
mod interruptions;
mod lifetime;
mod roots;
mod support;
