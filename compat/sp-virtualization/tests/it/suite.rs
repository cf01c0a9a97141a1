//! The public tests of `sp-virtualization` and `sc-virtualization`, on every backend. They are
//! included as they are, and find our backend under the names of theirs.

/// Their tests on one backend.
macro_rules! suite {
    ($name:ident, $sandbox:ident) => {
        mod $name {
            mod sc_virtualization {
                use fusee_compat_sp_virtualization::Backend;
                use fusee_engine_polkavm::Backend as Sandbox;

                /// Stands for theirs.
                pub(super) struct VirtManager;

                impl VirtManager {
                    pub(super) fn default() -> Backend {
                        Backend::on(Sandbox::$sandbox)
                    }
                }
            }

            mod sp_io {
                pub(super) use fusee_compat_sp_virtualization::Node as TestExternalities;
            }

            mod sp_tracing {
                pub(super) fn try_init_simple() {}
            }

            include!(concat!(env!("OUT_DIR"), "/host_tests.rs"));
        }
    };
}

suite!(interpreter, Interpreter);
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
suite!(generic_sandbox, GenericSandbox);
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
suite!(process_sandbox, ProcessSandbox);
