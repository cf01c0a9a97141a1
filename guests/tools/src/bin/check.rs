//! Checks that guests stay within what every chain accepts: `check FILE.wasm...`.
//!
//! That is WebAssembly 1.0 without floating point, with sign extension, bulk memory and several
//! results; and no imports but from the modules of contracts and of system programs.

use std::path::Path;

use anyhow::{Context, ensure};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// What contracts import from, what system programs do, and what scripts of the playground do.
const MODULES: [&str; 4] = ["fusee", "env", "fluentbase_v1preview", "playground"];

fn main() -> anyhow::Result<()> {
    for path in std::env::args_os().skip(1) {
        let path = Path::new(&path);
        check(path).with_context(|| format!("{} is not a plain guest", path.display()))?;
    }
    Ok(())
}

fn check(path: &Path) -> anyhow::Result<()> {
    let wasm = std::fs::read(path)?;
    let features = WasmFeatures::MVP.difference(WasmFeatures::FLOATS)
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::MULTI_VALUE;
    Validator::new_with_features(features).validate_all(&wasm)?;

    for payload in Parser::new(0).parse_all(&wasm) {
        if let Payload::ImportSection(imports) = payload? {
            for import in imports.into_imports() {
                let import = import?;
                ensure!(
                    MODULES.contains(&import.module),
                    "imports {}.{}",
                    import.module,
                    import.name
                );
            }
        }
    }
    Ok(())
}
