//! Rules by their name: that of a published version, and of what was added to it.

use super::ContractRules;

/// The longest name that is taken apart. Names come from untrusted bytes, and each part is added
/// to a name of its own.
const MAX_NAME_BYTES: usize = 256;

impl ContractRules {
    /// The rules of this name: a published version, changed by
    /// [`with_oracle`](Self::with_oracle), [`with_deposit`](Self::with_deposit),
    /// [`with_wasi`](Self::with_wasi) and [`with_large_programs`](Self::with_large_programs) in the
    /// order of the name. `None` if these make no rules of this name.
    ///
    /// Others may have given rules of their own the same name: compare the [`id`](Self::id).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name.len() > MAX_NAME_BYTES {
            return None;
        }
        let published = Self::published().into_iter();
        let mut published = published.filter_map(|rules| {
            let added = name.strip_prefix(rules.name.as_ref())?;
            rules.with_all(added)
        });
        published.find(|rules| rules.name == name)
    }

    /// Adds what a part of a name lists, each item with a dash before it.
    fn with_all(self, added: &str) -> Option<Self> {
        let mut rules = self;
        let mut words = added.split('-');
        // Nothing is before the first dash.
        if words.next() != Some("") {
            return None;
        }
        while let Some(word) = words.next() {
            rules = match word {
                "oracle" => rules.with_oracle(),
                "deposit" => rules.with_deposit(words.next()?.parse().ok()?),
                "wasi" => rules.with_wasi(),
                "large" => rules.with_large_programs(),
                _ => return None,
            };
        }
        Some(rules)
    }
}
