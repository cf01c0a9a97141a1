//! The workspace as the rules see it: its members with their direct dependencies, and its sources.
//!
//! Members come from `cargo metadata`, so a rule never parses a manifest. Sources come from the
//! folders themselves, sorted, so that findings have one order on every machine.

use std::fs;
use std::path::Path;

use anyhow::Context;
use cargo_metadata::{DependencyKind, MetadataCommand};

/// Folders with Rust sources. `bench`, `fuzz` and `guests` are workspaces of their own.
const SOURCE_FOLDERS: &[&str] = &["bench", "crates", "examples", "fuzz", "guests", "xtask"];

/// Members in this folder are no part of the map: they depend on what they show.
const EXAMPLES: &str = "examples/";

/// One crate of the workspace.
#[derive(Debug)]
pub(crate) struct Member {
    /// The name in the map: the package name without `fusee-`.
    pub(crate) name: String,
    /// The manifest's path from the root.
    pub(crate) manifest: String,
    /// The manifest's text, to find lines in.
    pub(crate) manifest_text: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One direct dependency of a member.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) package: String,
    pub(crate) origin: Origin,
    pub(crate) purpose: Purpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A folder of this repository.
    Local,
    /// A package of somebody else.
    External,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Needed to build the crate.
    Build,
    /// Needed only by its tests, examples and benches.
    Test,
}

impl Member {
    /// The line of the manifest that names the package, or the first line.
    pub(crate) fn line_naming(&self, package: &str) -> usize {
        let names_it = |line: &str| {
            line.strip_prefix(package)
                .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
        };
        line_where(&self.manifest_text, names_it)
    }
}

/// A file of the work tree.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path from the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A Markdown page of the work tree.
#[derive(Debug)]
pub(crate) struct Page {
    /// The path from the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The number of the first line for which `wanted` holds, or 1.
pub(crate) fn line_where(text: &str, wanted: impl Fn(&str) -> bool) -> usize {
    text.lines()
        .position(wanted)
        .map_or(1, |index| index.saturating_add(1))
}

/// The name of a package in the map.
pub(crate) fn short_name(package: &str) -> &str {
    package.strip_prefix("fusee-").unwrap_or(package)
}

/// Every member of the workspace, sorted by name.
pub(crate) fn members(root: &Path) -> anyhow::Result<Vec<Member>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let mut members = Vec::new();
    for package in &metadata.packages {
        let manifest = package
            .manifest_path
            .strip_prefix(&metadata.workspace_root)
            .with_context(|| format!("{} lies outside the workspace", package.manifest_path))?;
        if manifest.starts_with(EXAMPLES) {
            continue;
        }
        members.push(Member {
            name: short_name(package.name.as_str()).to_owned(),
            manifest: manifest.to_string(),
            manifest_text: read(&root.join(manifest))?,
            dependencies: package.dependencies.iter().map(dependency).collect(),
        });
    }
    members.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(members)
}

fn dependency(found: &cargo_metadata::Dependency) -> Dependency {
    let origin = match found.path {
        Some(_) => Origin::Local,
        None => Origin::External,
    };
    let purpose = match found.kind {
        DependencyKind::Development => Purpose::Test,
        _ => Purpose::Build,
    };
    Dependency {
        package: found.name.clone(),
        origin,
        purpose,
    }
}

/// Every Rust source of the project, sorted by path.
pub(crate) fn sources(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for folder in SOURCE_FOLDERS {
        for path in files(root, folder, ".rs")? {
            sources.push(Source {
                text: read(&root.join(&path))?,
                path,
            });
        }
    }
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(sources)
}

/// Every Markdown page of the project, sorted by path.
pub(crate) fn pages(root: &Path) -> anyhow::Result<Vec<Page>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        paths.extend(
            name.to_str()
                .filter(|name| name.ends_with(".md"))
                .map(str::to_owned),
        );
    }
    for folder in SOURCE_FOLDERS.iter().chain(["docs"].iter()) {
        paths.extend(files(root, folder, ".md")?);
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = read(&root.join(&path))?;
            Ok(Page { path, text })
        })
        .collect()
}

/// The paths of the files in a folder whose names end so.
fn files(root: &Path, folder: &str, ending: &str) -> anyhow::Result<Vec<String>> {
    let mut paths = Vec::new();
    if root.join(folder).is_dir() {
        collect(root, folder, ending, &mut paths)?;
    }
    Ok(paths)
}

fn collect(root: &Path, folder: &str, ending: &str, paths: &mut Vec<String>) -> anyhow::Result<()> {
    let entries = fs::read_dir(root.join(folder)).with_context(|| folder.to_owned())?;
    for entry in entries {
        let name = entry?.file_name();
        let name = name
            .to_str()
            .with_context(|| format!("{folder} holds a name that is not UTF-8"))?;
        let path = format!("{folder}/{name}");
        if root.join(&path).is_dir() {
            if name != "target" && name != "node_modules" && !name.starts_with('.') {
                collect(root, &path, ending, paths)?;
            }
        } else if name.ends_with(ending) {
            paths.push(path);
        }
    }
    Ok(())
}

/// A file's text; the error names the file.
pub(crate) fn read(place: &Path) -> anyhow::Result<String> {
    fs::read_to_string(place).with_context(|| place.display().to_string())
}
