//! Contracts that are built, and folders that have none.

#[cfg(test)]
mod contracts;
#[cfg(test)]
mod layouts;
