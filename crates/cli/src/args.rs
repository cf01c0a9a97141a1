//! The command line: verbs, flags and help texts. Verbs resolve the flags.

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

/// Default gas limit.
const DEFAULT_GAS: &str = "1000000000";

/// Run untrusted WebAssembly and PolkaVM programs deterministically
///
/// Every engine computes the same result, the same gas and the same state.
///
/// Start with `fusee demo`.
#[derive(Debug, Parser)]
#[command(name = "fusee", version, max_term_width = 100, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,

    /// Print plain text without styles, even to a terminal
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
    /// Run a token contract on every engine and compare the results
    Demo(DemoArgs),
    /// Run an exported function of a program on every engine
    Run(RunArgs),
    /// Validate a program as a contract
    Check(CheckArgs),
    /// List the contents of a program and the effect of metering
    Inspect(InspectArgs),
    /// Profile the gas of a run by function and by syscall
    Gas(GasArgs),
    /// Deploy a program as a contract
    Deploy(DeployArgs),
    /// Call a method of a contract and commit its changes
    Call(CallArgs),
    /// Call a method of a contract read-only
    Query(QueryArgs),
    /// List accounts and contracts
    Accounts(AccountsArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fusee demo
  fusee demo --keep demo-state && fusee accounts --data demo-state/wasmtime
  fusee demo --json")]
pub(crate) struct DemoArgs {
    /// Create this folder and keep the data folders in it [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The program must have no imports. Exit code 3 means that the engines disagree.

Examples:
  fusee run guests/wasm/arith.wasm --invoke add 2 -3
  fusee run guests/wasm/arith.wasm --invoke fac 20 --engine wasmi --gas 10000
  fusee run guests/polkavm/compute.polkavm --invoke fib 20
  fusee run guests/wasm/kernel_fib.wasm 20 --json")]
pub(crate) struct RunArgs {
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    /// Arguments of the function: integers in decimal or hexadecimal (0x..), or floating-point
    /// numbers such as 1.5, inf or nan
    #[arg(allow_negative_numbers = true)]
    pub(crate) args: Vec<String>,

    /// Exported function to run [default: the only export]
    #[arg(long, value_name = "EXPORT")]
    pub(crate) invoke: Option<String>,

    /// Gas limit
    #[arg(long, value_name = "N", default_value = DEFAULT_GAS, value_parser = parse_gas)]
    pub(crate) gas: Gas,

    /// Whether the program may use floating point
    #[arg(long, value_enum, default_value = "refused")]
    pub(crate) floats: FloatsChoice,

    /// Engine to run on
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) engine: EngineChoice,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints the price of an instance with its largest part, and a flag of the linker if the flag would at
least halve the price. `fusee inspect` prints all parts.

Exit code 1 means that the program is refused.

Examples:
  fusee check guests/wasm/token.wasm
  fusee check guests/wasm/hostile_floats.wasm
  fusee check guests/wasm/hostile_floats.wasm --floats canonical
  fusee check guests/wasm/token.wasm --json")]
pub(crate) struct CheckArgs {
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    /// Whether the program may use floating point
    #[arg(long, value_enum, default_value = "refused")]
    pub(crate) floats: FloatsChoice,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints the price of an instance part by part, and what would reduce it (docs/gas.md).

Prints for each function: its size in bytes before and after metering; the number of operators,
loops, calls and metered blocks, each of which is charged as a whole; the gas of all metered blocks
together, which is the cost of running every operator once; the size of its stack frame in bytes;
and the estimated compilation work, which is limited (docs/limits.md).

If the program is refused, prints the reason as `fusee check` does, with exit code 1.

Examples:
  fusee inspect guests/wasm/token.wasm
  fusee inspect guests/wasm/token.wasm --functions 5
  fusee inspect guests/wasm/token.wasm --text > metered.wat
  fusee inspect guests/wasm/token.wasm --json")]
pub(crate) struct InspectArgs {
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    /// Whether the program may use floating point
    #[arg(long, value_enum, default_value = "refused")]
    pub(crate) floats: FloatsChoice,

    /// Number of functions to list, largest first; JSON lists all
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) functions: usize,

    /// Print only the metered program, as WebAssembly text
    #[arg(long, conflicts_with_all = ["functions", "json"])]
    pub(crate) text: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints for each function its self gas, its share of the total, and its gas with callees; and for
each syscall its gas, including calls to other contracts. The parts add up to the gas used, however
the run ends. Profiling changes neither the gas nor the outcome. Functions without a name, as in
stripped programs, are listed as `func[INDEX]`.

Contracts are deployed on a temporary chain; their arguments are written as for `fusee call`.
Programs without imports run as with `fusee run`.

Examples:
  fusee gas guests/wasm/arith.wasm --invoke fib 20
  fusee gas guests/wasm/token.wasm --invoke transfer @bob 250 --deploy-args 1000000
  fusee gas guests/wasm/token.wasm --invoke deploy 1000000 --svg deploy.svg
  fusee gas guests/wasm/arith.wasm --invoke fib 20 --folded > stacks.txt
  fusee gas guests/wasm/arith.wasm --invoke fib 20 --json")]
pub(crate) struct GasArgs {
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    /// Arguments of the function or method, in order
    #[arg(allow_negative_numbers = true)]
    pub(crate) args: Vec<String>,

    /// Function or method to run [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub(crate) invoke: Option<String>,

    /// Arguments of the deployment
    #[arg(long, value_name = "VALUE", num_args = 1.., allow_negative_numbers = true)]
    pub(crate) deploy_args: Vec<String>,

    /// Account that deploys and calls the contract
    #[arg(long, value_name = "NAME", default_value = "alice")]
    pub(crate) from: String,

    /// Gas limit
    #[arg(long, value_name = "N", default_value = DEFAULT_GAS, value_parser = parse_gas)]
    pub(crate) gas: Gas,

    /// Whether the program may use floating point; contracts may not
    #[arg(long, value_enum, default_value = "refused")]
    pub(crate) floats: FloatsChoice,

    /// Engine to run on
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) engine: EngineChoice,

    /// Number of entries to list, most expensive first; JSON lists all
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) top: usize,

    /// Print folded stacks, one per line with its gas, for flame graph tools
    #[arg(long, conflicts_with_all = ["json", "top"])]
    pub(crate) folded: bool,

    /// Also write a flame graph to this file
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
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
{GRAMMAR}

Examples; 3f9c20 is the start of the address that `fusee deploy` printed:
  fusee call 3f9c20 transfer --args @bob 250 --from alice
  fusee call 3f9c20 transfer --args @bob 250 --engine all --dry-run --json
  fusee call bob --value 1000"))]
pub(crate) struct CallArgs {
    /// Address of the contract, or at least its first six digits; or an account
    pub(crate) address: String,

    /// Method to call [default: none, only transfer the value]
    pub(crate) method: Option<String>,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
{GRAMMAR}

Examples; 3f9c20 is the start of the address that `fusee deploy` printed:
  fusee query 3f9c20 balance_of --args @alice
  fusee query 3f9c20 total_supply --engine all
  fusee query 3f9c20 total_supply --json"))]
pub(crate) struct QueryArgs {
    /// Address of the contract, or at least its first six digits
    pub(crate) address: String,

    /// Method to call
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

/// Flags of `deploy` and `call`.
#[derive(Debug, Args)]
pub(crate) struct TransactionArgs {
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    /// Value to transfer
    #[arg(long, value_name = "N", default_value = "0", value_parser = parse_amount)]
    pub(crate) value: u128,

    /// Execute without committing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Flags of `deploy`, `call` and `query`.
#[derive(Debug, Args)]
pub(crate) struct CommonArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArgs,

    /// Arguments, in order; see below
    #[arg(long, value_name = "VALUE", num_args = 1.., allow_negative_numbers = true, conflicts_with = "input")]
    pub(crate) args: Vec<String>,

    /// Raw input in hexadecimal, instead of --args
    #[arg(long, value_name = "HEX", value_parser = Hex::parse)]
    pub(crate) input: Option<Hex>,

    /// Gas limit
    #[arg(long, value_name = "N", default_value = DEFAULT_GAS, value_parser = parse_gas)]
    pub(crate) gas: Gas,

    /// Sender: name or address of an account
    #[arg(long, value_name = "NAME", default_value = "alice")]
    pub(crate) from: String,

    /// Engine to run on
    #[arg(long, value_enum, default_value = "tiered")]
    pub(crate) engine: EngineChoice,
}

/// The flag of the data folder.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// Data folder; created with funded accounts if missing
    #[arg(long, value_name = "DIR", env = "FUSEE_DATA", default_value = ".fusee")]
    pub(crate) data: PathBuf,
}

/// The rule for floating point.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FloatsChoice {
    /// Refuse floating point, as for contracts
    Refused,
    /// Admit floating point; NaNs are canonicalised, so all machines compute the same bits
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

/// Bytes given in hexadecimal.
#[derive(Clone, Debug)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

/// Parses the command line. Prints help, version and usage errors itself, and then returns the
/// exit.
pub(crate) fn parse() -> Result<Cli, Exit> {
    Cli::try_parse().map_err(|error| {
        // A closed output is not an error.
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
