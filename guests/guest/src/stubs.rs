//! The syscalls, as the target imports them: by name either way, from a module in wasm, and by a
//! description for the linker for PolkaVM.

#[cfg(target_family = "wasm")]
pub(crate) use fusee_abi::guest::*;

#[cfg(target_env = "polkavm")]
mod polkavm {
    use fusee_abi::{In, Len, Out, Status};

    use polkavm_derive::polkavm_import;

    fusee_abi::stubs!(polkavm_import);
}
#[cfg(target_env = "polkavm")]
pub(crate) use polkavm::*;

/// The functions by which a guest runs others.
pub(crate) mod functions {
    #[cfg(target_family = "wasm")]
    pub(crate) use fusee_abi::virtualization::functions::guest::*;

    #[cfg(target_env = "polkavm")]
    mod polkavm {
        use fusee_abi::{
            Out,
            virtualization::functions::{Encoded, Id, Offset, Range},
        };
        use polkavm_derive::polkavm_import;

        fusee_abi::function_stubs!(polkavm_import);
    }
    #[cfg(target_env = "polkavm")]
    pub(crate) use polkavm::*;
}
