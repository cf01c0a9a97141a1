//! The package of a folder, as cargo describes it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    BuildError, Contract,
    toolchain::{command, output},
};

/// The contract whose package has a folder, or has it in its folder.
pub(crate) fn find(folder: &Path) -> Result<Contract, BuildError> {
    let none = || BuildError::NoPackage {
        folder: folder.to_owned(),
    };
    // Paths of cargo are canonical.
    let mut folder = folder.canonicalize().map_err(|_| none())?;
    // A file, such as its manifest, stands for the folder that it is in.
    if !folder.is_dir() {
        folder.pop();
    }
    let mut cargo = command("cargo");
    cargo
        .current_dir(&folder)
        .args(["metadata", "--no-deps", "--format-version", "1"]);
    let done = output(&mut cargo)?;
    let unreadable = |output: &str| BuildError::Manifest {
        folder: folder.clone(),
        output: output.trim().to_owned(),
    };
    if !done.status.success() {
        let told = String::from_utf8_lossy(&done.stderr);
        return match told.contains("could not find `Cargo.toml`") {
            true => Err(none()),
            false => Err(unreadable(&told)),
        };
    }
    let metadata: Value =
        serde_json::from_slice(&done.stdout).map_err(|error| unreadable(&error.to_string()))?;
    let packages = metadata.get("packages").and_then(Value::as_array);
    let packages = packages.map_or(&[][..], Vec::as_slice);
    let within = |package: &&Value| home(package).is_some_and(|home| folder.starts_with(home));
    // The deepest: a package may lie in the folder of another.
    let nearest = packages
        .iter()
        .filter(within)
        .max_by_key(|package| home(package).map(|home| home.as_os_str().len()));
    let root = metadata.get("workspace_root").and_then(Value::as_str);
    let root = root.map(PathBuf::from);
    let root = root.unwrap_or_else(|| folder.clone());
    let Some(package) = nearest else {
        let contracts = packages.iter().filter(|package| library(package).is_some());
        let contracts = contracts.filter_map(home);
        let relative = |home: PathBuf| {
            let home = home.strip_prefix(&folder).unwrap_or(&home).to_owned();
            home.display().to_string()
        };
        return Err(BuildError::Workspace {
            contracts: contracts.map(relative).collect(),
            folder,
        });
    };
    let name = package["name"].as_str().unwrap_or_default().to_owned();
    let Some(library) = library(package) else {
        return Err(BuildError::NotAContract { package: name });
    };
    Ok(Contract {
        package: name,
        library,
        folder: home(package).unwrap_or(folder),
        output: root.join("target").join("contracts"),
    })
}

/// The folder of a package.
fn home(package: &Value) -> Option<PathBuf> {
    let manifest = Path::new(package["manifest_path"].as_str()?);
    manifest.parent().map(Path::to_owned)
}

/// The name of a package's library, if that is a program for a chain.
fn library(package: &Value) -> Option<String> {
    let is_program = |target: &&Value| {
        let kinds = target["crate_types"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
    };
    let target = package["targets"].as_array()?.iter().find(is_program)?;
    Some(target["name"].as_str()?.replace('-', "_"))
}
