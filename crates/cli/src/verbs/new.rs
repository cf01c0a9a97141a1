//! `new`: writes a package with a contract and its tests, which builds by itself.
//!
//! The templates are the examples of the repository, which are tested there. The lock file is that
//! of this program, so a new contract has the versions that the SDK is tested with.

mod template;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Serialize;

use crate::{
    args::NewArgs,
    failure::{Exit, Failure},
    output::Output,
};

use self::template::{LOCK, Sdk, files};

/// Words that cannot be the name of a library.
const RESERVED: [&str; 51] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "type",
    "unsafe",
    "use",
    "where",
    "while",
];

#[derive(Serialize)]
struct Made {
    folder: String,
    name: String,
    template: &'static str,
    sdk: String,
    files: Vec<&'static str>,
}

pub(crate) fn run(args: &NewArgs, output: &mut Output) -> Result<Exit, Failure> {
    let name = name(&args.path)?;
    let sdk = sdk(args.sdk.as_deref())?;
    let files = files(args.template, name, &sdk);
    write(&args.path, &files)?;
    complete_lock(&args.path);
    let made = Made {
        folder: args.path.display().to_string(),
        name: name.to_owned(),
        template: args.template.name(),
        sdk: sdk.to_string(),
        files: files.iter().map(|(file, _)| *file).collect(),
    };
    output.answer(&made, || made.text())?;
    Ok(Exit::Success)
}

/// The name of the package: the last part of the path.
fn name(path: &Path) -> Result<&str, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    let refused = |name: &str, why: &str| {
        Failure::usage(format!("`{name}` is no name for a contract: {why}"))
            .next("choose another name, such as my-token")
    };
    let name = name.ok_or_else(|| refused(&path.display().to_string(), "it is no text"))?;
    let is_plain = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-' | '_');
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.chars().all(is_plain) {
        return Err(refused(
            name,
            "it has lower-case letters, digits, `-` and `_`, and begins with a letter",
        ));
    }
    if name.len() > 64 {
        return Err(refused(name, "it has more than 64 letters"));
    }
    if RESERVED.contains(&name) {
        return Err(refused(name, "it means something else to Rust or cargo"));
    }
    let with_dashes = name.replace('_', "-");
    let mut crates = LOCK.lines().filter_map(|line| line.strip_prefix("name = "));
    if crates.any(|found| found.trim_matches('"').replace('_', "-") == with_dashes) {
        return Err(refused(
            name,
            "a crate that contracts are tested with has it",
        ));
    }
    Ok(name)
}

/// The sources of the SDK.
fn sdk(flag: Option<&str>) -> Result<Sdk, Failure> {
    const NEXT: &str = "pass --sdk PATH, the folder of Fusee's sources, or --sdk URL, its git \
                        repository";
    let Some(text) = flag else {
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        return folder(&built_from).ok_or_else(|| {
            Failure::usage("the sources that this program was built from are not on this machine")
                .next(NEXT)
        });
    };
    let is_url = text.contains("://") || text.starts_with("git@");
    if is_url {
        let is_plain = |character: char| !character.is_control() && !"\"\\ ".contains(character);
        return match text.chars().all(is_plain) {
            true => Ok(Sdk::Git(text.to_owned())),
            false => Err(Failure::usage(format!("`{text}` is no URL")).next(NEXT)),
        };
    }
    folder(Path::new(text)).ok_or_else(|| {
        Failure::usage(format!("`{text}` does not have Fusee's sources")).next(
            "its folder has crates/sdk and crates/testkit; or pass the URL of its git repository",
        )
    })
}

/// The sources in a folder, if they are there.
fn folder(path: &Path) -> Option<Sdk> {
    let path = path.canonicalize().ok()?;
    let has = |name: &str| path.join("crates").join(name).join("Cargo.toml").is_file();
    (has("sdk") && has("testkit")).then_some(Sdk::Folder(path))
}

/// Writes the files into a new folder, or nothing.
fn write(folder: &Path, files: &[(&'static str, String)]) -> Result<(), Failure> {
    let failed = |path: &Path, error: io::Error| {
        let (exit, next) = match error.kind() {
            io::ErrorKind::AlreadyExists => (
                Exit::Usage,
                "choose another name: nothing that exists is overwritten",
            ),
            io::ErrorKind::NotFound => (Exit::Usage, "make the folder that it shall be in"),
            _ => (Exit::Host, "choose a folder that can be written to"),
        };
        let message = format!("`{}` cannot be made", path.display());
        Failure::new(exit, anyhow::Error::new(error).context(message)).next(next)
    };
    fs::create_dir(folder).map_err(|error| failed(folder, error))?;
    for (file, text) in files {
        let path = folder.join(file);
        let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
        if let Err(error) = parent.and_then(|()| fs::write(&path, text)) {
            // It was made a moment ago, by this command.
            let _ = fs::remove_dir_all(folder);
            return Err(failed(&path, error));
        }
    }
    Ok(())
}

/// Lets cargo leave out of the lock file what the contract does not need. Where it cannot, because
/// it is missing or has to ask the network, the first build does it.
fn complete_lock(folder: &Path) {
    let mut cargo = fusee_build::command("cargo");
    cargo
        .current_dir(folder)
        .args(["update", "--workspace", "--offline", "--quiet"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _ = cargo.status();
}

impl Made {
    fn text(&self) -> String {
        let folder = &self.folder;
        let built = PathBuf::from("target/contracts").join(self.name.replace('-', "_"));
        format!(
            "{folder}: a contract, and its tests\n\n\
             Next\n  \
               cd {folder}\n  \
               fusee test     # natively and on every engine; the first time compiles the engines\n  \
               fusee build    # {}.wasm\n  \
               fusee deploy {}.wasm\n\n\
             README.md has more.\n",
            built.display(),
            built.display(),
        )
    }
}
