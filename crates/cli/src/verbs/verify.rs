//! `verify build`: builds sources, and compares the program with one on a chain or in a file.
//!
//! Equal means equal bytes, with or without the names of functions: these are for people, and no
//! chain reads them.

use std::path::Path;

use fusee::{
    chain::{Account, StateReader, keys},
    sandbox::{CodeHash, Format},
};
use fusee_build::{Contract, Layout, Lock, Names, Toolchain, layout, stripped};
use serde::Serialize;

use super::build::options;
use crate::{
    addresses,
    args::VerifyBuildArgs,
    chain::Chain,
    failure::{Exit, Failure},
    numbers::grouped,
    output::Output,
    program,
    receipt::line,
    symbols::demangled,
    table::{Align, aligned, table},
};

/// Names of functions that differ in a text; JSON lists all.
const FUNCTIONS: usize = 10;

/// What the comparison found.
#[derive(Serialize)]
struct Verified {
    equal: bool,
    program: String,
    source: String,
    package: String,
    format: &'static str,
    given: ProgramJson,
    built: ProgramJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<Differences>,
}

#[derive(Serialize)]
struct ProgramJson {
    code_hash: String,
    size: usize,
    /// What compiled it, if it tells.
    compiler: Option<String>,
}

/// In what two programs differ.
#[derive(Serialize)]
struct Differences {
    sections: Vec<SectionJson>,
    /// How many functions each has.
    given_functions: usize,
    built_functions: usize,
    /// The functions whose code differs.
    functions: Vec<String>,
}

/// A section that differs: its bytes, if a program has it.
#[derive(Serialize)]
struct SectionJson {
    name: String,
    given: Option<usize>,
    built: Option<usize>,
}

pub(crate) fn run(args: &VerifyBuildArgs, output: &mut Output) -> Result<Exit, Failure> {
    let contract = Contract::find(&args.source)?;
    let toolchain = Toolchain::find(&contract.folder)?;
    let given = code(args)?;
    let lock = match args.unlocked {
        true => Lock::Follows,
        false => Lock::Holds,
    };
    let options = options(output, lock);
    let format = Format::of(&given);
    let built = match format {
        Format::PolkaVm => contract.polkavm(options)?,
        Format::Wasm => contract.wasm(Names::Kept, options)?,
    };
    let (without_names, given_without) = match format {
        Format::PolkaVm => (built.clone(), given.clone()),
        // A program that is none has no sections to be left out.
        Format::Wasm => (
            stripped(&built).map_err(|error| Failure::new(Exit::Host, error))?,
            stripped(&given).unwrap_or_else(|_| given.clone()),
        ),
    };
    let equal = given == built || given == without_names;
    let verified = Verified {
        equal,
        program: args.program.clone(),
        source: args.source.display().to_string(),
        package: contract.package.clone(),
        format: format.name(),
        differences: (!equal).then(|| Differences::of(&given, &built)),
        // With names or without, as the given one.
        built: match given == built {
            true => ProgramJson::of(&built),
            false => ProgramJson::of(&without_names),
        },
        given: ProgramJson::of(&given),
    };
    let only_sections = given_without == without_names;
    output.answer(&verified, || verified.text(&toolchain, only_sections))?;
    Ok(match equal {
        true => Exit::Success,
        false => Exit::Unsuccessful,
    })
}

/// The program: of a file, of a contract, or uploaded code.
fn code(args: &VerifyBuildArgs) -> Result<Vec<u8>, Failure> {
    let text = args.program.as_str();
    if Path::new(text).exists() {
        return program::read(Path::new(text));
    }
    if text.contains(['/', '\\']) || text.ends_with(".wasm") || text.ends_with(".polkavm") {
        // Says that there is no such file.
        return program::read(Path::new(text));
    }
    let state = Chain::existing(&args.chain)?.state()?;
    let failed = |error: fusee::chain::StateError| Failure::new(Exit::Host, error);
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut hash = [0; 32];
    if hex::decode_to_slice(digits, &mut hash).is_ok()
        && let Some(code) = state
            .read(&keys::code(CodeHash::from_bytes(hash)))
            .map_err(failed)?
    {
        return Ok(code.to_vec());
    }
    let address = addresses::resolve(text, &state, None)?;
    let account: Account = addresses::account(&state, address)?;
    let Some(code) = account.code else {
        return Err(addresses::no_contract(text, &state)?);
    };
    let code = state.read(&keys::code(code.hash)).map_err(failed)?;
    let code = code.ok_or_else(|| {
        Failure::new(
            Exit::Host,
            anyhow::anyhow!("the state does not have the code of {address}"),
        )
        .next("see `fusee doctor`")
    })?;
    Ok(code.to_vec())
}

impl ProgramJson {
    fn of(program: &[u8]) -> Self {
        Self {
            code_hash: CodeHash::of(program).to_string(),
            size: program.len(),
            compiler: layout(program).ok().and_then(|layout| layout.compiler),
        }
    }
}

impl Differences {
    /// Sections and functions, as far as both can be read.
    fn of(given: &[u8], built: &[u8]) -> Self {
        let (given, built) = (
            layout(given).unwrap_or_default(),
            layout(built).unwrap_or_default(),
        );
        Self {
            sections: sections(&given, &built),
            given_functions: given.functions.len(),
            built_functions: built.functions.len(),
            functions: functions(&given, &built),
        }
    }
}

fn sections(given: &Layout, built: &Layout) -> Vec<SectionJson> {
    let find = |layout: &Layout, name: &str| {
        let found = layout.sections.iter().find(|section| section.name == name);
        found.map(|section| section.data.to_vec())
    };
    let mut names: Vec<&str> = Vec::new();
    for section in given.sections.iter().chain(&built.sections) {
        // Nothing depends on the names of functions.
        if section.name != "name" && !names.contains(&section.name.as_str()) {
            names.push(&section.name);
        }
    }
    let compared = names.into_iter().filter_map(|name| {
        let (given, built) = (find(given, name), find(built, name));
        (given != built).then(|| SectionJson {
            name: name.to_owned(),
            given: given.map(|data| data.len()),
            built: built.map(|data| data.len()),
        })
    });
    compared.collect()
}

/// The functions of what was built that differ from those at the same place.
fn functions(given: &Layout, built: &Layout) -> Vec<String> {
    let pairs = built.functions.iter().zip(&given.functions);
    let other = pairs.filter(|(built, given)| built.body != given.body);
    other
        .map(|(built, _)| match &built.name {
            Some(name) => demangled(name),
            None => format!("func[{}]", built.index),
        })
        .collect()
}

impl Verified {
    fn text(&self, toolchain: &Toolchain, only_sections: bool) -> String {
        let told = |program: &ProgramJson| {
            let compiler = program.compiler.as_deref().map(|by| format!(", {by}"));
            format!(
                "{} bytes, code hash {}{}",
                grouped(program.size),
                program.code_hash,
                compiler.unwrap_or_default()
            )
        };
        let verdict = match self.equal {
            true => "equal",
            false => "DIFFERENT",
        };
        let mut text = format!(
            "{} and {} of {}: {verdict}\n",
            self.program, self.package, self.source
        );
        text.push_str(&table(
            2,
            &[
                line("given", told(&self.given)),
                line("built", told(&self.built)),
                line("here", toolchain.version()),
            ],
        ));
        if let Some(differences) = &self.differences {
            text.push_str(&differences.text(only_sections));
            text.push_str(&self.next(toolchain));
        }
        text
    }

    /// What may explain the difference.
    fn next(&self, toolchain: &Toolchain) -> String {
        let version = |compiler: &str| compiler.split(' ').nth(1).map(str::to_owned);
        let given = self.given.compiler.as_deref();
        let next = match given.and_then(version) {
            Some(release) if given != Some(toolchain.version()) => {
                format!(
                    "build it with the toolchain that it was built with: RUSTUP_TOOLCHAIN={release}"
                )
            }
            _ => "check that these are its sources, with its Cargo.lock and its profile `contract`"
                .to_owned(),
        };
        format!("  next: {next}\n")
    }
}

impl Differences {
    fn text(&self, only_sections: bool) -> String {
        let mut rows = vec![["section", "given", "built"].map(str::to_owned)];
        let bytes = |size: Option<usize>| size.map_or_else(|| "none".to_owned(), grouped);
        rows.extend(self.sections.iter().map(|section| {
            [
                section.name.clone(),
                bytes(section.given),
                bytes(section.built),
            ]
        }));
        let mut text = aligned(2, [Align::Left, Align::Right, Align::Right], &rows);
        if only_sections {
            text.push_str("  the code and data are equal: only custom sections differ\n");
        }
        if self.given_functions != self.built_functions {
            text.push_str(&format!(
                "  {} functions are given, {} are built\n",
                grouped(self.given_functions),
                grouped(self.built_functions)
            ));
        }
        let listed = self.functions.iter().take(FUNCTIONS);
        text.extend(listed.map(|function| format!("  function {function} differs\n")));
        let more = self.functions.len().saturating_sub(FUNCTIONS);
        if more > 0 {
            text.push_str(&format!("  and {} more\n", grouped(more)));
        }
        text
    }
}
