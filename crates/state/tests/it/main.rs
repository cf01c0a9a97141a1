//! Tests of the crate at its boundary.

#[cfg(test)]
mod diff;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod model;
#[cfg(test)]
mod overlay;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod stacked;
