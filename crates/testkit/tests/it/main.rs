//! The test kit as its users see it, with examples of contracts.

#[cfg(test)]
mod code;
#[cfg(test)]
mod differences;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod governance;
#[cfg(test)]
mod panics;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod token;
