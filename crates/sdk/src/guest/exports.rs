//! What a contract exports: its methods, and in wasm the section with its interface.

/// Exports methods by their names, on the targets of guests.
#[doc(hidden)]
#[macro_export]
#[cfg(target_family = "wasm")]
macro_rules! export {
    ($module:ident $($name:ident $entry:ident),*) => {
        const _: () = {$(
            const _: () = {
                #[unsafe(export_name = stringify!($name))]
                extern "C" fn export() {
                    $entry();
                }
            };
        )*};
    };
}

/// Exports methods by their names: describes them to the linker.
#[doc(hidden)]
#[macro_export]
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
macro_rules! export {
    ($module:ident $($name:ident $entry:ident),*) => {
        #[allow(non_snake_case, reason = "named after the contract")]
        mod $module {$(
            #[$crate::polkavm_derive::polkavm_export(abi = $crate::polkavm_derive::default_abi)]
            fn $name() {
                super::$entry();
            }
        )*}
    };
}

/// Puts the interface into the section of the module.
#[doc(hidden)]
#[macro_export]
#[cfg(target_family = "wasm")]
macro_rules! export_interface {
    ($contract:path) => {
        // Not `#[used]`, which would keep it in the memory as well.
        #[unsafe(link_section = "fusee.interface")]
        static INTERFACE: [u8; <$contract as $crate::contract::Contract>::INTERFACE.len()] =
            match <$contract as $crate::contract::Contract>::INTERFACE.first_chunk() {
                Some(bytes) => *bytes,
                None => panic!("it has as many bytes as it has"),
            };
    };
}

/// A program for PolkaVM has its interface beside it.
#[doc(hidden)]
#[macro_export]
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
macro_rules! export_interface {
    ($contract:path) => {};
}
