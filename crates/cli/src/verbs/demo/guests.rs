//! The contracts of the demo.

/// An embedded contract.
pub(super) struct Guest {
    pub(super) file: &'static str,
    pub(super) code: &'static [u8],
}

pub(super) const TOKEN: Guest = Guest {
    file: "guests/wasm/token.wasm",
    code: include_bytes!("../../../../../guests/wasm/token.wasm"),
};

pub(super) const CALLER: Guest = Guest {
    file: "guests/wasm/caller.wasm",
    code: include_bytes!("../../../../../guests/wasm/caller.wasm"),
};
