//! The server, driven over its socket by a client that does what CometBFT does, and by CometBFT.

#[cfg(test)]
mod authority;
#[cfg(test)]
mod blocks;
#[cfg(test)]
mod client;
#[cfg(test)]
mod cometbft;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod mempool;
#[cfg(test)]
mod misbehaviour;
#[cfg(test)]
mod namespaces;
#[cfg(test)]
mod network;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod rpc;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod validators;
#[cfg(test)]
mod world;
