//! Leaves of a module what a chain and the tools for contracts need: `contract FILE.wasm OUT.wasm`.
//!
//! Of the custom sections that is the interface. The others name functions, sources and the
//! compiler, which distributors give names of their own.

use anyhow::{Context, bail, ensure};
use wasm_encoder::{CustomSection, Module, RawSection};
use wasmparser::{Parser, Payload};

/// The section of the interface, as the crate fusee-interface calls it.
const INTERFACE: &str = "fusee.interface";

fn main() -> anyhow::Result<()> {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    let [from, to] = paths.as_slice() else {
        bail!("usage: contract FILE.wasm OUT.wasm");
    };
    let wasm = std::fs::read(from)?;
    let written = stripped(&wasm).with_context(|| format!("cannot read {}", from.display()))?;
    Ok(std::fs::write(to, written)?)
}

fn stripped(wasm: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut module = Module::new();
    let mut interfaces = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let Payload::CustomSection(custom) = &payload {
            if custom.name() == INTERFACE {
                module.section(&CustomSection {
                    name: custom.name().into(),
                    data: custom.data().into(),
                });
                interfaces += 1;
            }
        } else if let Some((id, range)) = payload.as_section() {
            let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
            let data = wasm.get(range).context("a section ends outside the file")?;
            module.section(&RawSection { id, data });
        }
    }
    ensure!(
        interfaces == 1,
        "a contract has one interface, not {interfaces}"
    );
    Ok(module.finish())
}
