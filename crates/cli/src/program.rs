//! Programs in files: as wasm, as its text, or for PolkaVM.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use fusee::sandbox::{Export, Format, Program, Refusal, Rule, Rules};

use crate::{
    failure::{Exit, Failure},
    numbers::grouped,
};

/// What every wasm file begins with.
const MAGIC: &[u8] = b"\0asm";

/// The largest file that is read: well above what the rules admit, so that it is they who refuse.
const MOST_BYTES: u64 = 64 << 20;

/// The program in a file, in its binary form.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let bytes = read_bytes(path).map_err(|error| {
        let (message, next) = match error.kind() {
            io::ErrorKind::NotFound => (
                format!("there is no file `{shown}`"),
                "check the path, or build the program",
            ),
            io::ErrorKind::IsADirectory => (
                format!("`{shown}` is a folder"),
                "name a .wasm, .wat or .polkavm file in it",
            ),
            io::ErrorKind::FileTooLarge => (
                format!(
                    "`{shown}` is larger than {} bytes, so it is no program",
                    grouped(MOST_BYTES)
                ),
                "name a .wasm, .wat or .polkavm file",
            ),
            _ => (
                format!("`{shown}` cannot be read"),
                "check that you may read it",
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
            let message = format!("`{shown}` is wasm text with a mistake");
            Failure::new(
                Exit::Unsuccessful,
                anyhow::Error::new(error).context(message),
            )
            .next("correct it at that place")
        })?;
    Ok(wasm.into_owned())
}

/// Checks and meters a program. `path` is where it came from, for the failure.
pub(crate) fn prepare(path: &Path, wasm: &[u8], rules: &Rules) -> Result<Program, Failure> {
    fusee::sandbox::prepare(wasm, rules).map_err(|refusal| refused(path, wasm, refusal))
}

/// The failure of a program that the rules refuse.
pub(crate) fn refused(path: &Path, wasm: &[u8], refusal: Refusal) -> Failure {
    let next = advice(wasm, &refusal);
    Failure::refused(path.display(), refusal).next(next)
}

/// What the author of a refused program can do.
pub(crate) fn advice(wasm: &[u8], refusal: &Refusal) -> String {
    let next = match refusal.rule {
        Rule::Valid | Rule::Operator if Format::of(wasm) == Format::PolkaVm => {
            "link it again with PolkaVM's linker of version 0.37, and without memory that grows"
        }
        Rule::InstructionSet => "link it for the instruction set `revivev1`",
        Rule::Format => "build it for `wasm32-unknown-unknown`",
        Rule::Valid => return advice_on_invalid(wasm, refusal),
        Rule::Floats => {
            "use integers: these rules admit no floating point, whose NaNs machines choose"
        }
        Rule::UnknownImport | Rule::ImportKind | Rule::ImportSignature => {
            "a contract imports syscalls from `fusee`, and from `env` the functions of children; what a contract runs imports what that contract answers"
        }
        Rule::ReservedName => "rename it: names that begin with `fusee:` are used for metering",
        Rule::Segment => {
            "give the memory or the table, from the start, the size that its segments need"
        }
        Rule::Limit("memory_pages") if Format::of(wasm) == Format::PolkaVm => {
            "keep less data in it, and link it with less stack"
        }
        Rule::Limit(limit) => advice_on_limit(limit),
        Rule::Feature(name) => {
            return format!("compile without the wasm feature `{name}`, which no rules admit");
        }
        Rule::Operator | Rule::Type => "compile without the wasm feature that this needs",
        _ => "this is a fault in Fusee: keep the program and report it",
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
        format!("the file ends too early, after {size} bytes; build or copy it again")
    } else if !wasm.starts_with(MAGIC) {
        "the file is not wasm: name a .wasm file, which begins with `\\0asm`, or a .wat file"
            .to_owned()
    } else if refusal.message.starts_with("a component") {
        "name the module that the component was made of, or build for `wasm32-unknown-unknown`"
            .to_owned()
    } else {
        "build it for `wasm32-unknown-unknown`, without newer wasm features".to_owned()
    }
}

fn advice_on_limit(limit: &str) -> &'static str {
    match limit {
        "code_bytes" | "output_bytes" | "program_work" => {
            "leave out names and debug information, optimise for size, or split it in two"
        }
        "function_bytes" | "function_work" | "locals" | "nesting" | "frame_bytes" => {
            "build it with optimisation, or split that function"
        }
        "br_table_targets" => "split the large `switch` or `match` in that function",
        "params" | "results" => "pass a pointer to a struct instead",
        "types" | "functions" | "imports" | "exports" | "globals" => {
            "build it with link-time optimisation, which leaves out what is not used"
        }
        "tables" | "table_elements" | "element_segments" | "segment_elements" => {
            "take fewer addresses of functions, or make tables smaller"
        }
        "data_segments" | "data_bytes" => "keep less constant data in the program",
        "memory_pages" => {
            "ask for less memory from the start, as with the linker's `--initial-memory`"
        }
        _ => "make it smaller",
    }
}

/// A function with its signature, as far as its program tells it.
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
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST_BYTES) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Whether it is the text of a program: wasm begins otherwise.
fn is_text(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    start.starts_with(b"(") || start.starts_with(b";;")
}

#[cfg(test)]
mod tests;
