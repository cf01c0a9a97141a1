//! Names: of the development accounts, of contracts by the beginning of their address, and what
//! was meant by one that is not there.

use fusee::chain::{Address, Snapshot};

use crate::{chain, failure::Failure};

/// The development accounts. Nobody has keys to them: whoever has the folder can use them.
pub(crate) const ACCOUNTS: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// The fewest digits by which an address can be named.
const PREFIX_DIGITS: usize = 6;

/// Digits of an address in texts: enough to name it by.
const SHORT_DIGITS: usize = 12;

/// The address of a development account.
pub(crate) fn account(name: &str) -> Address {
    Address::of_development_account(name)
}

/// The development account that has this address.
pub(crate) fn name_of(address: Address) -> Option<&'static str> {
    ACCOUNTS.into_iter().find(|name| account(name) == address)
}

/// An address as texts show it: by name, or by its first digits.
pub(crate) fn short(address: Address) -> String {
    match name_of(address) {
        Some(name) => name.to_owned(),
        None => address.to_string().chars().take(SHORT_DIGITS).collect(),
    }
}

/// The address that a text names: a development account, 64 digits, or the beginning of the
/// address of a contract.
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
        let failure = Failure::usage(format!("`{text}` names no account, and is no address"));
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
            "`{text}` could be the contract {one} or {other}"
        ))
        .next("give more digits of the address")),
    }
}

/// The failure of an address where no contract is.
pub(crate) fn no_contract(text: &str, snapshot: &Snapshot) -> Result<Failure, Failure> {
    Ok(unknown(text, &contracts(snapshot)?))
}

fn unknown(text: &str, contracts: &[Address]) -> Failure {
    Failure::usage(format!("there is no contract at `{text}`")).next(expected(contracts))
}

/// The name most like `name`, if one is like it at all.
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

/// Names for a sentence, each quoted.
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
            format!("{accounts}, and there are no contracts yet: make one with `fusee deploy FILE`")
        }
        1..=SHOWN => format!("{accounts}, the contracts are {shown}"),
        count => format!(
            "{accounts}, the contracts are {shown} and {} more",
            count.saturating_sub(SHOWN)
        ),
    }
}
