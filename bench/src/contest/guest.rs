//! Guests of the contests: a tiny contract, a real one, and one that asks its host.
//!
//! Every entry here takes an `i32` and returns one, so that each contender calls them all alike.
//! System programs are guests too, and are made in their own group.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use fusee::sandbox::{Floats, Rules, SyscallPrice, SyscallRule, ValueType};
use serde_json::Value;
use wasmi::{ExternType, ValType};

/// A contract of about 200 bytes: a page, some data, a host call.
const TINY: &str = r#"(module
    (import "env" "note" (func $note (param i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "a key and the value under it, which are about as long as they would be in a ledger")
    (func (export "run") (param i32) (result i32)
        (i32.store (i32.const 8) (local.get 0))
        (call $note (i32.load (i32.const 8)))))"#;

/// Asks the host n times, with a number that it gets back.
const ASKING: &str = r#"(module
    (import "env" "note" (func $note (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "run") (param $n i32) (result i32) (local $i i32)
        (loop $again
            (local.set $i (i32.add (call $note (local.get $i)) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
        (local.get $i)))"#;

/// Where the peer that brings the real contract is built.
const COSMWASM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cosmwasm/Cargo.toml");

/// A program, and the call of it that is measured.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) wasm: Vec<u8>,
    pub(crate) entry: &'static str,
    pub(crate) argument: i32,
    /// What the call answers.
    pub(crate) answer: i32,
    /// Whether the host may park the guest where it asks.
    pub(crate) may_suspend: bool,
}

impl Guest {
    pub(crate) fn tiny() -> Result<Self> {
        Ok(Self {
            wasm: wat::parse_str(TINY)?,
            entry: "run",
            argument: 7,
            answer: 7,
            may_suspend: false,
        })
    }

    /// A program that is prepared only, and not called.
    pub(crate) fn prepared(wasm: Vec<u8>) -> Self {
        Self {
            wasm,
            entry: "",
            argument: 0,
            answer: 0,
            may_suspend: false,
        }
    }

    /// Asks so many times.
    pub(crate) fn asking(times: u32) -> Result<Self> {
        let times = i32::try_from(times)?;
        Ok(Self {
            wasm: wat::parse_str(ASKING)?,
            entry: "run",
            argument: times,
            answer: times,
            may_suspend: false,
        })
    }

    /// The same guest, which may be parked where it asks.
    pub(crate) fn suspendable(self) -> Self {
        Self {
            may_suspend: true,
            ..self
        }
    }

    /// The contract `hackatom` of cosmwasm-vm, from that package's own test data. It allocates 64
    /// bytes.
    pub(crate) fn hackatom() -> Result<Self> {
        let path = package_folder("cosmwasm-vm")?.join("testdata/hackatom.wasm");
        let wasm = fs::read(&path).with_context(|| {
            format!(
                "cannot read {}, which the package cosmwasm-vm should hold",
                path.display()
            )
        })?;
        Ok(Self {
            wasm,
            entry: "allocate",
            argument: 64,
            answer: 1_114_192,
            may_suspend: false,
        })
    }

    /// The rules by which we admit the program: its imports are the syscalls, numbered in their
    /// order.
    pub(crate) fn rules(&self) -> Result<Rules> {
        // wasmi reads the imports, since it does so without compiling anything.
        let module = wasmi::Module::new(&wasmi::Engine::default(), &self.wasm)?;
        let syscalls = (1..).zip(module.imports()).map(|(number, import)| {
            let ExternType::Func(signature) = import.ty() else {
                anyhow::bail!("the import `{}` is no function", import.name());
            };
            Ok(SyscallRule {
                module: import.module().to_owned(),
                name: import.name().to_owned(),
                number,
                params: signature
                    .params()
                    .iter()
                    .map(value_type)
                    .collect::<Result<_>>()?,
                result: signature.results().first().map(value_type).transpose()?,
                may_suspend: self.may_suspend,
                price: SyscallPrice::FREE,
            })
        });
        // `hackatom` has code for floats in it, which the call does not reach.
        Ok(Rules::v1(syscalls.collect::<Result<_>>()?).with_floats(Floats::Canonical))
    }

    /// Holds an answer against the right one.
    pub(crate) fn check(&self, answer: i32) -> Result<()> {
        ensure!(
            answer == self.answer,
            "`{}` of {} is {}, but was {answer}",
            self.entry,
            self.argument,
            self.answer,
        );
        Ok(())
    }
}

fn value_type(of: &ValType) -> Result<ValueType> {
    match of {
        ValType::I32 => Ok(ValueType::I32),
        ValType::I64 => Ok(ValueType::I64),
        other => anyhow::bail!("a syscall has no {other:?}"),
    }
}

/// Where cargo keeps the sources of a package of the peer's; it fetches them if need be.
fn package_folder(name: &str) -> Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--manifest-path",
            COSMWASM,
        ])
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    metadata
        .get("packages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|package| package.get("name").and_then(Value::as_str) == Some(name))
        .and_then(|package| package.get("manifest_path")?.as_str())
        .and_then(|manifest| Path::new(manifest).parent())
        .map(Path::to_owned)
        .with_context(|| format!("{COSMWASM} does not depend on {name}"))
}
