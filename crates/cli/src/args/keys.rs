//! Flags of keys.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use fusee::ledger::TransactionId;

use super::parse_digest;

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
Prints the key and the signature as a transaction has them (docs/book/src/transactions.md).")]
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
