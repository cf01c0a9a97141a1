//! A contract, and how it is built.

use std::any::type_name;

use fusee::sandbox::CodeHash;
use fusee_sdk::contract::Contract;

use crate::{BuildError, Machine, build, native};

/// A contract under test: the Rust type, for native runs, and the package, to be built for engines.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    pub(crate) package: &'static str,
    pub(crate) folder: &'static str,
    type_name: fn() -> &'static str,
    pub(crate) interface: &'static [u8],
    pub(crate) methods: &'static [(&'static str, fn())],
}

/// The [`Program`] of a contract of the package that the test belongs to.
///
/// `program!(token::Token => "example-token")` is one of another package of the workspace.
#[macro_export]
macro_rules! program {
    ($contract:ty) => {
        $crate::program!($contract => env!("CARGO_PKG_NAME"))
    };
    ($contract:ty => $package:expr) => {
        $crate::Program::new::<$contract>(env!("CARGO_MANIFEST_DIR"), $package)
    };
}

impl Program {
    /// A contract of a package of the workspace that the folder belongs to.
    /// [`program!`](crate::program) fills these in.
    #[must_use]
    pub const fn new<C: Contract>(folder: &'static str, package: &'static str) -> Self {
        Self {
            package,
            folder,
            type_name: type_name::<C>,
            interface: C::INTERFACE,
            methods: C::METHODS,
        }
    }

    /// The name of the library that the contract is in: it begins the path of its type.
    pub(crate) fn library(&self) -> &'static str {
        let path = (self.type_name)();
        path.split_once("::").map_or(path, |(library, _)| library)
    }

    /// The code that a machine runs. It is built once in a process.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the toolchain is missing, or the contract does not compile.
    pub fn code(&self, machine: Machine) -> Result<Vec<u8>, BuildError> {
        match machine {
            Machine::Native => Ok(native::stub(self)),
            Machine::Wasmtime | Machine::Wasmi => build::wasm(self),
            Machine::PolkaVm => build::polkavm(self),
        }
    }

    /// The hash of the code that stands for the contract in native runs.
    pub(crate) fn stub_hash(&self) -> CodeHash {
        CodeHash::of(&native::stub(self))
    }
}
