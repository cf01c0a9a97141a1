//! `test`: runs the tests of a contract, and shows which lines they ran.

mod coverage;
mod gas;
mod lcov;

use std::{
    io,
    path::Path,
    process::{Command, Stdio},
};

use fusee_build::{BuildError, Contract, Toolchain, command};
use serde::Serialize;
use tempfile::TempDir;

use crate::{
    args::TestArgs,
    failure::{Exit, Failure},
    output::{self, Format, Output},
};

use self::{coverage::Coverage, gas::GasFile};

pub(crate) use self::coverage::compile_if_asked;

/// The variable by which golden files are written again.
const UPDATE: &str = "UPDATE_EXPECT";

/// The variable by which a gas snapshot without a file fails.
const CHECK_GAS: &str = "FUSEE_GAS_CHECK";

/// The variable with the folder that gas snapshots write their comparisons to.
const DIFF_GAS: &str = "FUSEE_GAS_DIFF";

/// The variable by which a test fails on a machine that it would skip.
const REQUIRE_ALL: &str = "FUSEE_TEST_REQUIRE_ALL";

#[derive(Serialize)]
struct Tested {
    package: String,
    passed: bool,
    /// The machines that are skipped.
    skipped: Vec<Skipped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Coverage>,
    /// The gas snapshots, with `--diff`.
    #[serde(skip_serializing_if = "Option::is_none")]
    gas: Option<Vec<GasFile>>,
}

/// Machines whose toolchain is missing.
#[derive(Serialize)]
struct Skipped {
    machines: &'static [&'static str],
    needs: String,
    install: String,
}

pub(crate) fn run(args: &TestArgs, output: &mut Output) -> Result<Exit, Failure> {
    let contract = Contract::find(&args.path)?;
    let toolchain = Toolchain::find(&contract.folder)?;
    let skipped = skipped(&toolchain, args)?;
    for skip in &skipped {
        output::complain(&format!(
            "no tests on {}: this needs {}\n  next: {}\n",
            skip.machines.join(" and "),
            skip.needs,
            skip.install
        ));
    }
    let compared = args.diff.then(gas::folder).transpose()?;
    let run = Run {
        args,
        compared: compared.as_ref().map(TempDir::path),
    };
    let (passed, coverage) = match args.coverage {
        true => coverage::measure(&contract, &toolchain, run, output)?,
        false => (run_to_end(&mut tests(&contract, run, output))?, None),
    };
    let read = |folder: &TempDir| gas::read(folder.path(), &contract.folder);
    let gas = compared.as_ref().map(read).transpose()?;
    let tested = Tested {
        package: contract.package,
        passed,
        skipped,
        coverage,
        gas,
    };
    output.answer(&tested, || tested.text())?;
    Ok(match tested.passed {
        true => Exit::Success,
        false => Exit::Unsuccessful,
    })
}

/// The machines that the tests cannot run on, or a failure if they have to.
fn skipped(toolchain: &Toolchain, args: &TestArgs) -> Result<Vec<Skipped>, Failure> {
    let machines: [(Result<(), BuildError>, &'static [&'static str]); 2] = [
        (toolchain.has_wasm(), &["wasmtime", "wasmi"]),
        (toolchain.has_polkavm(), &["polkavm"]),
    ];
    let mut skipped = Vec::new();
    for (ready, machines) in machines {
        match ready {
            Ok(()) => {}
            Err(BuildError::Missing { what, install }) if !args.require_all => {
                skipped.push(Skipped {
                    machines,
                    needs: what,
                    install,
                });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(skipped)
}

/// How tests are run.
#[derive(Clone, Copy)]
struct Run<'a> {
    args: &'a TestArgs,
    /// The folder for comparisons of gas.
    compared: Option<&'a Path>,
}

/// `cargo test` of a contract.
fn tests(contract: &Contract, run: Run<'_>, output: &Output) -> Command {
    let args = run.args;
    let mut cargo = command("cargo");
    cargo
        .current_dir(&contract.folder)
        .args(["test", "--package", &contract.package])
        .stdin(Stdio::null());
    // A golden file that is rewritten is not checked.
    for variable in [UPDATE, CHECK_GAS, DIFF_GAS] {
        cargo.env_remove(variable);
    }
    if args.update_gas {
        cargo.env(UPDATE, "1");
    }
    if args.check {
        cargo.env(CHECK_GAS, "1");
    }
    if let Some(folder) = run.compared {
        cargo.env(DIFF_GAS, folder);
    }
    if args.require_all {
        cargo.env(REQUIRE_ALL, "1");
    }
    if args.coverage {
        cargo.arg("--tests");
    }
    if let Some(filter) = &args.filter {
        cargo.args(["--", filter]);
    }
    if output.format() == Format::Json {
        // What cargo and the tests write is no JSON.
        cargo.stdout(io::stderr());
    }
    cargo
}

/// Whether a command succeeds.
fn run_to_end(command: &mut Command) -> Result<bool, Failure> {
    let done = command.status().map_err(|error| {
        Failure::new(
            Exit::Host,
            anyhow::Error::new(error).context("cargo does not start"),
        )
        .next("install Rust as https://rustup.rs describes")
    })?;
    Ok(done.success())
}

impl Tested {
    fn text(&self) -> String {
        let mut text = match self.passed {
            true => format!("\n{}: the tests pass\n", self.package),
            false => format!("\n{}: the tests fail\n", self.package),
        };
        if let Some(coverage) = &self.coverage {
            text.push('\n');
            text.push_str(&coverage.text());
        }
        if let Some(gas) = &self.gas {
            text.push('\n');
            text.push_str(&gas::text(gas));
        }
        text
    }
}
