//! Addresses: the accounts in the state, and the address that a text refers to.

use std::collections::BTreeSet;

use fusee::chain::{Account, Address, ContractError, Direction, KeyRange, StateReader, keys};
use fusee::keystore::Keystore;

use crate::{
    book::{self, Book},
    chain::is_development,
    failure::{Exit, Failure},
    names::{self, ACCOUNTS, list, nearest, short},
};

/// Minimum length of an address prefix, in digits.
const PREFIX_DIGITS: usize = 6;

/// The account at an address.
pub(crate) fn account(state: &dyn StateReader, address: Address) -> Result<Account, Failure> {
    Account::read(state, address).map_err(|error| match error {
        ContractError::CorruptAccount { .. } => Failure::new(Exit::Host, error)
            .next("restore the folder from a backup, or choose a new one with --data"),
        error => Failure::new(Exit::Host, error),
    })
}

/// Every account in the state, ordered by address.
pub(crate) fn accounts(state: &dyn StateReader) -> Result<Vec<(Address, Account)>, Failure> {
    let mut addresses = BTreeSet::new();
    for tag in [keys::BALANCE, keys::NONCE, keys::CODE_HASH] {
        let (mut start, end) = (vec![tag], [tag.saturating_add(1)]);
        let failed = |error| Failure::new(Exit::Host, error);
        let next = |start: &[u8]| state.seek(KeyRange::new(start, &end), Direction::Ascending);
        while let Some((mut key, _)) = next(&start).map_err(failed)? {
            addresses.extend(keys::parts(&key).map(|parts| Address::new(parts.owner)));
            key.push(0);
            start = key;
        }
    }
    let accounts = addresses.into_iter();
    accounts
        .map(|address| Ok((address, account(state, address)?)))
        .collect()
}

/// Resolves an address: a development account of a development chain, the name of a key or in the
/// book, 64 digits, or the first digits of a contract.
pub(crate) fn resolve(
    text: &str,
    state: &dyn StateReader,
    keystore: Option<&Keystore>,
) -> Result<Address, Failure> {
    let name = text.strip_prefix('@').unwrap_or(text);
    // Elsewhere nobody can sign for them.
    if ACCOUNTS.contains(&name) && is_development(state) {
        return Ok(names::account(name));
    }
    if let Some(keystore) = keystore.filter(|it| it.path(name).is_ok_and(|file| file.exists())) {
        return Ok(keystore.info(name)?.address);
    }
    if let Some(address) = book::opened().and_then(|book| book.find(name)) {
        return Ok(address);
    }
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let digits = name.strip_prefix("0x").unwrap_or(name).to_ascii_lowercase();
    let contracts = contracts(state)?;
    let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let accounts = ACCOUNTS.iter().copied().filter(|_| is_development(state));
    let named = book::opened().into_iter().flat_map(Book::names);
    let near = nearest(name, accounts.chain(named.map(|(name, _)| name)));
    if is_hexadecimal && (1..PREFIX_DIGITS).contains(&digits.len()) && near.is_none() {
        let failure = Failure::usage(format!("`{text}` is too short for an address"));
        let expected = expected(&contracts, is_development(state));
        return Err(failure.next(format!(
            "give at least the first {PREFIX_DIGITS} of its digits; {expected}"
        )));
    }
    if digits.len() < PREFIX_DIGITS || !is_hexadecimal {
        let failure = Failure::usage(format!("`{text}` is neither an account nor an address"));
        let expected = expected(&contracts, is_development(state));
        return Err(failure.next(match near {
            Some(near) => format!("did you mean `{near}`? If not, {expected}"),
            None => expected,
        }));
    }
    let mut found = contracts
        .iter()
        .filter(|address| address.to_string().starts_with(&digits));
    match (found.next(), found.next()) {
        (Some(address), None) => Ok(*address),
        (None, _) => Err(unknown(text, &contracts, is_development(state))),
        (Some(one), Some(other)) => Err(Failure::usage(format!(
            "`{text}` is ambiguous: it matches the contracts {one} and {other}"
        ))
        .next("give more digits of the address")),
    }
}

/// Refuses a name of an address that a key has.
pub(crate) fn check_no_key(name: &str, keystore: &Keystore) -> Result<(), Failure> {
    match keystore.path(name).is_ok_and(|file| file.exists()) {
        true => Err(
            Failure::usage(format!("the name `{name}` is taken: it is that of a key"))
                .next("choose another name; `fusee keys list` has those of keys"),
        ),
        false => Ok(()),
    }
}

/// The failure of an address without a contract.
pub(crate) fn no_contract(text: &str, state: &dyn StateReader) -> Result<Failure, Failure> {
    Ok(unknown(text, &contracts(state)?, is_development(state)))
}

fn unknown(text: &str, contracts: &[Address], is_development: bool) -> Failure {
    Failure::usage(format!("no contract at `{text}`")).next(expected(contracts, is_development))
}

fn contracts(state: &dyn StateReader) -> Result<Vec<Address>, Failure> {
    let accounts = accounts(state)?.into_iter();
    Ok(accounts
        .filter(|(_, account)| account.code.is_some())
        .map(|(address, _)| address)
        .collect())
}

fn expected(contracts: &[Address], is_development: bool) -> String {
    const SHOWN: usize = 8;
    let accounts = match is_development {
        true => format!("the accounts are {}", list(ACCOUNTS)),
        false => {
            "`fusee keys list` has the names of keys, `fusee accounts` the addresses".to_owned()
        }
    };
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
