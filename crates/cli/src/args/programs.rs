//! Flags of the verbs that need a program and no chain.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fusee::sandbox::{Floats, Gas};

use super::{DEFAULT_GAS, Given};
use crate::{engines::EngineChoice, numbers::parse_gas};

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
    #[arg(long, value_enum, default_value = "canonical")]
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
  fusee check guests/wasm/hostile_floats.wasm --floats refused
  fusee check guests/wasm/token.wasm --json")]
pub(crate) struct CheckArgs {
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    /// Whether the program may use floating point
    #[arg(long, value_enum, default_value = "canonical")]
    pub(crate) floats: FloatsChoice,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints the price of an instance part by part, and what would reduce it (docs/book/src/gas.md).

Prints for each function: its size in bytes before and after metering; the number of operators,
loops, calls and metered blocks, each of which is charged as a whole; the gas of all metered blocks
together, which is the cost of running every operator once; the size of its stack frame in bytes;
and the estimated compilation work, which is limited (docs/book/src/limits.md).

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
    #[arg(long, value_enum, default_value = "canonical")]
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
  fusee gas token.wasm --invoke transfer --to bob --amount 250 --deploy-args 1000000     (with an interface)
  fusee gas guests/wasm/token.wasm --invoke deploy 1000000 --svg deploy.svg
  fusee gas guests/wasm/arith.wasm --invoke fib 20 --folded > stacks.txt
  fusee gas guests/wasm/arith.wasm --invoke fib 20 --json")]
pub(crate) struct GasArgs {
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    /// Arguments of the function or method, in order
    #[arg(allow_negative_numbers = true)]
    pub(crate) args: Vec<String>,

    /// What is for the method besides these.
    #[arg(skip)]
    pub(crate) given: Given,

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

    /// Whether the program may use floating point
    #[arg(long, value_enum, default_value = "canonical")]
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

/// The rule for floating point.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FloatsChoice {
    /// Refuse floating point
    Refused,
    /// Admit floating point, as for contracts; NaNs are canonicalised, so all machines compute the
    /// same bits
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
