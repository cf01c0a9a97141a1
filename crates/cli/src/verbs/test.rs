//! `test`: runs the tests of a contract, and shows which lines they ran.

mod coverage;
mod lcov;

use std::{
    io,
    process::{Command, Stdio},
};

use fusee_build::{BuildError, Contract, Toolchain, command};
use serde::Serialize;

use crate::{
    args::TestArgs,
    failure::{Exit, Failure},
    output::{self, Format, Output},
};

use self::coverage::Coverage;

pub(crate) use self::coverage::compile_if_asked;

/// The variable by which golden files are written again.
const UPDATE: &str = "UPDATE_EXPECT";

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
    let (passed, coverage) = match args.coverage {
        true => coverage::measure(&contract, &toolchain, args, output)?,
        false => (run_to_end(&mut tests(&contract, args, output))?, None),
    };
    let tested = Tested {
        package: contract.package,
        passed,
        skipped,
        coverage,
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

/// `cargo test` of a contract.
fn tests(contract: &Contract, args: &TestArgs, output: &Output) -> Command {
    let mut cargo = command("cargo");
    cargo
        .current_dir(&contract.folder)
        .args(["test", "--package", &contract.package])
        .stdin(Stdio::null());
    // A golden file that is rewritten is not checked.
    cargo.env_remove(UPDATE);
    if args.update_gas {
        cargo.env(UPDATE, "1");
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
        text
    }
}
