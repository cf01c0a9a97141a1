//! Program files: WebAssembly, its text format, or PolkaVM.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use fusee::chain::ContractRules;
use fusee::sandbox::{Export, Format, Program, Refusal, Rule, Rules};

use crate::{
    failure::{Exit, Failure},
    numbers::grouped,
};

/// The magic number of WebAssembly.
const MAGIC: &[u8] = b"\0asm";

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Size limit of program files. It is far above the limits of the rules, so the rules refuse first.
const MOST_BYTES: u64 = 64 << 20;

/// Reads a program, and assembles it if it is text. The path `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let bytes = read_bytes(path).map_err(|error| {
        let file = "pass a .wasm, .wat or .polkavm file";
        let (message, next) = match error.kind() {
            io::ErrorKind::NotFound => (
                format!("`{shown}` does not exist"),
                "check the path, or build the program".to_owned(),
            ),
            io::ErrorKind::IsADirectory => (
                format!("`{shown}` is a folder"),
                match path.join("Cargo.toml").exists() {
                    true => {
                        format!("{file}; `fusee build {shown}` makes one of the contract in it")
                    }
                    false => file.to_owned(),
                },
            ),
            io::ErrorKind::FileTooLarge => (
                format!(
                    "`{shown}` is larger than {} bytes, the limit of program files",
                    grouped(MOST_BYTES)
                ),
                file.to_owned(),
            ),
            _ => (
                format!("cannot read `{shown}`"),
                "check the permissions of the file".to_owned(),
            ),
        };
        Failure::new(Exit::Usage, anyhow::Error::new(error).context(message)).next(next)
    })?;
    if !is_text(&bytes) {
        return Ok(bytes);
    }
    let wasm = wat::Parser::new()
        .parse_bytes(Some(path), &bytes)
        .map_err(|error| {
            let message = format!("syntax error in `{shown}`");
            Failure::new(
                Exit::Unsuccessful,
                anyhow::Error::new(error).context(message),
            )
            .next("correct the text at this position")
        })?;
    Ok(wasm.into_owned())
}

/// Validates and meters a program. Failures name its `path`.
pub(crate) fn prepare(path: &Path, wasm: &[u8], rules: &Rules) -> Result<Program, Failure> {
    fusee::sandbox::prepare(wasm, rules).map_err(|refusal| refused(path, wasm, refusal))
}

/// Checks a program by the newest rules of contracts.
pub(crate) fn check_contract(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let rules = ContractRules::latest();
    let program = prepare(path, bytes, &rules.program)?;
    rules
        .check_methods(&program)
        .map_err(|refusal| refused(path, bytes, refusal))
}

/// The failure of a program that the rules refuse.
pub(crate) fn refused(path: &Path, wasm: &[u8], refusal: Refusal) -> Failure {
    let next = advice(wasm, &refusal);
    Failure::refused(path.display(), refusal).next(next)
}

/// Advice for the author of a refused program.
pub(crate) fn advice(wasm: &[u8], refusal: &Refusal) -> String {
    let next = match refusal.rule {
        Rule::Valid | Rule::Operator if Format::of(wasm) == Format::PolkaVm => {
            "link it with version 0.37 of PolkaVM's linker, without growing memory"
        }
        Rule::InstructionSet => "link it for the instruction set `revivev1`",
        Rule::Format => "build it for `wasm32-unknown-unknown`",
        Rule::Valid => return advice_on_invalid(wasm, refusal),
        Rule::Floats => {
            "use integers: these rules refuse floating point, because NaNs differ between machines; in Rust, `serde_json` and the formatting of numbers by `core::fmt` usually bring it"
        }
        Rule::ImportSignature => {
            "declare the import with the signature that is expected: docs/book/src/syscalls.md has all of them"
        }
        Rule::UnknownImport | Rule::ImportKind => {
            "a contract may import syscalls from `fusee` and nested VM functions from `env`; a program in a nested VM may import what its contract provides"
        }
        Rule::ExportSignature => {
            "let it take and return nothing: it reads its arguments with `input_read`, and sets its output with `output_write`"
        }
        Rule::ReservedName => "rename it: the prefix `fusee:` is reserved for metering",
        Rule::Segment => "increase the initial size of the memory or table to hold its segments",
        Rule::Limit("memory_pages") if Format::of(wasm) == Format::PolkaVm => {
            "reduce its data, or link it with a smaller stack"
        }
        Rule::Limit(limit) => advice_on_limit(limit),
        Rule::Feature(name) => {
            return format!("compile without the wasm feature `{name}`, which is not supported");
        }
        Rule::Operator | Rule::Type => "compile without the wasm feature that this requires",
        _ => "this is a bug in Fusee: report it with the program",
    };
    next.to_owned()
}

fn advice_on_invalid(wasm: &[u8], refusal: &Refusal) -> String {
    let size = wasm.len();
    let is_cut = refusal.message.contains("unexpected end")
        || refusal.offset >= u64::try_from(size).ok()
        || MAGIC.starts_with(wasm);
    if size == 0 {
        "the file is empty; build or copy it again".to_owned()
    } else if is_cut {
        format!("the file is truncated after {size} bytes; build or copy it again")
    } else if !wasm.starts_with(MAGIC) {
        "the file is not wasm: pass a .wasm file, which begins with `\\0asm`, or a .wat file"
            .to_owned()
    } else if refusal.message.starts_with("a component") {
        "pass the core module of the component, or build for `wasm32-unknown-unknown`".to_owned()
    } else {
        "build it for `wasm32-unknown-unknown`, without newer wasm features".to_owned()
    }
}

fn advice_on_limit(limit: &str) -> &'static str {
    match limit {
        "program_bytes" | "code_bytes" | "output_bytes" | "program_work" => {
            "strip names and debug information, optimise for size, or split the program"
        }
        "function_bytes" | "function_work" | "locals" | "nesting" | "frame_bytes" => {
            "enable optimisations, or split the function"
        }
        "br_table_targets" => "split the large `switch` or `match` in the function",
        "params" | "results" => "pass a pointer to a struct instead",
        "types" | "functions" | "imports" | "exports" | "globals" => {
            "enable link-time optimisation, which removes unused items"
        }
        "tables" | "table_elements" | "element_segments" | "segment_elements" => {
            "use fewer function pointers, or smaller tables"
        }
        "data_segments" | "data_bytes" => "reduce the constant data of the program",
        "memory_pages" => {
            "reduce the initial memory, for example with the linker's `--initial-memory`"
        }
        _ => "reduce it",
    }
}

/// An export with its signature. PolkaVM programs have no signatures.
pub(crate) fn signature(program: &Program, export: &Export) -> String {
    if program.format == Format::PolkaVm {
        return format!("{}(..)", export.name);
    }
    let list = |types: &[fusee::sandbox::ValueType]| {
        types
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let params = list(&export.params);
    match export.results.as_slice() {
        [] => format!("{}({params})", export.name),
        [result] => format!("{}({params}) -> {result}", export.name),
        results => format!("{}({params}) -> ({})", export.name, list(results)),
    }
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = MOST_BYTES.saturating_add(1);
    if path == Path::new(STANDARD_INPUT) {
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        file.take(most).read_to_end(&mut bytes)?;
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST_BYTES) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Whether the bytes are WebAssembly text.
fn is_text(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    start.starts_with(b"(") || start.starts_with(b";;")
}

#[cfg(test)]
mod tests;
