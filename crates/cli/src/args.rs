//! The command line: verbs, flags and help texts. Verbs resolve the flags.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::FalseyValueParser};
use fusee::{
    chain::Address,
    ledger::TransactionId,
    sandbox::{CodeHash, Floats, Gas},
};

use crate::{
    arguments,
    engines::{EngineChoice, ReplayChoice},
    failure::{EXIT_CODES, Exit, Failure},
    numbers::{parse_amount, parse_gas},
    output::{Format, Output},
    values,
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
    /// Show what a contract tells of itself, or write it into a program
    Interface(InterfaceArgs),
    /// Store a program, of which contracts can be made
    Upload(UploadArgs),
    /// Make a contract of uploaded code
    Create(CreateArgs),
    /// Replace the code of a contract
    Upgrade(UpgradeArgs),
    /// Hand over a contract, or give it up for ever
    Admin(AdminArgs),
    /// Remove uploaded code that no contract has
    RemoveCode(RemoveCodeArgs),
    /// Call a method of a contract and commit its changes
    Call(CallArgs),
    /// Call a method of a contract read-only
    Query(QueryArgs),
    /// Show the calls, syscalls, storage and gas of a call, and commit nothing
    Trace(TraceCallArgs),
    /// Run a recorded transaction or the whole chain again, and compare
    Replay(ReplayArgs),
    /// Make, list and show keys, and sign by them
    Keys(KeysArgs),
    /// List accounts and contracts
    Accounts(AccountsArgs),
    /// List the last blocks
    Blocks(BlocksArgs),
    /// Show a block with its transactions and results
    Block(BlockArgs),
    /// Prove what an account or a contract has, to people who trust no more than the state root
    Prove(ProveArgs),
    /// Verify what `fusee prove` wrote, against a state root that you trust
    Verify(VerifyArgs),
    /// Print a genesis file, to begin a chain with
    Genesis(GenesisArgs),
    /// Make the data folder of a new chain
    Init(InitArgs),
    /// Check all of a data folder, and change nothing
    Doctor(DoctorArgs),
    /// Remove the last blocks
    Rollback(RollbackArgs),
    /// Copy a data folder
    Backup(BackupArgs),
    /// Write or read the state in chunks, to begin another node with
    Snapshot(SnapshotArgs),
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

#[derive(Debug, Args)]
#[command(after_help = format!("\
{grammar}

Examples:
  fusee deploy guests/wasm/counter.wasm
  fusee deploy guests/wasm/token.wasm --args 1000000 --from alice
  fusee deploy guests/wasm/token.wasm --args 1000000 --engine all --dry-run
  fusee deploy token.wasm --args supply=1_000_000     (with an interface)", grammar = arguments::grammar()))]
pub(crate) struct DeployArgs {
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,

    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints the methods with their arguments and results, the events and the errors, as the author of the
contract described them. Nothing checks that they are true, and no run depends on them.

With --embed, reads an interface as JSON (guests/interfaces/token.json is one), and writes the program
with it; beside a program for PolkaVM, writes a file `.interface`.

Examples:
  fusee interface guests/wasm/token.wasm --embed guests/interfaces/token.json --output token.wasm
  fusee interface token.wasm
  fusee interface token.wasm --json")]
pub(crate) struct InterfaceArgs {
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    /// Write this interface into the program
    #[arg(long, value_name = "JSON")]
    pub(crate) embed: Option<PathBuf>,

    /// Write the program here [default: in place]
    #[arg(long, value_name = "FILE", requires = "embed")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints the hash of the code. Code that is stored already is not stored again.

Examples:
  fusee upload guests/wasm/counter.wasm
  fusee upload guests/wasm/token.wasm --from alice --json")]
pub(crate) struct UploadArgs {
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
Runs the method `deploy` of the code if it has one, with the arguments.

{grammar}

Examples; HASH is what `fusee upload` printed:
  fusee create HASH --args 1000000
  fusee create HASH --args 1000000 --admin alice --salt 0000000000000000000000000000000000000000000000000000000000000001", grammar = arguments::grammar()))]
pub(crate) struct CreateArgs {
    /// Hash of the code
    #[arg(value_name = "HASH", value_parser = values::parse_hash)]
    pub(crate) code: CodeHash,

    /// 64 hexadecimal digits that decide the address together with the sender [default: the number
    /// of the sender's transaction and the code do]
    #[arg(long, value_name = "HEX", value_parser = Hex::parse)]
    pub(crate) salt: Option<Hex>,

    /// Account or contract that may upgrade the contract [default: nobody, ever]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin: Option<String>,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,

    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
The sender has to be the admin of the contract. The new code needs all methods of the old one. Runs
its method `migrate` if it has one, with the arguments.

{grammar}

Examples; 3f9c20 is the start of the contract's address, and HASH what `fusee upload` printed:
  fusee upgrade 3f9c20 HASH --from alice
  fusee upgrade 3f9c20 HASH --from alice --dry-run --json", grammar = arguments::grammar()))]
pub(crate) struct UpgradeArgs {
    /// Address of the contract, or at least its first six digits
    pub(crate) contract: String,

    /// Hash of the new code
    #[arg(value_name = "HASH", value_parser = values::parse_hash)]
    pub(crate) code: CodeHash,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,

    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The sender has to be the admin of the contract.

Examples; 3f9c20 is the start of the contract's address:
  fusee admin 3f9c20 --to bob --from alice
  fusee admin 3f9c20 --nobody --from alice")]
#[command(group = clap::ArgGroup::new("next").required(true))]
pub(crate) struct AdminArgs {
    /// Address of the contract, or at least its first six digits
    pub(crate) contract: String,

    /// The next admin
    #[arg(long, value_name = "ADDRESS", group = "next")]
    pub(crate) to: Option<String>,

    /// Give the contract up: nobody can upgrade it, ever
    #[arg(long, group = "next")]
    pub(crate) nobody: bool,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The sender has to be who uploaded the code.

Examples; HASH is what `fusee upload` printed:
  fusee remove-code HASH --from alice
  fusee remove-code HASH --from alice --dry-run")]
pub(crate) struct RemoveCodeArgs {
    /// Hash of the code
    #[arg(value_name = "HASH", value_parser = values::parse_hash)]
    pub(crate) code: CodeHash,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
{grammar}

Examples; 3f9c20 is the start of the address that `fusee deploy` printed:
  fusee call 3f9c20 transfer --args @bob 250 --from alice
  fusee call 3f9c20 transfer --args @bob 250 --engine all --dry-run --json
  fusee call 3f9c20 transfer --args @bob 250 --trace
  fusee call 3f9c20 transfer --args amount=250 to=bob     (with an interface)
  fusee call 3f9c20 transfer --input 0x0102 --dry-run     (raw bytes)
  fusee call bob --value 1000", grammar = arguments::grammar()))]
pub(crate) struct CallArgs {
    /// Address of the contract, or at least its first six digits; or an account
    pub(crate) address: String,

    /// Method to call [default: none, only transfer the value]
    pub(crate) method: Option<String>,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,

    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
{grammar}

Examples; 3f9c20 is the start of the address that `fusee deploy` printed:
  fusee query 3f9c20 balance_of --args @alice
  fusee query 3f9c20 total_supply --engine all
  fusee query 3f9c20 total_supply --json
  fusee query 3f9c20 balance_of --args @alice --trace", grammar = arguments::grammar()))]
pub(crate) struct QueryArgs {
    /// Address of the contract, or at least its first six digits
    pub(crate) address: String,

    /// Method to call
    pub(crate) method: String,

    #[command(flatten)]
    pub(crate) common: CommonArgs,

    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
Executes the call as `fusee call --dry-run` does, and prints its result and its trace: for each call
the contract, the method, the caller, the gas with callees, the gas limit and the input; and for
each syscall its storage, event and result. Arguments, outputs, messages of reverts and events are
told by the interface of the code that ran, if it has one. The column of gas has the own gas of each line, and adds
up to the gas used. If the call fails, the frames that failed come first, the innermost of them at
the top. Engines have to agree on the trace.

{grammar}

Examples; 3f9c20 is the start of the address that `fusee deploy` printed:
  fusee trace 3f9c20 transfer --args @bob 250 --from alice
  fusee trace 3f9c20 transfer --args @bob 250 --engine all --json
  fusee trace 3f9c20 transfer --args @bob 250 --svg transfer.svg", grammar = arguments::grammar()))]
pub(crate) struct TraceCallArgs {
    /// Address of the contract, or at least its first six digits; or an account
    pub(crate) address: String,

    /// Method to call [default: none, only transfer the value]
    pub(crate) method: Option<String>,

    #[command(flatten)]
    pub(crate) common: CommonArgs,

    /// Value to transfer
    #[arg(long, value_name = "N", default_value = "0", value_parser = parse_amount)]
    pub(crate) value: u128,

    /// Also write a flame graph of contracts, functions and syscalls to this file, from a second
    /// run that has to come to the same
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A capsule holds one transaction with all that it read: rules, code, state, block, oracle answers; and
the outcome that it had. `--capsule FILE` of `call`, `deploy`, `upload`, `create`, `upgrade`, `admin`
and `remove-code` writes one, also if the transaction fails.

Needs no data folder then, and changes none. Prints the outcome, and whether it is the same on every
engine and the same as recorded. If not, prints the first call or syscall that differs, with the gas
of both sides. Exit code 0 means that everything is equal, whatever the transaction came to, and
exit code 3 that something differs.

Examples; 3f9c20 is the start of the address that `fusee deploy` printed:
  fusee call 3f9c20 transfer --args @bob 250 --dry-run --capsule transfer.capsule
  fusee replay transfer.capsule
  fusee replay transfer.capsule --engine wasmi --json
  fusee call 3f9c20 total_supply --capsule small.capsule --capsule-without-code
  fusee replay small.capsule --code guests/wasm/token.wasm")]
pub(crate) struct ReplayArgs {
    /// Capsule, as `--capsule` wrote it [default: the chain in the data folder]
    pub(crate) file: Option<PathBuf>,

    /// Engine to run on
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) engine: ReplayChoice,

    /// Program files, for code that the capsule only names
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "file")]
    pub(crate) code: Vec<PathBuf>,

    /// Rehearse other rules, by name: report every result that would differ if they had held
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "file")]
    pub(crate) rules: Vec<String>,

    /// Begin with the state in this data folder, such as that of a snapshot [default: genesis]
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    pub(crate) from: Option<PathBuf>,

    /// Threads that execute the transactions of a block
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "file")]
    pub(crate) threads: NonZeroUsize,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
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
#[command(after_help = "\
Examples:
  fusee prove alice
  fusee prove 3c9b8513a90e --storage supply --storage 0x6f776e6572
  fusee prove alice --json > alice.json
  fusee verify alice.json --root STATE_ROOT

A proof takes some hundred bytes. It also shows that a key is absent.")]
pub(crate) struct ProveArgs {
    /// A development account such as alice, an address, or the first digits of a contract
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// Prove this key of the contract's storage, as text or as digits after 0x; repeat it for more
    /// [default: balance, nonce and code hash]
    #[arg(long, value_name = "KEY")]
    pub(crate) storage: Vec<String>,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fusee prove alice --json > alice.json
  fusee verify alice.json --root STATE_ROOT

The state root in the file is not used, since it is as untrusted as the proofs. Take the root from a
source that you trust, such as `fusee accounts --json` on your own node.")]
pub(crate) struct VerifyArgs {
    /// The answer of `fusee prove --json`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The state root that you trust, 64 digits
    #[arg(long, value_name = "ROOT")]
    pub(crate) root: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fusee blocks
  fusee blocks --last 100 --json")]
pub(crate) struct BlocksArgs {
    /// Number of blocks to list
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) last: u64,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The hash is that of the header, on which nodes agree. It covers the transactions, their results, the
state after them, and the rules.

Examples:
  fusee block 1
  fusee block 1 --json")]
pub(crate) struct BlockArgs {
    /// Height of the block
    pub(crate) height: u64,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints a file for `fusee init --genesis`. docs/ledger.md documents what else it can have. Without
--account, it is that of a development chain, whose accounts everybody can sign for.

Examples:
  fusee genesis > genesis.json
  fusee genesis --chain-id acme-1 --account ADDRESS=1000000000000 --minimum-price 1 > genesis.json
  fusee init --genesis genesis.json --data acme")]
pub(crate) struct GenesisArgs {
    /// Name of the chain: visible characters without spaces [default: fusee-dev]
    #[arg(long, value_name = "NAME")]
    pub(crate) chain_id: Option<String>,

    /// Account with its balance; repeat it for more. `fusee keys show` tells the address of a key
    #[arg(long, value_name = "ADDRESS=N", value_parser = parse_funds)]
    pub(crate) account: Vec<(Address, u128)>,

    /// Contract rules, by name, such as `contract-2-wasi-large` [default: the newest]
    #[arg(long, value_name = "NAME")]
    pub(crate) rules: Option<String>,

    /// Least price of a unit of gas
    #[arg(long, value_name = "N", default_value = "0", value_parser = parse_amount)]
    pub(crate) minimum_price: u128,

    /// Gas limit of a block
    #[arg(long, value_name = "N", value_parser = parse_gas)]
    pub(crate) block_gas: Option<Gas>,

    /// Time of genesis in milliseconds since the Unix epoch
    #[arg(long, value_name = "MS", default_value = "0")]
    pub(crate) time: u64,
}

fn parse_funds(text: &str) -> Result<(Address, u128), String> {
    let parts = text.split_once('=');
    let (address, amount) = parts.ok_or("expected ADDRESS=AMOUNT")?;
    let address = address.parse().map_err(|error| format!("{error}"))?;
    Ok((address, parse_amount(amount)?))
}

#[derive(Debug, Args)]
#[command(after_help = "\
Other verbs make a development chain in a folder that is missing. A folder keeps its genesis.

Examples:
  fusee init --data acme --genesis genesis.json
  fusee init --data dev")]
pub(crate) struct InitArgs {
    /// Genesis file, see `fusee genesis` [default: that of a development chain]
    #[arg(long, value_name = "FILE")]
    pub(crate) genesis: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Reads every block and every entry of the state, and computes every root that it can. Says for each
fault what can be done. Exit code 4 means that something is wrong.

Examples:
  fusee doctor
  fusee doctor --data acme --json")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Blocks that are removed are gone: make a backup first. A node that takes part in consensus needs the
same rollback of its engine.

Examples:
  fusee rollback 3
  fusee rollback 3 --data acme")]
pub(crate) struct RollbackArgs {
    /// Height of the block that is to be the last one; 0: genesis
    pub(crate) height: u64,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The copy is a data folder: restoring it is using it, or a copy of it.

Examples:
  fusee backup monday
  fusee backup /mnt/backups/monday --data acme
  fusee accounts --data /mnt/backups/monday")]
pub(crate) struct BackupArgs {
    /// Folder to be made
    #[arg(value_name = "DIR")]
    pub(crate) target: PathBuf,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
A snapshot is a folder with the header of a block and the state after it in chunks, each of which
is verified by itself. Every node writes the same bytes. An import needs the hash of the header from
a source that is trusted (`fusee block HEIGHT` on a node of one's own), trusts nothing else, and
goes on after it was interrupted.

Examples:
  fusee snapshot export snapshot-100 --height 100
  fusee snapshot import snapshot-100 --header HASH --genesis genesis.json --data second"
)]
pub(crate) struct SnapshotArgs {
    #[command(subcommand)]
    pub(crate) verb: SnapshotVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotVerb {
    /// Write the state after a block
    Export(ExportArgs),
    /// Make a data folder of a snapshot
    Import(ImportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Folder to be made
    #[arg(value_name = "DIR")]
    pub(crate) target: PathBuf,

    /// Height of the block, one of the last 64 [default: the last]
    #[arg(long, value_name = "N")]
    pub(crate) height: Option<u64>,

    /// About how many bytes a chunk has
    #[arg(long, value_name = "N", default_value = "8388608")]
    pub(crate) chunk_bytes: u64,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Folder of the snapshot
    #[arg(value_name = "DIR")]
    pub(crate) source: PathBuf,

    /// Hash of the header that is trusted
    #[arg(long, value_name = "HASH", value_parser = parse_digest)]
    pub(crate) header: [u8; 32],

    /// Genesis file of the chain [default: that of a development chain]
    #[arg(long, value_name = "FILE")]
    pub(crate) genesis: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

/// The flag of a trace.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct TraceArgs {
    /// Also print the calls, syscalls, storage and gas, as `fusee trace` does
    #[arg(long)]
    pub(crate) trace: bool,
}

/// Flags of `deploy` and `call`.
#[derive(Debug, Args)]
pub(crate) struct TransactionArgs {
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    /// Value to transfer
    #[arg(long, value_name = "N", default_value = "0", value_parser = parse_amount)]
    pub(crate) value: u128,

    /// Price of a unit of gas [default: the minimum of the chain, which is 0 on a development
    /// chain]
    #[arg(long, value_name = "N", value_parser = parse_amount)]
    pub(crate) gas_price: Option<u128>,

    /// Account that pays for the gas, and signs, too: a development account or the name of a key
    /// [default: the sender]
    #[arg(long, value_name = "NAME")]
    pub(crate) fee_payer: Option<String>,

    #[command(flatten)]
    pub(crate) password: PasswordArgs,

    /// Execute without committing; needs no signature
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) capsule: CapsuleArgs,
}

/// Flags of the capsule of a transaction.
#[derive(Clone, Debug, Args)]
pub(crate) struct CapsuleArgs {
    /// Also write the transaction with all that it read to this file, for `fusee replay`
    #[arg(long, value_name = "FILE")]
    pub(crate) capsule: Option<PathBuf>,

    /// Name the code in the capsule by its hash alone
    #[arg(long, requires = "capsule")]
    pub(crate) capsule_without_code: bool,
}

/// Flags of `deploy`, `call` and `query`.
#[derive(Debug, Args)]
pub(crate) struct CommonArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArgs,

    /// Arguments, in order or by name; see below
    #[arg(long, value_name = "VALUE", num_args = 1.., allow_negative_numbers = true, conflicts_with = "input")]
    pub(crate) args: Vec<String>,

    /// Raw input in hexadecimal, instead of --args
    #[arg(long, value_name = "HEX", value_parser = Hex::parse)]
    pub(crate) input: Option<Hex>,

    /// Ignore the interfaces of contracts: read --args and show results without them
    #[arg(long)]
    pub(crate) no_interface: bool,

    /// Gas limit
    #[arg(long, value_name = "N", default_value = DEFAULT_GAS, value_parser = parse_gas)]
    pub(crate) gas: Gas,

    /// Sender: a development account, the name of a key, or an address
    #[arg(long, value_name = "NAME", default_value = "alice")]
    pub(crate) from: String,

    #[command(flatten)]
    pub(crate) keys: KeyFolderArgs,

    /// Time of the block in milliseconds since the Unix epoch [default: a second after the last
    /// one]
    #[arg(long, value_name = "MS")]
    pub(crate) time: Option<u64>,

    /// Engine to run on
    #[arg(long, value_enum, default_value = "tiered")]
    pub(crate) engine: EngineChoice,
}

#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
A key is a file, encrypted by a password, which no command can recover. The address of its account
follows from the public key. No file is ever overwritten: to use a key elsewhere, copy its file.

The keys of the development accounts follow from their names, so everybody has them.

Examples:
  fusee keys new treasury
  fusee keys new bot --scheme secp256k1 --password-file password.txt
  fusee keys list
  fusee keys show treasury --json"
)]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    pub(crate) folder: KeyFolderArgs,

    #[command(subcommand)]
    pub(crate) verb: KeysVerb,
}

/// The flag of the keystore.
#[derive(Debug, Default, Args)]
pub(crate) struct KeyFolderArgs {
    /// Folder of keys; created with the first one
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "FUSEE_KEYS",
        default_value = ".fusee-keys"
    )]
    pub(crate) keys: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysVerb {
    /// Make a key, and ask for its password
    New(NewKeyArgs),
    /// List all keys with the addresses of their accounts
    List,
    /// Show a key without its secret
    Show(KeyNameArgs),
    /// Sign the id of a transaction
    Sign(SignArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NewKeyArgs {
    /// Name of the key: 1 to 32 of a-z, 0-9, `-` and `_`
    pub(crate) name: String,

    /// Signature scheme
    #[arg(long, value_enum, default_value = "ed25519")]
    pub(crate) scheme: KeyScheme,

    #[command(flatten)]
    pub(crate) password: PasswordArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeyNameArgs {
    /// Name of the key, or of a development account
    pub(crate) name: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints the key and the signature as a transaction has them (docs/transactions.md).")]
pub(crate) struct SignArgs {
    /// Name of the key, or of a development account
    pub(crate) name: String,

    /// Id of the transaction: 64 hexadecimal digits
    #[arg(value_parser = parse_transaction_id)]
    pub(crate) id: TransactionId,

    #[command(flatten)]
    pub(crate) password: PasswordArgs,
}

/// Where the password of a key comes from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PasswordArgs {
    /// File whose first bytes up to the last line break are the password [default: ask for it]
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// The scheme of a key in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyScheme {
    /// Ed25519
    Ed25519,
    /// ECDSA over secp256k1
    Secp256k1,
}

fn parse_transaction_id(text: &str) -> Result<TransactionId, String> {
    parse_digest(text).map(TransactionId::from_bytes)
}

fn parse_digest(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err("it has 64 hexadecimal digits".to_owned()),
    }
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
