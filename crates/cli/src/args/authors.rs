//! Flags of the verbs for the authors of contracts.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{ChainArgs, FloatsChoice};

#[derive(Debug, Args)]
#[command(after_help = "\
Writes a package of its own: the contract with its tests, a manifest with the profiles that it
needs, and a README with the next steps. It depends on the SDK in a folder or a git repository,
since the SDK is not published.

Examples:
  fusee new counter
  fusee new my-token --template token
  fusee new my-token --sdk ../fusee
  fusee new my-token --sdk https://example.com/fusee.git")]
pub(crate) struct NewArgs {
    /// Folder to be made. Its last part is the name of the package
    #[arg(value_name = "NAME")]
    pub(crate) path: PathBuf,

    /// Contract to begin with
    #[arg(long, value_enum, default_value = "counter")]
    pub(crate) template: Template,

    /// Fusee's sources: a folder, or the URL of a git repository [default: the folder that this
    /// program was built from]
    #[arg(long, value_name = "PATH|URL")]
    pub(crate) sdk: Option<String>,
}

/// A contract to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// One number, with an event and an error
    Counter,
    /// A token: balances, allowances and a fixed supply
    Token,
    /// Tokens that are not alike
    Nft,
    /// An auction that ends at a time
    Auction,
    /// A wallet whose owners vote on calls
    Multisig,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The program is checked as `fusee check` does, and written only if the rules admit it. It has its
interface, and what built it, as custom sections; with --names also the names of its functions,
which profiles and traces show.

Equal sources, lock file and toolchain make equal programs in every folder: `fusee verify build`
compares them with what a chain has. A program for PolkaVM has its interface in a file beside it.

Examples:
  fusee build
  fusee build my-token --out my-token.wasm
  fusee build --polkavm
  fusee build --locked --json")]
pub(crate) struct BuildArgs {
    /// Folder of the contract
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,

    /// Build for PolkaVM instead of WebAssembly
    #[arg(long)]
    pub(crate) polkavm: bool,

    /// Keep the names of functions in the program
    #[arg(long, conflicts_with = "polkavm")]
    pub(crate) names: bool,

    /// Fail if Cargo.lock does not match the manifest
    #[arg(long)]
    pub(crate) locked: bool,

    /// Whether the program may use floating point
    #[arg(long, value_enum, default_value = "canonical")]
    pub(crate) floats: FloatsChoice,

    /// Number of functions to list, largest first; JSON lists all
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) functions: usize,

    /// File to write [default: target/contracts/NAME.wasm in the workspace of the contract]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Runs `cargo test`. A test of the test kit runs natively, on both engines for WebAssembly and on
PolkaVM; what is missing for one of these is told first, and that machine is skipped.

A gas snapshot of the test kit holds the gas of named calls against a file. A test writes a file that
is missing, unless --check is given: use that in continuous integration.

Coverage is that of the native runs, by the lines of the package's folder src. It needs
`rustup component add llvm-tools`.

Examples:
  fusee test
  fusee test my-token transfer
  fusee test --coverage --lcov coverage.lcov
  fusee test --check
  fusee test my-token gas --diff
  fusee test --update-gas
  fusee test --require-all")]
pub(crate) struct TestArgs {
    /// Folder of the contract
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,

    /// Run the tests whose names contain this
    pub(crate) filter: Option<String>,

    /// Show which lines of the contract the tests ran
    #[arg(long)]
    pub(crate) coverage: bool,

    /// Also write the coverage to this file, in the format of lcov
    #[arg(long, value_name = "FILE", requires = "coverage")]
    pub(crate) lcov: Option<PathBuf>,

    /// Write the files of gas snapshots again
    #[arg(long, group = "gas")]
    pub(crate) update_gas: bool,

    /// Fail if the file of a gas snapshot is missing, as well as if gas differs from it
    #[arg(long, group = "gas")]
    pub(crate) check: bool,

    /// Show how gas differs from the files of gas snapshots, which fails nothing
    #[arg(long, group = "gas")]
    pub(crate) diff: bool,

    /// Fail if a machine would be skipped
    #[arg(long)]
    pub(crate) require_all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(subcommand)]
    pub(crate) verb: VerifyVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VerifyVerb {
    /// Verify what `fusee prove` wrote, against a state root that you trust
    Proof(VerifyProofArgs),
    /// Build sources, and compare the program with one on a chain or in a file
    Build(VerifyBuildArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fusee prove alice --json > alice.json
  fusee verify proof alice.json --root STATE_ROOT

The state root in the file is not used, since it is as untrusted as the proofs. Take the root from a
source that you trust, such as `fusee accounts --json` on your own node.")]
pub(crate) struct VerifyProofArgs {
    /// The answer of `fusee prove --json`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The state root that you trust, 64 digits
    #[arg(long, value_name = "ROOT")]
    pub(crate) root: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit code 1 means that the programs differ; the answer says in what. Names of functions make no
difference. Use the toolchain that the program was built with: `RUSTUP_TOOLCHAIN=1.95.0 fusee ..`.

A build runs code of the sources and of their dependencies on this machine.

Examples:
  fusee verify build 3c9b8513a90e --source counter
  fusee verify build CODE_HASH --source counter --node http://127.0.0.1:8645
  fusee verify build counter.wasm --source counter")]
pub(crate) struct VerifyBuildArgs {
    /// A contract by its address or the first digits of it, the hash of uploaded code, or a program
    /// file
    #[arg(value_name = "ADDRESS|CODE_HASH|FILE")]
    pub(crate) program: String,

    /// Folder of the contract's sources
    #[arg(long, value_name = "DIR")]
    pub(crate) source: PathBuf,

    /// Build even if Cargo.lock does not match the manifest
    #[arg(long)]
    pub(crate) unlocked: bool,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}
