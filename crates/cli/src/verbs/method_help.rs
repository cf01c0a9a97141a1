//! What `-- --help` prints: the methods of a contract with their arguments, or one of them.

use std::path::Path;

use fusee::{
    abi::{DEPLOY_METHOD, MIGRATE_METHOD},
    interface::{Interface, Method},
    sandbox::CodeHash,
};
use serde::Serialize;

use super::transaction::Resolved;
use crate::{
    addresses, arguments,
    failure::{Exit, Failure},
    interfaces::signature,
    names,
    output::Output,
    table::table,
};

#[derive(Serialize)]
struct HelpJson<'a> {
    methods: Vec<&'a Method>,
}

#[derive(Serialize)]
struct NamesJson<'a> {
    /// The exported methods, of which no interface tells more.
    exports: &'a [String],
}

impl Resolved {
    /// Prints the methods of a contract, or one of them.
    pub(crate) fn help_on_contract(
        &self,
        text: &str,
        method: Option<&str>,
        output: &mut Output,
    ) -> Result<Exit, Failure> {
        let address = self.callee(text, method.unwrap_or_default())?;
        let state = self.chain.state()?;
        if addresses::account(&state, address)?.code.is_none() {
            return Err(addresses::no_contract(text, &state)?);
        }
        let interface = self.interface(address)?;
        match (&interface, method) {
            (Some(interface), method) => help(interface, method, output),
            (None, Some(method)) => Err(untold(method)),
            (None, None) => {
                let exports = self.chain.methods(address)?.unwrap_or_default();
                let listed = names::list(exports.iter().map(String::as_str));
                let answer = NamesJson { exports: &exports };
                output.answer(&answer, || {
                    format!(
                        "the contract has no interface, which would tell arguments\n\
                         methods: {listed}\n"
                    )
                })?;
                Ok(Exit::Success)
            }
        }
    }

    /// Prints a method of a program.
    pub(crate) fn help_on_file(
        &self,
        (file, code): (&Path, &[u8]),
        method: &str,
        output: &mut Output,
    ) -> Result<Exit, Failure> {
        let interface = self.interfaces.of_file(file, code);
        of_program(interface.as_deref(), Some(method), output)
    }

    /// Prints a method of uploaded code.
    pub(crate) fn help_on_code(
        &self,
        code: CodeHash,
        method: &str,
        output: &mut Output,
    ) -> Result<Exit, Failure> {
        let state = self.chain.state()?;
        let interface = self.interfaces.of_code(&state, code);
        of_program(interface.as_deref(), Some(method), output)
    }
}

/// Prints a method of a program, or all.
pub(super) fn of_program(
    interface: Option<&Interface>,
    method: Option<&str>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let interface = interface.ok_or_else(|| untold(method.unwrap_or(DEPLOY_METHOD)))?;
    help(interface, method, output)
}

fn untold(method: &str) -> Failure {
    let error = anyhow::anyhow!("no interface tells the arguments of `{method}`");
    Failure::new(Exit::Unsuccessful, error).next(
        "an interface is in a program, or beside it: see `fusee interface`; arguments without one \
         are told by --help",
    )
}

fn help(interface: &Interface, method: Option<&str>, output: &mut Output) -> Result<Exit, Failure> {
    let Some(name) = method else {
        // These run by themselves.
        let is_called =
            |method: &&Method| ![DEPLOY_METHOD, MIGRATE_METHOD].contains(&&*method.name);
        let methods: Vec<_> = interface.methods.iter().filter(is_called).collect();
        let answer = HelpJson { methods };
        output.answer(&answer, || {
            let texts = answer.methods.iter().map(|method| summary(method));
            let texts: Vec<_> = texts.collect();
            let doc = interface.doc.lines().next().unwrap_or_default();
            format!("{}\n  {doc}\n\n{}", interface.name, texts.join("\n"))
        })?;
        return Ok(Exit::Success);
    };
    let method = interface.method(name).ok_or_else(|| untold(name))?;
    let answer = HelpJson {
        methods: vec![method],
    };
    output.answer(&answer, || text(interface, method))?;
    Ok(Exit::Success)
}

/// A method with its documentation.
fn summary(method: &Method) -> String {
    format!("{}\n{}", signature(method), indented(&method.doc, "    "))
}

/// A method with each of its arguments.
fn text(interface: &Interface, method: &Method) -> String {
    let rows: Vec<_> = method
        .args
        .iter()
        .map(|field| {
            let example = arguments::example(interface, &field.value_type);
            let example =
                example.map_or_else(String::new, |example| format!("for example {example}"));
            let doc = field.doc.lines().next().unwrap_or_default().to_owned();
            [
                format!("--{} {}", field.name, field.value_type),
                example,
                doc,
            ]
        })
        .collect();
    let mut text = summary(method);
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(4, &rows));
    }
    text
}

fn indented(text: &str, indent: &str) -> String {
    let lines = text.lines().map(|line| format!("{indent}{line}\n"));
    lines.collect()
}
