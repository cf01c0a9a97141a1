//! The files of a new contract.

use std::{fmt, path::PathBuf};

use crate::args::Template;

/// The versions that this program, the SDK and the test kit are tested with.
pub(super) const LOCK: &str = include_str!("../../../../../Cargo.lock");

/// The sources of the SDK.
pub(super) enum Sdk {
    Folder(PathBuf),
    Git(String),
}

impl fmt::Display for Sdk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(formatter, "{}", folder.display()),
            Self::Git(url) => formatter.write_str(url),
        }
    }
}

impl Sdk {
    /// A dependency on one of its crates, in a manifest.
    fn dependency(&self, folder: &str) -> String {
        let source = match self {
            // A JSON text is a basic string of TOML.
            Self::Folder(path) => {
                let path = path.join("crates").join(folder).display().to_string();
                format!("path = {}", serde_json::Value::from(path))
            }
            Self::Git(url) => format!("git = {}", serde_json::Value::from(url.as_str())),
        };
        format!("fusee-{folder} = {{ {source} }}\n")
    }
}

/// The sources of a template, and what its tests depend on.
struct Sources {
    name: &'static str,
    contract: &'static str,
    tests: &'static str,
    dependencies: &'static str,
}

macro_rules! sources {
    ($name:literal, $dependencies:expr) => {
        Sources {
            name: $name,
            contract: include_str!(concat!(
                "../../../../../examples/contracts/",
                $name,
                "/src/lib.rs"
            )),
            tests: include_str!(concat!(
                "../../../../../examples/contracts/",
                $name,
                "/tests/it.rs"
            )),
            dependencies: $dependencies,
        }
    };
}

impl Template {
    const fn sources(self) -> Sources {
        match self {
            Self::Counter => sources!("counter", ""),
            Self::Token => sources!("token", "hex = \"0.4\"\nserde_json = \"1.0\"\n"),
            Self::Nft => sources!("nft", ""),
            Self::Auction => sources!("auction", ""),
            Self::Multisig => sources!("multisig", ""),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        self.sources().name
    }
}

/// The files of a package of this name, by their paths.
pub(super) fn files(template: Template, name: &str, sdk: &Sdk) -> Vec<(&'static str, String)> {
    let sources = template.sources();
    let library = name.replace('-', "_");
    let tests = sources.tests.replace(
        &format!("use {}::", sources.name),
        &format!("use {library}::"),
    );
    vec![
        ("Cargo.toml", manifest(name, &sources, sdk)),
        ("Cargo.lock", LOCK.to_owned()),
        (".gitignore", "/target\n/.fusee\n".to_owned()),
        ("README.md", readme(name, &library, &sources)),
        ("src/lib.rs", sources.contract.to_owned()),
        ("tests/it.rs", tests),
    ]
}

fn manifest(name: &str, sources: &Sources, sdk: &Sdk) -> String {
    let (sdk, testkit) = (sdk.dependency("sdk"), sdk.dependency("testkit"));
    let dependencies = sources.dependencies;
    format!(
        r#"[package]
name = "{name}"
version = "0.1.0"
edition = "2024"
rust-version = "{}"
publish = false

[lib]
# The program for a chain, and the library for tests and for contracts that call this one.
crate-type = ["cdylib", "rlib"]

[features]
# Without the exports, for contracts that call this one.
library = []

[dependencies]
{sdk}
[dev-dependencies]
{testkit}{dependencies}
[workspace]

# What a chain runs: `fusee build`, and the tests on engines. Each call pays for what it executes.
[profile.contract]
inherits = "release"
opt-level = 2
lto = "fat"
codegen-units = 1
panic = "abort"
# A number that does not fit is a panic, and so a revert.
overflow-checks = true
strip = "debuginfo"

# The test kit and the engines, optimised as far as it makes tests end soon: more takes long to
# compile.
[profile.dev.package."*"]
opt-level = 1
debug = false
debug-assertions = false
overflow-checks = false

[profile.dev.package]
# The interpreter needs all of it, or it exhausts the native stack.
wasmi.opt-level = 3
# These compile a contract, which is soon done, and take long to be compiled themselves.
cranelift-codegen.opt-level = 0
fjall.opt-level = 0
gimli.opt-level = 0
lsm-tree.opt-level = 0
object.opt-level = 0
polkavm.opt-level = 0
polkavm-linker.opt-level = 0
pulley-interpreter.opt-level = 0
regalloc2.opt-level = 0
wasmparser.opt-level = 0
wasmprinter.opt-level = 0
wasmtime.opt-level = 0
wasmtime-environ.opt-level = 0
wasmtime-internal-cranelift.opt-level = 0
"#,
        env!("CARGO_PKG_RUST_VERSION")
    )
}

fn readme(name: &str, library: &str, sources: &Sources) -> String {
    let template = sources.name;
    format!(
        "# {name}

A contract for Fusee, begun with the template `{template}`. `src/lib.rs` is the contract, and
`tests/it.rs` its tests. Change them: nothing else names what is in them.

```sh
rustup target add wasm32v1-none     # contracts for WebAssembly
rustup component add rust-src       # contracts for PolkaVM

fusee test                          # natively, on both engines for WebAssembly, and on PolkaVM
fusee test --coverage               # the lines that no test ran
fusee build                         # target/contracts/{library}.wasm
fusee interface target/contracts/{library}.wasm
fusee deploy target/contracts/{library}.wasm
```

The first test compiles the engines, which takes some minutes. `cargo test` works as well.

- `fusee deploy --help` says how arguments are written; `fusee call`, `fusee query` and
  `fusee trace` call what is deployed, and `fusee gas` tells what a call costs.
- A chain for development, with an explorer: `fusee node --dev`, and then
  `fusee deploy .. --node http://127.0.0.1:8645`.
- `fusee verify build ADDRESS --source .` shows others that the deployed program is made of these
  sources. So commit `Cargo.lock`, and name the toolchain in a file `rust-toolchain.toml`.
"
    )
}
