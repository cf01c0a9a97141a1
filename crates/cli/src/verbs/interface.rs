//! `interface`: shows what a contract tells of itself, or writes it into a program.

use std::{fs, path::Path};

use fusee::interface::{self, Interface, SectionError, StorageKind};
use fusee::sandbox::Format;
use serde::Serialize;

use super::transaction::INTERFACES;
use crate::{
    addresses,
    args::{ChainArgs, InterfaceArgs},
    chain::Chain,
    failure::{Exit, Failure},
    interfaces::{Interfaces, Reading, Warning, beside, fields, signature},
    names,
    output::Output,
    program,
    receipt::line,
    table::table,
};

#[derive(Serialize)]
struct Written<'a> {
    file: String,
    bytes: usize,
    interface: &'a Interface,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

pub(crate) fn run(args: &InterfaceArgs, output: &mut Output) -> Result<Exit, Failure> {
    match &args.embed {
        None => {
            let interface = of(&args.file, &args.chain)?;
            output.answer(&interface, || text(&interface))?;
            Ok(Exit::Success)
        }
        Some(json) => embed(args, json, &program::read(&args.file)?, output),
    }
}

/// The interface of a program in a file, or of a contract of the chain.
pub(super) fn of(place: &Path, chain: &ChainArgs) -> Result<Interface, Failure> {
    match address(place) {
        Some(address) => of_contract(address, chain),
        None => of_file(place),
    }
}

/// The address or name, if it is not a file: a file has an extension.
fn address(place: &Path) -> Option<&str> {
    let text = place.to_str()?;
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'@');
    let is_word = !text.is_empty() && text.bytes().all(is_sign);
    (is_word && !place.exists()).then_some(text)
}

fn of_contract(text: &str, chain: &ChainArgs) -> Result<Interface, Failure> {
    let chain = Chain::existing(chain)?;
    let state = chain.state()?;
    let contract = addresses::resolve(text, &state, None)?;
    if addresses::account(&state, contract)?.code.is_none() {
        return Err(addresses::no_contract(text, &state)?);
    }
    let folder = chain.folder().map(|folder| folder.join(INTERFACES));
    let interfaces = Interfaces::new(Reading::On, folder);
    let methods = chain.methods(contract)?;
    interfaces.check_contract(&state, contract, methods.as_deref());
    let Some(interface) = interfaces.of_contract(&state, contract) else {
        let error = anyhow::anyhow!("the contract {} has no interface", names::short(contract));
        return Err(Failure::new(Exit::Unsuccessful, error)
            .next("it is called without one; see `fusee call --help`"));
    };
    Ok(Interface::clone(&interface))
}

fn of_file(file: &Path) -> Result<Interface, Failure> {
    let program = program::read(file)?;
    let found = find(file, &program)?;
    Interfaces::new(Reading::On, None).check_file(file, &program);
    found.ok_or_else(|| {
        let message = format!("`{}` has no interface", file.display());
        Failure::new(Exit::Unsuccessful, anyhow::Error::msg(message))
            .next("write one as JSON, and add it with `fusee interface FILE --embed JSON`")
    })
}

fn embed(
    args: &InterfaceArgs,
    json: &Path,
    program: &[u8],
    output: &mut Output,
) -> Result<Exit, Failure> {
    let text = fs::read(json).map_err(|error| {
        let message = format!("cannot read `{}`", json.display());
        Failure::new(Exit::Usage, anyhow::Error::new(error).context(message))
            .next("check the path and its permissions")
    })?;
    let interface: Interface = serde_json::from_slice(&text).map_err(|error| {
        let message = format!("`{}` is not an interface", json.display());
        Failure::new(Exit::Usage, anyhow::Error::new(error).context(message))
            .next("see guests/interfaces/token.json for one")
    })?;
    let refused = |error: SectionError| {
        let message = format!("the interface cannot be added to `{}`", args.file.display());
        Failure::new(
            Exit::Unsuccessful,
            anyhow::Error::new(error).context(message),
        )
        .next("correct the JSON")
    };
    let (file, bytes) = match Format::of(program) {
        Format::Wasm => {
            let file = args.output.clone().unwrap_or_else(|| args.file.clone());
            let bytes = interface::embed(program, &interface).map_err(refused)?;
            (file, bytes)
        }
        Format::PolkaVm => {
            let file = args.output.clone().unwrap_or_else(|| beside(&args.file));
            let bytes = interface.encode().map_err(|error| refused(error.into()))?;
            (file, bytes)
        }
    };
    fs::write(&file, &bytes).map_err(|error| {
        let message = format!("cannot write `{}`", file.display());
        Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
            .next("choose another file with --output")
    })?;
    let interfaces = Interfaces::new(Reading::On, None);
    interfaces.check_written(&file, program, &interface);
    let written = Written {
        file: file.display().to_string(),
        bytes: bytes.len(),
        interface: &interface,
        warnings: interfaces.warnings(),
    };
    output.answer(&written, || {
        let lines = [
            line("written", file.display().to_string()),
            line("size", format!("{} bytes", bytes.len())),
        ];
        table(0, &lines)
    })?;
    Ok(Exit::Success)
}

/// The interface in a program, or beside it.
fn find(file: &Path, program: &[u8]) -> Result<Option<Interface>, Failure> {
    let found = match Format::of(program) {
        Format::Wasm => interface::extract(program),
        Format::PolkaVm => match fs::read(beside(file)) {
            Ok(bytes) => Interface::decode(&bytes).map(Some).map_err(Into::into),
            Err(_) => Ok(None),
        },
    };
    found.map_err(|error| {
        let message = format!("the interface of `{}` cannot be read", file.display());
        Failure::new(
            Exit::Unsuccessful,
            anyhow::Error::new(error).context(message),
        )
        .next("the contract runs without it; ask its author for another")
    })
}

fn text(interface: &Interface) -> String {
    let mut text = format!("{}\n", interface.name);
    let mut paragraph = |doc: &str, indent: &str| {
        for line in doc.lines() {
            text.push_str(&format!("{indent}{line}\n"));
        }
    };
    paragraph(&interface.doc, "  ");
    for method in &interface.methods {
        paragraph(&format!("\n{}", signature(method)), "");
        paragraph(&method.doc, "    ");
    }
    for event in &interface.events {
        let topics = match event.topics.is_empty() {
            true => String::new(),
            false => format!(" by {}", fields(&event.topics)),
        };
        let shown = format!("\nevent {}({}){topics}", event.name, fields(&event.data));
        paragraph(&shown, "");
        paragraph(&event.doc, "    ");
    }
    for error in &interface.errors {
        paragraph(&format!("\nerror {}", error.name), "");
        paragraph(&error.doc, "    ");
    }
    for field in &interface.storage {
        let of = match &field.kind {
            StorageKind::Value(value) => value.to_string(),
            StorageKind::Map { key, value } => format!("map of {key} to {value}"),
            StorageKind::Set(key) => format!("set of {key}"),
            StorageKind::Vector(value) => format!("vector of {value}"),
        };
        paragraph(&format!("\nstorage {}: {of}", field.name), "");
        paragraph(&field.doc, "    ");
    }
    text
}
