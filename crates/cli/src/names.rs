//! Names: of development accounts, of contracts in texts, and suggestions for misspelled ones.

use fusee::chain::Address;

use crate::book;

/// The development accounts. Their keys follow from their names, so everybody can sign for them.
pub(crate) const ACCOUNTS: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

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

/// The name of an address, if it has one.
pub(crate) fn known(address: Address) -> Option<&'static str> {
    name_of(address).or_else(|| book::name_of(address))
}

/// A full address in texts, and its name behind it.
pub(crate) fn full(address: Address) -> String {
    match book::name_of(address) {
        Some(name) => format!("{address} ({name})"),
        None => address.to_string(),
    }
}

/// An address in texts: its name, or its first digits.
pub(crate) fn short(address: Address) -> String {
    match known(address) {
        Some(name) => name.to_owned(),
        None => address.to_string().chars().take(SHORT_DIGITS).collect(),
    }
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
