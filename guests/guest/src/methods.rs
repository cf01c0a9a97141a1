//! Methods: what a contract exports.

/// Exports these functions, which take and return nothing, as methods: describes each to PolkaVM's
/// linker. In wasm it is their attribute that exports them, and nothing is added here.
#[macro_export]
macro_rules! methods {
    ($($name:ident),* $(,)?) => {
        #[cfg(target_env = "polkavm")]
        mod methods {
            $(
                #[$crate::polkavm_derive::polkavm_export(abi = $crate::polkavm_derive::default_abi)]
                fn $name() {
                    super::$name();
                }
            )*
        }
    };
}
