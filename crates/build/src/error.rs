//! Why a contract was not built, and what to do about it.

use std::path::PathBuf;

use thiserror::Error;

/// Why a contract was not built.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A part of the toolchain is not installed.
    #[error("the build needs {what}: {install}")]
    Missing {
        /// What it is.
        what: String,
        /// How it is installed.
        install: String,
    },
    /// A folder is not in a package.
    #[error("there is no Cargo.toml in `{}` or above it", .folder.display())]
    NoPackage {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder has several packages, and is not the folder of one of them.
    #[error("`{}` is a workspace and not a package", .folder.display())]
    Workspace {
        /// The folder.
        folder: PathBuf,
        /// The folders of its contracts, relative to it.
        contracts: Vec<String>,
    },
    /// A package makes no program.
    #[error("the package `{package}` is no contract: its library is not a `cdylib`")]
    NotAContract {
        /// The package.
        package: String,
    },
    /// The workspace does not have the profile of contracts.
    #[error("the workspace of `{package}` does not have the profile `contract`")]
    NoProfile {
        /// The package.
        package: String,
    },
    /// The lock file is not that of the manifests.
    #[error("the file Cargo.lock of `{package}` is missing, or does not match its manifest")]
    Lock {
        /// The package.
        package: String,
    },
    /// The manifest cannot be read.
    #[error("the package in `{}` cannot be read:\n{output}", .folder.display())]
    Manifest {
        /// The folder.
        folder: PathBuf,
        /// What cargo says.
        output: String,
    },
    /// The contract does not compile, or does not link.
    #[error("{package} is not built:\n{output}")]
    Failed {
        /// The package.
        package: String,
        /// What the compiler or linker says.
        output: String,
    },
}

/// The profile of contracts, as in the manifest of a workspace.
const PROFILE: &str = "\
[profile.contract]
inherits = \"release\"
opt-level = 2
lto = \"fat\"
codegen-units = 1
panic = \"abort\"
overflow-checks = true
strip = \"debuginfo\"";

impl BuildError {
    /// What to do about it.
    #[must_use]
    pub fn next(&self) -> String {
        match self {
            Self::Missing { install, .. } => install.clone(),
            Self::NoPackage { .. } => {
                "pass the folder of a contract, or make one with `fusee new NAME`".to_owned()
            }
            Self::Workspace { contracts, .. } if contracts.is_empty() => {
                "it has no contract: make one with `fusee new NAME`".to_owned()
            }
            Self::Workspace { contracts, .. } => {
                format!("pass the folder of a contract: {}", contracts.join(", "))
            }
            Self::NotAContract { .. } => {
                "add to its manifest:\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]".to_owned()
            }
            Self::NoProfile { .. } => {
                format!("add to the manifest of the workspace:\n{PROFILE}")
            }
            Self::Lock { .. } => {
                "take the Cargo.lock that the contract was built with; `cargo update --workspace` \
                 makes one, perhaps of other versions"
                    .to_owned()
            }
            Self::Manifest { .. } => "correct the manifest".to_owned(),
            Self::Failed { output, .. } if output.contains("no matching package named") => {
                "check the paths and versions of its dependencies".to_owned()
            }
            Self::Failed { .. } => "correct the contract, and build it again".to_owned(),
        }
    }

    pub(crate) fn failed(package: &str, error: &dyn ToString) -> Self {
        let output = error.to_string();
        let package = package.to_owned();
        if output.contains("profile `contract` is not defined") {
            Self::NoProfile { package }
        } else if output.contains("because --locked was passed") {
            Self::Lock { package }
        } else {
            Self::Failed { package, output }
        }
    }
}
