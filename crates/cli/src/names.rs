//! Names: development accounts, contracts by the first digits of their address, and suggestions for
//! misspelled names.

use fusee::chain::{Address, Snapshot};

use crate::{chain, failure::Failure};

/// The development accounts. They have no keys: access to the data folder is access to them.
pub(crate) const ACCOUNTS: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// Minimum length of an address prefix, in digits.
const PREFIX_DIGITS: usize = 6;

/// Digits of an address in texts, more than the minimum prefix.
const SHORT_DIGITS: usize = 12;

/// The address of a development account.
pub(crate) fn account(name: &str) -> Address {
    Address::of_development_account(name)
}

/// The name of the development account with this address.
pub(crate) fn name_of(address: Address) -> Option<&'static str> {
    ACCOUNTS.into_iter().find(|name| account(name) == address)
}

/// An address in texts: its name, or its first digits.
pub(crate) fn short(address: Address) -> String {
    match name_of(address) {
        Some(name) => name.to_owned(),
        None => address.to_string().chars().take(SHORT_DIGITS).collect(),
    }
}

/// Resolves an address: a development account, 64 digits, or the first digits of a contract.
pub(crate) fn resolve(text: &str, snapshot: &Snapshot) -> Result<Address, Failure> {
    let name = text.strip_prefix('@').unwrap_or(text);
    if ACCOUNTS.contains(&name) {
        return Ok(account(name));
    }
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let digits = name.strip_prefix("0x").unwrap_or(name).to_ascii_lowercase();
    let contracts = contracts(snapshot)?;
    if digits.len() < PREFIX_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let failure = Failure::usage(format!("`{text}` is neither an account nor an address"));
        return Err(failure.next(match nearest(name, ACCOUNTS) {
            Some(near) => format!("did you mean `{near}`? If not, {}", expected(&contracts)),
            None => expected(&contracts),
        }));
    }
    let mut found = contracts
        .iter()
        .filter(|address| address.to_string().starts_with(&digits));
    match (found.next(), found.next()) {
        (Some(address), None) => Ok(*address),
        (None, _) => Err(unknown(text, &contracts)),
        (Some(one), Some(other)) => Err(Failure::usage(format!(
            "`{text}` is ambiguous: it matches the contracts {one} and {other}"
        ))
        .next("give more digits of the address")),
    }
}

/// The failure of an address without a contract.
pub(crate) fn no_contract(text: &str, snapshot: &Snapshot) -> Result<Failure, Failure> {
    Ok(unknown(text, &contracts(snapshot)?))
}

fn unknown(text: &str, contracts: &[Address]) -> Failure {
    Failure::usage(format!("no contract at `{text}`")).next(expected(contracts))
}

/// The most similar name, if any is similar enough.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |other: &str| {
        let closeness = strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase());
        if !name.is_empty() && (other.contains(name) || name.contains(other)) {
            closeness.max(0.9)
        } else {
            closeness
        }
    };
    let scored = names.into_iter().map(|other| (likeness(other), other));
    let best = scored.fold(None, |best: Option<(f64, &str)>, one| match best {
        Some(best) if best.0 >= one.0 => Some(best),
        _ => Some(one),
    });
    best.filter(|(likeness, _)| *likeness >= 0.75)
        .map(|(_, name)| name)
}

/// The names, quoted and separated by commas.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn contracts(snapshot: &Snapshot) -> Result<Vec<Address>, Failure> {
    let accounts = chain::accounts(snapshot)?.into_iter();
    Ok(accounts
        .filter(|(_, account)| account.code.is_some())
        .map(|(address, _)| address)
        .collect())
}

fn expected(contracts: &[Address]) -> String {
    const SHOWN: usize = 8;
    let accounts = format!("the accounts are {}", list(ACCOUNTS));
    let shown: Vec<_> = contracts
        .iter()
        .take(SHOWN)
        .map(|address| short(*address))
        .collect();
    let shown = list(shown.iter().map(String::as_str));
    match contracts.len() {
        0 => {
            format!(
                "{accounts}, and there are no contracts yet: deploy one with `fusee deploy FILE`"
            )
        }
        1..=SHOWN => format!("{accounts}, the contracts are {shown}"),
        count => format!(
            "{accounts}, the contracts are {shown} and {} more",
            count.saturating_sub(SHOWN)
        ),
    }
}
