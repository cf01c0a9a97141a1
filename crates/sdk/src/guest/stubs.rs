//! The syscalls, as the target imports them: by name from a module in wasm, and by a description
//! for the linker in PolkaVM.

#[cfg(target_family = "wasm")]
pub(crate) use fusee_abi::{guest::*, virtualization::functions::guest::*};

#[cfg(target_arch = "riscv64")]
mod polkavm {
    use fusee_abi::{
        In, Len, Out, Status,
        virtualization::functions::{Encoded, Id, Offset, Range},
    };
    use polkavm_derive::polkavm_import;

    fusee_abi::stubs!(polkavm_import);
    fusee_abi::function_stubs!(polkavm_import);
}
#[cfg(target_arch = "riscv64")]
pub(crate) use polkavm::*;
