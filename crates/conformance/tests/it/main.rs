//! Every engine, held against the same expectations.

mod cache;
mod gas;
mod guest;
mod metered;
mod outcomes;
mod parking;
mod refusals;
mod smith;
mod spec;
