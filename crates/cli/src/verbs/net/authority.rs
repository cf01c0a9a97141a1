//! The contract of a network's genesis by which an authority adds and removes validators: the
//! example `validators` of the SDK.

use fusee::{chain::Address, ledger::GenesisContract};
use serde_json::{Map, Value, json};

use crate::{
    args::NetInitArgs,
    failure::Failure,
    names::{self, ACCOUNTS},
};

const NAME: &str = "validators";
const CODE: &[u8] = include_bytes!("../../../../../guests/wasm/example_validators.wasm");

/// Enough for a genesis of 1,000 validators.
const GENESIS_GAS: u64 = 1_000_000_000;
/// Enough in a block of 1,000 reports, or of a list of as many validators.
const CALL_GAS: u64 = 100_000_000;

/// The address of the contract.
pub(super) fn contract() -> Address {
    GenesisContract::address_of(NAME)
}

/// The authority that a flag names.
pub(super) fn given(args: &NetInitArgs) -> Result<Option<Address>, Failure> {
    let resolve = |text: &String| {
        let name = text.strip_prefix('@').unwrap_or(text);
        if args.development && ACCOUNTS.contains(&name) {
            return Ok(names::account(name));
        }
        name.parse().map_err(|_| {
            let failure = Failure::usage(format!("--authority: `{text}` is no address"));
            failure.next(match args.development {
                true => "give 64 hexadecimal digits, or a development account, such as alice",
                false => "give 64 hexadecimal digits, as `fusee keys show` tells those of a key",
            })
        })
    };
    args.authority.as_ref().map(resolve).transpose()
}

/// Adds the contract to a genesis, and the calls by which the chain asks it.
pub(super) fn insert(genesis: &mut Map<String, Value>, authority: Address) {
    let call = |phase: &str, method: &str| {
        json!({
            "phase": phase,
            "every": 1,
            "to": { "contract": NAME },
            "method": method,
            "gas": CALL_GAS,
        })
    };
    let mut decide = call("end", "decide");
    if let Some(decide) = decide.as_object_mut() {
        decide.insert("updates_parameters".to_owned(), true.into());
    }
    if let Some(parameters) = genesis.get_mut("parameters").and_then(Value::as_object_mut) {
        let calls = json!([call("misbehaviour", "judge"), decide]);
        parameters.insert("calls".to_owned(), calls);
    }
    let contract = json!({
        "name": NAME,
        "code": { "hex": hex::encode(CODE) },
        "admin": authority.to_string(),
        "input": authority.to_string(),
        "with_parameters": true,
        "gas": GENESIS_GAS,
    });
    genesis.insert("contracts".to_owned(), json!([contract]));
}
