//! Tests of the crate at its boundary.

#[cfg(test)]
mod chain;
#[cfg(test)]
mod commits;
#[cfg(test)]
mod damage;
#[cfg(test)]
#[cfg(unix)]
mod kill;
#[cfg(test)]
mod log;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod support;
