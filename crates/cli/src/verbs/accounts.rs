//! `accounts`: lists accounts with balances, and contracts.

use fusee::chain::{Account, Address};
use fusee::keystore::Keystore;
use serde::Serialize;

use crate::{
    addresses,
    args::AccountsArgs,
    book,
    chain::{Chain, State, is_development},
    failure::{Exit, Failure},
    names,
    numbers::grouped,
    output::Output,
    table::table,
};

#[derive(Serialize)]
struct AccountsJson {
    accounts: Vec<AccountJson>,
    contracts: Vec<ContractJson>,
    /// The height of the last block.
    height: u64,
    state_root: String,
}

#[derive(Serialize)]
struct AccountJson {
    name: Option<&'static str>,
    address: String,
    /// As text, because JSON readers round large numbers.
    balance: String,
    nonce: u64,
}

#[derive(Serialize)]
struct ContractJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    address: String,
    code_hash: String,
    balance: String,
}

pub(crate) fn run(args: &AccountsArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chain = Chain::open(&args.chain)?;
    let state = chain.state_at(args.height)?;
    let answer = match &args.address {
        None => AccountsJson::of(&state, is_development(&state))?,
        Some(text) => {
            let keystore = Keystore::new(args.keys.keys.clone());
            let address = addresses::resolve(text, &state, Some(&keystore))?;
            AccountsJson::of_one(&state, address)?
        }
    };
    output.answer(&answer, || answer.text())?;
    Ok(Exit::Success)
}

impl AccountsJson {
    fn of(state: &State, is_development: bool) -> Result<Self, Failure> {
        let mut accounts = Vec::new();
        // The named accounts come first, in their order.
        for name in names::ACCOUNTS.iter().filter(|_| is_development) {
            let address = names::account(name);
            accounts.push(AccountJson::of(
                address,
                &addresses::account(state, address)?,
            ));
        }
        let mut contracts = Vec::new();
        for (address, account) in addresses::accounts(state)? {
            match ContractJson::of(address, &account) {
                Some(contract) => contracts.push(contract),
                None if !is_development || names::name_of(address).is_none() => {
                    accounts.push(AccountJson::of(address, &account))
                }
                None => {}
            }
        }
        Ok(Self::new(state, accounts, contracts))
    }

    fn of_one(state: &State, address: Address) -> Result<Self, Failure> {
        let account = addresses::account(state, address)?;
        let contracts: Vec<_> = ContractJson::of(address, &account).into_iter().collect();
        let accounts = match contracts.is_empty() {
            true => vec![AccountJson::of(address, &account)],
            false => Vec::new(),
        };
        Ok(Self::new(state, accounts, contracts))
    }

    fn new(state: &State, accounts: Vec<AccountJson>, contracts: Vec<ContractJson>) -> Self {
        Self {
            accounts,
            contracts,
            height: state.height(),
            state_root: hex::encode(state.root()),
        }
    }

    fn text(&self) -> String {
        let heads = ["account", "address", "balance", "nonce"];
        let mut rows = vec![heads.map(str::to_owned)];
        rows.extend(self.accounts.iter().map(|account| {
            [
                account.name.unwrap_or("-").to_owned(),
                account.address.clone(),
                grouped(&account.balance),
                account.nonce.to_string(),
            ]
        }));
        let mut text = table(0, &rows);
        text.push_str(&format!("\nheight      {}\n", grouped(self.height)));
        text.push_str(&format!("state root  {}\n", self.state_root));
        if self.contracts.is_empty() && self.accounts.len() > 1 {
            text.push_str("\nno contracts yet: deploy one with `fusee deploy FILE`\n");
            return text;
        }
        let mut rows = vec![["contract", "code hash", "balance"].map(str::to_owned)];
        rows.extend(self.contracts.iter().map(|contract| {
            [
                match contract.name {
                    Some(name) => format!("{} ({name})", contract.address),
                    None => contract.address.clone(),
                },
                contract.code_hash.clone(),
                grouped(&contract.balance),
            ]
        }));
        text.push('\n');
        text.push_str(&table(0, &rows));
        text
    }
}

impl ContractJson {
    /// `None` for an account without code.
    fn of(address: Address, account: &Account) -> Option<Self> {
        let code = account.code.as_ref()?;
        Some(Self {
            name: book::name_of(address),
            address: address.to_string(),
            code_hash: code.hash.to_string(),
            balance: account.balance.to_string(),
        })
    }
}

impl AccountJson {
    fn of(address: Address, account: &Account) -> Self {
        Self {
            name: names::known(address),
            address: address.to_string(),
            balance: account.balance.to_string(),
            nonce: account.nonce,
        }
    }
}
