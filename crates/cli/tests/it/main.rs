//! The program as its users meet it: commands in, answers and exit codes out.

#[cfg(test)]
mod arguments;
#[cfg(test)]
mod authors;
#[cfg(test)]
mod bindings;
#[cfg(test)]
mod blocks;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod check;
#[cfg(test)]
mod code;
#[cfg(test)]
#[cfg(unix)]
mod cometbft;
#[cfg(test)]
mod compile;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod gas;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod inspect;
#[cfg(test)]
mod interface;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod names;
#[cfg(test)]
mod net;
#[cfg(test)]
#[cfg(unix)]
mod node;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod polkavm;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod run;
#[cfg(test)]
mod shell;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trace;
#[cfg(test)]
mod waiting;
#[cfg(test)]
#[cfg(unix)]
mod walk;
#[cfg(test)]
mod withheld;
