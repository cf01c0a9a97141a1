//! `genesis`: a file to begin a chain with.

use fusee::ledger::{BlockLimits, Genesis, LedgerRules};
use serde_json::{Value, json};

use crate::{
    args::GenesisArgs,
    chain::{FUNDS, development, published_rules},
    failure::{Exit, Failure},
    names::ACCOUNTS,
    output::Output,
};

pub(crate) fn run(args: &GenesisArgs, output: &mut Output) -> Result<Exit, Failure> {
    let file = file(args)?;
    let text = format!("{file:#}\n");
    // What is printed can be read.
    Genesis::parse(&text).map_err(|error| {
        Failure::new(Exit::Usage, error).next("correct the flags; see `fusee genesis --help`")
    })?;
    output.text(&text)?;
    Ok(Exit::Success)
}

/// The genesis file that flags describe.
pub(super) fn file(args: &GenesisArgs) -> Result<Value, Failure> {
    let dev = development().parameters;
    let rules = match &args.rules {
        Some(name) => fusee::chain::ContractRules::named(name).ok_or_else(|| {
            let rules = published_rules();
            Failure::usage(format!("there are no contract rules `{name}`")).next(format!(
                "name published ones, such as {rules}, or NAME-wasi-large"
            ))
        })?,
        None => fusee::chain::ContractRules::latest(),
    };
    let is_development = args.account.is_empty();
    let ledger = match is_development {
        true => LedgerRules::latest().with_development_accounts(),
        false => LedgerRules::latest(),
    };
    let block_gas = args.block_gas.unwrap_or(match is_development {
        true => dev.limits.gas,
        false => BlockLimits::INTERPRETED_SECOND,
    });
    let accounts = args.account.iter();
    let accounts = accounts.map(|(address, balance)| {
        json!({"address": address.to_string(), "balance": balance.to_string()})
    });
    let developers = ACCOUNTS.iter().filter(|_| is_development);
    let developers = developers.map(|name| json!({"name": name, "balance": FUNDS.to_string()}));
    Ok(json!({
        "chain_id": args.chain_id.clone().unwrap_or(dev.chain_id),
        "initial_height": 1,
        "time": args.time,
        "parameters": {
            "activations": [{
                "height": 1,
                "ledger_rules": ledger.id().to_string(),
                "contract_rules": rules.id().to_string(),
            }],
            "limits": {
                "gas": block_gas.units(),
                "bytes": dev.limits.bytes,
                "transactions": dev.limits.transactions,
            },
            "payment": {"fees": {
                "minimum_price": args.minimum_price.to_string(),
                "destination": "burned",
            }},
            "calls": [],
        },
        "accounts": accounts.collect::<Vec<_>>(),
        "development_accounts": developers.collect::<Vec<_>>(),
    }))
}
