//! Flags as they are given. What they mean is found out by the verbs.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, builder::FalseyValueParser};
use fusee::sandbox::{Floats, Gas};

use crate::{
    engines::EngineChoice,
    failure::{EXIT_CODES, Exit, Failure},
    numbers::{parse_amount, parse_gas},
    output::{Format, Output},
    values::{self, GRAMMAR},
};

/// The gas of a command that names none.
const DEFAULT_GAS: &str = "1000000000";

/// Fusee: a virtual machine for contracts, in WebAssembly or for PolkaVM
///
/// It runs each program on more than one engine and finds the same result, the same gas and the same
/// state on all of them.
///
/// Begin with `fusee demo`.
#[derive(Debug, Parser)]
#[command(name = "fusee", version, max_term_width = 100, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Answer with one JSON document
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,

    /// Write plain text, even to a terminal
    #[arg(
        long,
        global = true,
        help_heading = "Output",
        env = "NO_COLOR",
        hide_env_values = true
    )]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(crate) no_color: bool,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show it all in a few seconds: a token contract on every engine, side by side
    Demo(DemoArgs),
    /// Run a function of a program, on every engine
    Run(RunArgs),
    /// Say whether a program is valid as a contract, or why not
    Check(CheckArgs),
    /// Show what is in a program, and what metering makes of it
    Inspect(InspectArgs),
    /// Show where the gas of a run went, by function and by syscall
    Gas(GasArgs),
    /// Make a contract of a program
    Deploy(DeployArgs),
    /// Call a method of a contract, and keep what it changes
    Call(CallArgs),
    /// Ask a method of a contract, and change nothing
    Query(QueryArgs),
    /// List the accounts and contracts
    Accounts(AccountsArgs),
    /// Compile a metered program from the standard input to the standard output, for another process
    #[command(hide = true)]
    Compile(CompileArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fusee demo
  fusee demo --keep demo-state && fusee accounts --data demo-state/wasmtime
  fusee demo --json")]
pub(crate) struct DemoArgs {
    /// Keep the two data folders, in this new folder [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A program that is run so has no imports. Exit code 3 says that the engines disagree.

Examples:
  fusee run guests/wasm/arith.wasm --invoke add 2 -3
  fusee run guests/wasm/arith.wasm --invoke fac 20 --engine wasmi --gas 10000
  fusee run guests/polkavm/compute.polkavm --invoke fib 20
  fusee run guests/wasm/kernel_fib.wasm 20 --json")]
pub(crate) struct RunArgs {
    /// The program: wasm, its text (.wat), or for PolkaVM
    pub(crate) file: PathBuf,

    /// Arguments of the function: whole numbers, decimal or 0x and hexadecimal; floating-point numbers
    /// as 1.5, inf or nan
    #[arg(allow_negative_numbers = true)]
    pub(crate) args: Vec<String>,

    /// The exported function to enter; not needed if there is only one
    #[arg(long, value_name = "EXPORT")]
    pub(crate) invoke: Option<String>,

    /// The most gas that it may use
    #[arg(long, value_name = "N", default_value = DEFAULT_GAS, value_parser = parse_gas)]
    pub(crate) gas: Gas,

    /// What the rules say of floating-point numbers
    #[arg(long, value_enum, default_value = "refused")]
    pub(crate) floats: FloatsChoice,

    /// What it runs on
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) engine: EngineChoice,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit code 1 says that the program is refused.

Examples:
  fusee check guests/wasm/token.wasm
  fusee check guests/wasm/hostile_floats.wasm
  fusee check guests/wasm/hostile_floats.wasm --floats canonical
  fusee check guests/wasm/token.wasm --json")]
pub(crate) struct CheckArgs {
    /// The program: wasm, its text (.wat), or for PolkaVM
    pub(crate) file: PathBuf,

    /// What the rules say of floating-point numbers
    #[arg(long, value_enum, default_value = "refused")]
    pub(crate) floats: FloatsChoice,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints for each function: its size in bytes before and after metering; the number of operators,
loops, calls and metered blocks, each of which is charged as a whole; the gas of all metered blocks
together, which is the cost of running every operator once; the size of its stack frame in bytes;
and the estimated compilation work, which is limited (docs/limits.md).

A program that is refused is told why, as by `fusee check`, with exit code 1.

Examples:
  fusee inspect guests/wasm/token.wasm
  fusee inspect guests/wasm/token.wasm --functions 5
  fusee inspect guests/wasm/token.wasm --text > metered.wat
  fusee inspect guests/wasm/token.wasm --json")]
pub(crate) struct InspectArgs {
    /// The program: wasm, its text (.wat), or for PolkaVM
    pub(crate) file: PathBuf,

    /// What the rules say of floating-point numbers
    #[arg(long, value_enum, default_value = "refused")]
    pub(crate) floats: FloatsChoice,

    /// List only the largest functions, this many; JSON has all
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) functions: usize,

    /// Print the metered program as WebAssembly text, and nothing else
    #[arg(long, conflicts_with_all = ["functions", "json"])]
    pub(crate) text: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Of each function: what it spent by itself, its share of all, and what it spent with all that it called.
Of each syscall: what it cost, with what it called in other contracts. All the parts together are the
gas used, exactly, however the run ends. A profile changes neither the gas nor the outcome.

A contract is deployed on a chain of its own, which is gone afterwards; its arguments are written as
for `fusee call`. A program without imports is run as by `fusee run`.

Examples:
  fusee gas guests/wasm/arith.wasm --invoke fib 20
  fusee gas guests/wasm/token.wasm --invoke transfer @bob 250 --deploy-args 1000000
  fusee gas guests/wasm/token.wasm --invoke deploy 1000000 --svg deploy.svg
  fusee gas guests/wasm/arith.wasm --invoke fib 20 --folded > stacks.txt
  fusee gas guests/wasm/arith.wasm --invoke fib 20 --json")]
pub(crate) struct GasArgs {
    /// The program: wasm, its text (.wat), or for PolkaVM
    pub(crate) file: PathBuf,

    /// Arguments of the function or method, in order
    #[arg(allow_negative_numbers = true)]
    pub(crate) args: Vec<String>,

    /// The function or method to enter; not needed if there is only one
    #[arg(long, value_name = "NAME")]
    pub(crate) invoke: Option<String>,

    /// What the contract is deployed with
    #[arg(long, value_name = "VALUE", num_args = 1.., allow_negative_numbers = true)]
    pub(crate) deploy_args: Vec<String>,

    /// Who deploys the contract and calls it: an account's name
    #[arg(long, value_name = "NAME", default_value = "alice")]
    pub(crate) from: String,

    /// The most gas that it may use
    #[arg(long, value_name = "N", default_value = DEFAULT_GAS, value_parser = parse_gas)]
    pub(crate) gas: Gas,

    /// What the rules say of floating-point numbers; contracts have none
    #[arg(long, value_enum, default_value = "refused")]
    pub(crate) floats: FloatsChoice,

    /// What it runs on
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) engine: EngineChoice,

    /// List only the most expensive places, this many; JSON has all
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) top: usize,

    /// Print stacks, a line each with its gas, as tools for flame graphs read them
    #[arg(long, conflicts_with_all = ["json", "top"])]
    pub(crate) folded: bool,

    /// Write a flame graph into this file, too
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
{GRAMMAR}

Examples:
  fusee deploy guests/wasm/counter.wasm
  fusee deploy guests/wasm/token.wasm --args 1000000 --from alice
  fusee deploy guests/wasm/token.wasm --args 1000000 --engine all --dry-run"))]
pub(crate) struct DeployArgs {
    /// The program: wasm, its text (.wat), or for PolkaVM
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
{GRAMMAR}

Examples, where 3f9c20 begins the address that `fusee deploy` printed:
  fusee call 3f9c20 transfer --args @bob 250 --from alice
  fusee call 3f9c20 transfer --args @bob 250 --engine all --dry-run --json
  fusee call bob --value 1000"))]
pub(crate) struct CallArgs {
    /// The contract: its address or the first digits of it, six at least; or an account
    pub(crate) address: String,

    /// The method; without one, only the value is sent
    pub(crate) method: Option<String>,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
{GRAMMAR}

Examples, where 3f9c20 begins the address that `fusee deploy` printed:
  fusee query 3f9c20 balance_of --args @alice
  fusee query 3f9c20 total_supply --engine all
  fusee query 3f9c20 total_supply --json"))]
pub(crate) struct QueryArgs {
    /// The contract: its address, or the first digits of it, six at least
    pub(crate) address: String,

    /// The method
    pub(crate) method: String,

    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fusee accounts
  fusee accounts --data demo-state/wasmtime
  fusee accounts --json")]
pub(crate) struct AccountsArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    /// The most processor time that it may take
    #[arg(long, value_name = "N")]
    pub(crate) seconds: u64,

    /// The most memory that it may take
    #[arg(long, value_name = "N")]
    pub(crate) mebibytes: u64,
}

/// What deploying and calling have in common.
#[derive(Debug, Args)]
pub(crate) struct TransactionArgs {
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    /// The amount to send along
    #[arg(long, value_name = "N", default_value = "0", value_parser = parse_amount)]
    pub(crate) value: u128,

    /// Say what would happen, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What everything that enters a contract has in common.
#[derive(Debug, Args)]
pub(crate) struct CommonArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArgs,

    /// The arguments, in order; see below
    #[arg(long, value_name = "VALUE", num_args = 1.., allow_negative_numbers = true, conflicts_with = "input")]
    pub(crate) args: Vec<String>,

    /// The input as it is, in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = Hex::parse)]
    pub(crate) input: Option<Hex>,

    /// The most gas that it may use
    #[arg(long, value_name = "N", default_value = DEFAULT_GAS, value_parser = parse_gas)]
    pub(crate) gas: Gas,

    /// Who asks: an account's name or address
    #[arg(long, value_name = "NAME", default_value = "alice")]
    pub(crate) from: String,

    /// What it runs on
    #[arg(long, value_enum, default_value = "tiered")]
    pub(crate) engine: EngineChoice,
}

/// Where the state is.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// The data folder; made, with funded accounts, if it is not there
    #[arg(long, value_name = "DIR", env = "FUSEE_DATA", default_value = ".fusee")]
    pub(crate) data: PathBuf,
}

/// What the rules say of floating-point numbers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FloatsChoice {
    /// Programs may not use them, as contracts may not
    Refused,
    /// Programs may use them; what no number can say, a NaN, has the same bits on all machines
    Canonical,
}

impl FloatsChoice {
    pub(crate) const fn rule(self) -> Floats {
        match self {
            FloatsChoice::Refused => Floats::Refused,
            FloatsChoice::Canonical => Floats::Canonical,
        }
    }
}

/// Bytes that were given in hexadecimal digits.
#[derive(Clone, Debug)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

/// Reads the command line. If that is all there is to do, says what has to be said and returns how
/// the program ends.
pub(crate) fn parse() -> Result<Cli, Exit> {
    Cli::try_parse().map_err(|error| {
        // If this cannot be written, nobody is there to read it.
        let _ = error.print();
        if !error.use_stderr() {
            return Exit::Success;
        }
        if std::env::args_os().any(|arg| arg == "--json") {
            let failure = Failure::usage(error.to_string().trim_end()).next("see `fusee --help`");
            let _ = Output::new(Format::Json, true).json(&failure.json());
        }
        Exit::Usage
    })
}

impl Hex {
    fn parse(text: &str) -> Result<Self, String> {
        values::parse_hex(text).map(Self)
    }
}
