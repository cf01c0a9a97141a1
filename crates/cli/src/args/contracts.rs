//! Flags of the verbs that make contracts and call them.

use std::path::PathBuf;

use clap::Args;
use fusee::sandbox::{CodeHash, Gas};

use super::{ChainArgs, Given, Hex, KeyFolderArgs, PasswordArgs};
use crate::{
    arguments::{self, Words},
    engines::EngineChoice,
    failure::Failure,
    numbers::{parse_amount, parse_gas},
    values,
};

#[derive(Debug, Args)]
#[command(after_help = format!("\
{grammar}

Examples:
  fusee deploy guests/wasm/counter.wasm
  fusee deploy guests/wasm/token.wasm 1000000 --from alice
  fusee deploy guests/wasm/token.wasm 1000000 --name token
  fusee deploy guests/wasm/token.wasm 1000000 --engine all --dry-run
  fusee deploy token.wasm --supply 1_000_000     (with an interface)
  fusee deploy token.wasm -- --help", grammar = arguments::grammar()))]
pub(crate) struct DeployArgs {
    /// Program file: .wasm, .wat or .polkavm
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) arguments: MethodArgs,

    /// Name for the address of the contract: see `fusee name`
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,

    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints the methods with their arguments and results, the events and the errors, as the author of the
contract described them, and no run depends on them. Warns of methods that the program does not
have; nothing checks the rest.

With --embed, reads an interface as JSON (guests/interfaces/token.json is one), and writes the program
with it; beside a program for PolkaVM, writes a file `.interface`.

Examples:
  fusee interface guests/wasm/token.wasm --embed guests/interfaces/token.json --output token.wasm
  fusee interface token.wasm
  fusee interface 3f9c20 --node http://127.0.0.1:8645
  fusee interface token.wasm --json")]
pub(crate) struct InterfaceArgs {
    /// Program file: .wasm, .wat or .polkavm; or the address of a contract, its name, or at least
    /// its first six digits
    #[arg(value_name = "FILE|ADDRESS")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,

    /// Write this interface into the program
    #[arg(long, value_name = "JSON")]
    pub(crate) embed: Option<PathBuf>,

    /// Write the program here [default: in place]
    #[arg(long, value_name = "FILE", requires = "embed")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Needs an interface; see `fusee interface`. The client queries a node by JSON-RPC, encodes calls, and
hands them to a signer of your own. It depends on nothing but `fetch`.

Examples:
  fusee bindings token.wasm --out token.ts
  fusee bindings 3f9c20 --node http://127.0.0.1:8645 --out token.ts
  fusee bindings token.wasm --json")]
pub(crate) struct BindingsArgs {
    /// Program file: .wasm, .wat or .polkavm; or the address of a contract, its name, or at least
    /// its first six digits
    #[arg(value_name = "FILE|ADDRESS")]
    pub(crate) contract: PathBuf,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,

    /// Write the client here [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
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
  fusee create HASH 1000000
  fusee create HASH 1000000 --admin alice --salt 0000000000000000000000000000000000000000000000000000000000000001", grammar = arguments::grammar()))]
pub(crate) struct CreateArgs {
    /// Hash of the code
    #[arg(value_name = "HASH", value_parser = values::parse_hash)]
    pub(crate) code: CodeHash,

    #[command(flatten)]
    pub(crate) arguments: MethodArgs,

    /// 64 hexadecimal digits that decide the address together with the sender [default: the number
    /// of the sender's transaction and the code do]
    #[arg(long, value_name = "HEX", value_parser = Hex::parse)]
    pub(crate) salt: Option<Hex>,

    /// Account or contract that may upgrade the contract [default: nobody, ever]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin: Option<String>,

    /// Name for the address of the contract: see `fusee name`
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

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
    /// Address of the contract, its name, or at least its first six digits
    pub(crate) contract: String,

    /// Hash of the new code
    #[arg(value_name = "HASH", value_parser = values::parse_hash)]
    pub(crate) code: CodeHash,

    #[command(flatten)]
    pub(crate) arguments: MethodArgs,

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
    /// Address of the contract, its name, or at least its first six digits
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
  fusee call 3f9c20 transfer @bob 250 --from alice
  fusee call 3f9c20 transfer @bob 250 --engine all --dry-run --json
  fusee call 3f9c20 transfer @bob 250 --trace
  fusee call 3f9c20 transfer --to bob --amount 250     (with an interface)
  fusee call 3f9c20 transfer amount=250 to=bob         (the same)
  fusee call 3f9c20 transfer_from --amount 5 -- --from alice --to bob
  fusee call 3f9c20 -- --help
  fusee call 3f9c20 transfer -- --help
  fusee call 3f9c20 transfer --input 0x0102 --dry-run     (raw bytes)
  fusee call bob --value 1000", grammar = arguments::grammar()))]
pub(crate) struct CallArgs {
    /// Address of the contract, its name, or at least its first six digits; or an account
    pub(crate) address: String,

    /// Method to call [default: none, only transfer the value]
    pub(crate) method: Option<String>,

    #[command(flatten)]
    pub(crate) arguments: MethodArgs,

    #[command(flatten)]
    pub(crate) transaction: TransactionArgs,

    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
{grammar}

Examples; 3f9c20 is the start of the address that `fusee deploy` printed:
  fusee query 3f9c20 balance_of @alice
  fusee query 3f9c20 balance_of --account alice     (with an interface)
  fusee query 3f9c20 total_supply --engine all
  fusee query 3f9c20 -- --help
  fusee query 3f9c20 total_supply --json
  fusee query 3f9c20 balance_of @alice --trace", grammar = arguments::grammar()))]
pub(crate) struct QueryArgs {
    /// Address of the contract, its name, or at least its first six digits
    pub(crate) address: String,

    /// Method to call
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) method: String,

    #[command(flatten)]
    pub(crate) arguments: MethodArgs,

    /// Ask the state after this block, one of the last ones [default: the last]
    #[arg(long, value_name = "N")]
    pub(crate) height: Option<u64>,

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
  fusee trace 3f9c20 transfer @bob 250 --from alice
  fusee trace 3f9c20 transfer @bob 250 --engine all --json
  fusee trace 3f9c20 transfer @bob 250 --svg transfer.svg", grammar = arguments::grammar()))]
pub(crate) struct TraceCallArgs {
    /// Address of the contract, its name, or at least its first six digits; or an account
    pub(crate) address: String,

    /// Method to call [default: none, only transfer the value]
    pub(crate) method: Option<String>,

    #[command(flatten)]
    pub(crate) arguments: MethodArgs,

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

    /// Commit the transaction even if it fails [default: one that fails by the present state is
    /// neither sent nor committed, and costs nothing]
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) send_anyway: bool,

    #[command(flatten)]
    pub(crate) capsule: CapsuleArgs,
}

/// The arguments of a method.
#[derive(Debug, Args)]
pub(crate) struct MethodArgs {
    /// Arguments of the method, in order or by name; see below. A negative number is an i64 unless
    /// the contract has an interface; other words that begin with - stand behind --
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true, conflicts_with_all = ["args", "input"])]
    pub(crate) words: Vec<String>,

    /// The same
    #[arg(long, value_name = "VALUE", num_args = 1.., allow_negative_numbers = true, conflicts_with = "input")]
    pub(crate) args: Vec<String>,

    /// What is for the method besides these.
    #[arg(skip)]
    pub(crate) given: Given,

    /// Raw input in hexadecimal, instead of arguments
    #[arg(long, value_name = "HEX", value_parser = Hex::parse)]
    pub(crate) input: Option<Hex>,
}

impl MethodArgs {
    /// The words that a method gets, without those of `--input`.
    pub(crate) fn words(&self) -> Result<Words<'_>, Failure> {
        let plain = match &*self.words {
            [] => &self.args,
            words => words,
        };
        if !self.args.is_empty() {
            self.given_once("--args")?;
        }
        Ok(Words {
            plain,
            given: &self.given,
            by: None,
        })
    }

    /// Refuses arguments by a flag and others without it. Clap knows of those that have no dashes.
    pub(crate) fn given_once(&self, flag: &str) -> Result<(), Failure> {
        if self.given.is_empty() {
            return Ok(());
        }
        let message = format!("arguments are given twice: by {flag}, and without");
        Err(Failure::usage(message).next(format!("leave {flag} out, or the others")))
    }
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
    pub(crate) chain: ChainArgs,

    /// Ignore the interfaces of contracts: read arguments and show results without them
    #[arg(long)]
    pub(crate) no_interface: bool,

    /// Gas limit [default: 1,000,000,000; for a transaction to a node, what a simulation uses and a
    /// quarter more]
    #[arg(long, value_name = "N", value_parser = parse_gas)]
    pub(crate) gas: Option<Gas>,

    /// Sender: a development account, the name of a key, or an address
    #[arg(long, value_name = "NAME", default_value = "alice")]
    pub(crate) from: String,

    #[command(flatten)]
    pub(crate) keys: KeyFolderArgs,

    /// Time of the block in milliseconds since the Unix epoch [default: a second after the last
    /// one]
    #[arg(long, value_name = "MS")]
    pub(crate) time: Option<u64>,

    /// Engine to run on [default: tiered; a node has its own]
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineChoice>,
}
