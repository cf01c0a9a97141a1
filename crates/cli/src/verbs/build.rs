//! `build`: builds a contract, checks it by the rules, and tells how large its parts are.

use std::{
    cmp::Reverse,
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use fusee::{
    chain::ContractRules,
    interface::{self, Interface},
    sandbox::{CodeHash, Inspection, Rules},
};
use fusee_build::{BuildError, Contract, Lock, Messages, Names, Options, stripped};
use serde::Serialize;

use super::check;
use crate::{
    args::BuildArgs,
    failure::{Exit, Failure},
    instance::InstanceJson,
    interfaces::beside,
    numbers::grouped,
    output::{Format, Output},
    profile::share,
    receipt::line,
    symbols::demangled,
    table::{Align, aligned, table},
};

/// A built contract.
#[derive(Serialize)]
struct Built {
    file: String,
    package: String,
    format: &'static str,
    code_hash: String,
    size: usize,
    metered_size: usize,
    instance_gas: u64,
    instance: InstanceJson,
    /// Bytes of the interface. `None` if the contract has none.
    interface_size: Option<usize>,
    methods: Vec<String>,
    /// The largest first.
    functions: Vec<FunctionJson>,
}

/// A function, and its part of the program.
#[derive(Serialize)]
struct FunctionJson {
    name: String,
    size: u64,
    share: String,
}

/// What is built, with the names of functions and as it is written.
struct Program {
    named: Vec<u8>,
    written: Vec<u8>,
    /// The interface, if it belongs into a file beside the program.
    beside: Option<Interface>,
}

pub(crate) fn run(args: &BuildArgs, output: &mut Output) -> Result<Exit, Failure> {
    let contract = Contract::find(&args.path)?;
    let options = options(
        output,
        match args.locked {
            true => Lock::Holds,
            false => Lock::Follows,
        },
    );
    let program = match args.polkavm {
        true => polkavm(&contract, options)?,
        false => wasm(&contract, options, args.names)?,
    };
    let file = args.out.clone().unwrap_or_else(|| {
        let extension = if args.polkavm { "polkavm" } else { "wasm" };
        let name = format!("{}.{extension}", contract.library);
        shown(&contract.output.join(name))
    });
    let rules = ContractRules::latest();
    let program_rules = rules.program.clone().with_floats(args.floats.rule());
    let inspected = fusee::sandbox::inspect(&program.named, &program_rules);
    let found = match inspected.and_then(|found| {
        rules.check_methods(&found.program)?;
        Ok(found)
    }) {
        Ok(found) => found,
        Err(refusal) => {
            return check::refuse(&file, &program.named, refusal, &program_rules, output);
        }
    };
    let interface = match program.beside.clone() {
        Some(interface) => Some(interface),
        None => readable_interface(&contract, &program.written)?,
    };
    write(&file, &program)?;
    let built = Built::new(
        &file,
        &contract,
        &program,
        &found,
        interface.as_ref(),
        &program_rules,
    )?;
    output.answer(&built, || built.text(args.functions))?;
    Ok(Exit::Success)
}

/// How a contract is built for somebody at a terminal, or for a script.
pub(super) fn options(output: &Output, lock: Lock) -> Options {
    let is_shown = output.format() == Format::Text && io::stderr().is_terminal();
    Options {
        messages: if is_shown {
            Messages::Shown
        } else {
            Messages::Kept
        },
        lock,
    }
}

fn wasm(contract: &Contract, options: Options, names: bool) -> Result<Program, Failure> {
    let named = contract.wasm(Names::Kept, options)?;
    let written = match names {
        true => named.clone(),
        false => stripped(&named).map_err(|error| Failure::new(Exit::Host, error))?,
    };
    Ok(Program {
        named,
        written,
        beside: None,
    })
}

/// The program for PolkaVM. Its interface is that of the wasm module.
fn polkavm(contract: &Contract, options: Options) -> Result<Program, Failure> {
    let program = contract.polkavm(options)?;
    let beside = match contract.wasm(Names::Stripped, options) {
        Ok(wasm) => readable_interface(contract, &wasm)?,
        Err(BuildError::Missing { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Program {
        named: program.clone(),
        written: program,
        beside,
    })
}

/// The interface in a module, which tools would ignore if it could not be read.
fn readable_interface(contract: &Contract, wasm: &[u8]) -> Result<Option<Interface>, Failure> {
    if !wasm.starts_with(b"\0asm") {
        return Ok(None);
    }
    interface::extract(wasm).map_err(|error| {
        let message = format!("the interface of `{}` cannot be read", contract.package);
        Failure::new(
            Exit::Unsuccessful,
            anyhow::Error::new(error).context(message),
        )
        .next(
            "leave the section `fusee.interface` to #[contract] of the SDK, or write one as JSON \
             and add it with `fusee interface FILE --embed JSON`",
        )
    })
}

fn write(file: &Path, program: &Program) -> Result<(), Failure> {
    let written = fs::write(file, &program.written).and_then(|()| match &program.beside {
        Some(interface) => {
            let bytes = interface.encode().map_err(io::Error::other)?;
            fs::write(beside(file), bytes)
        }
        None => Ok(()),
    });
    written.map_err(|error| {
        let message = format!("`{}` cannot be written", file.display());
        Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
            .next("choose another file with --out")
    })
}

/// A path as people type it: relative to this folder, if it is in it.
fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    match here
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned))
    {
        Some(relative) => relative,
        None => path.to_owned(),
    }
}

impl Built {
    fn new(
        file: &Path,
        contract: &Contract,
        program: &Program,
        found: &Inspection,
        interface: Option<&Interface>,
        rules: &Rules,
    ) -> Result<Self, Failure> {
        let written = fusee::sandbox::inspect(&program.written, rules)
            .map_err(|refusal| Failure::refused(file.display(), refusal))?;
        let encoded = interface.map(Interface::encode).transpose();
        let encoded = encoded.map_err(|error| Failure::new(Exit::Host, error))?;
        let methods = interface.iter().flat_map(|interface| &interface.methods);
        let size = program.written.len();
        let mut functions: Vec<_> = found.functions.iter().collect();
        functions.sort_by_key(|function| Reverse(function.bytes));
        let total = u64::try_from(size).unwrap_or(u64::MAX);
        let functions = functions.into_iter().map(|function| FunctionJson {
            name: match &function.name.name {
                Some(name) => demangled(name),
                None => format!("func[{}]", function.name.index),
            },
            size: function.bytes,
            share: share(function.bytes, total),
        });
        Ok(Self {
            file: file.display().to_string(),
            package: contract.package.clone(),
            format: found.program.format.name(),
            code_hash: CodeHash::of(&program.written).to_string(),
            size,
            metered_size: written.program.code.len(),
            instance_gas: written.program.instantiation_gas.units(),
            instance: InstanceJson::of(&written),
            interface_size: encoded.map(|bytes| bytes.len()),
            methods: methods.map(|method| method.name.clone()).collect(),
            functions: functions.collect(),
        })
    }

    fn text(&self, most_functions: usize) -> String {
        let interface = match self.interface_size {
            Some(size) => format!("{} bytes: {}", grouped(size), self.methods.join(", ")),
            None => "none".to_owned(),
        };
        let mut lines = vec![
            line("code hash", self.code_hash.as_str()),
            line("format", self.format),
            line(
                "size",
                format!(
                    "{} bytes, {} metered",
                    grouped(self.size),
                    grouped(self.metered_size)
                ),
            ),
            line("interface", interface),
        ];
        lines.extend(self.instance.lines());
        let mut text = format!("{}: built\n{}", self.file, table(2, &lines));
        if most_functions == 0 || self.functions.is_empty() {
            return text;
        }
        text.push_str(&format!(
            "  functions  the largest of {}\n",
            self.functions.len()
        ));
        let mut rows = vec![["bytes", "share", "function"].map(str::to_owned)];
        let largest = self.functions.iter().take(most_functions);
        rows.extend(largest.map(|function| {
            [
                grouped(function.size),
                function.share.clone(),
                function.name.clone(),
            ]
        }));
        text.push_str(&aligned(
            4,
            [Align::Right, Align::Right, Align::Left],
            &rows,
        ));
        text
    }
}
