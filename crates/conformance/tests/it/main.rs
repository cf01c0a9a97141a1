//! Every engine, held against the same expectations.

mod outcomes;
