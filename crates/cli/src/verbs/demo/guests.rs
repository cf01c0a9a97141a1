//! What the demo brings along, since a machine may lack the target that contracts are built for.

/// An embedded file, by its path in the repository.
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) bytes: &'static [u8],
}

/// Contracts: examples of the SDK.
pub(super) const CONTRACTS: [&File; 3] = [&TOKEN, &EXCHANGE, &SCRIPTS];

pub(super) const TOKEN: File = File {
    path: "guests/wasm/example_token.wasm",
    bytes: include_bytes!("../../../../../guests/wasm/example_token.wasm"),
};

pub(super) const EXCHANGE: File = File {
    path: "guests/wasm/example_exchange.wasm",
    bytes: include_bytes!("../../../../../guests/wasm/example_exchange.wasm"),
};

pub(super) const SCRIPTS: File = File {
    path: "guests/wasm/example_scripts.wasm",
    bytes: include_bytes!("../../../../../guests/wasm/example_scripts.wasm"),
};

/// A script for the contract that hosts scripts.
pub(super) const SUM: File = File {
    path: "examples/contracts/scripts/sum.wasm",
    bytes: include_bytes!("../../../../../examples/contracts/scripts/sum.wasm"),
};
