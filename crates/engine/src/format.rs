//! Formats of programs.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

/// The format of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub enum Format {
    /// WebAssembly. Also the format of bytes that have no known format.
    Wasm,
    /// A PolkaVM program blob.
    PolkaVm,
}

impl Format {
    /// Detects the format by the magic bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"PVM\0") {
            Format::PolkaVm
        } else {
            Format::Wasm
        }
    }

    /// The name of the format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Wasm => "wasm",
            Format::PolkaVm => "polkavm",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
