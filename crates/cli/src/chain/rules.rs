//! The rules that this program has, by which it executes the blocks of a chain.

use fusee::chain::{ContractRules, ContractRulesId, Contracts, StateReader};
use fusee::ledger::{Activation, LedgerError, LedgerRules, Parameters, Position, Rulebook, Scheme};

use crate::{
    failure::{Exit, Failure},
    names,
};

/// What published rules can be changed by, as in their names.
const CHANGES: [&str; 6] = [
    "",
    "-wasi",
    "-large",
    "-wasi-large",
    "-oracle",
    "-oracle-wasi-large",
];

/// Every rules of transactions: the published ones, and those of development chains.
pub(crate) fn all_ledger_rules() -> impl Iterator<Item = LedgerRules> {
    let published = LedgerRules::published().into_iter();
    published.flat_map(|rules| [rules.clone(), rules.with_development_accounts()])
}

/// The rules of transactions that hold at a height of a chain.
pub(crate) fn ledger_rules(parameters: &Parameters, height: u64) -> Result<LedgerRules, Failure> {
    let id = activation(parameters, height)?.ledger_rules;
    let found = all_ledger_rules().find(|rules| rules.id() == id);
    found.ok_or_else(|| unknown(height, format!("ledger rules {id}")))
}

/// Every rules of contracts that this program knows, the newest first.
pub(crate) fn all_contract_rules() -> impl Iterator<Item = ContractRules> {
    let published = ContractRules::published().into_iter().rev();
    let named = published.flat_map(|rules| {
        CHANGES.map(|change| ContractRules::named(&format!("{}{change}", rules.name)))
    });
    named.flatten()
}

/// The rules of contracts that hold at a height of a chain.
pub(crate) fn contract_rules(
    parameters: &Parameters,
    height: u64,
) -> Result<ContractRules, Failure> {
    let id = activation(parameters, height)?.contract_rules;
    let mut known = all_contract_rules().chain(with_deposit_of(id));
    let found = known.find(|rules| rules.id() == id);
    found.ok_or_else(|| unknown(height, format!("contract rules {id}")))
}

/// The rules with a deposit that the parameters of a chain name, which the id tells.
pub(crate) fn deposit_rules(parameters: &Parameters) -> impl Iterator<Item = ContractRules> {
    let ids = parameters.activations.iter().map(|it| it.contract_rules);
    ids.filter_map(|id| with_deposit_of(id).find(|rules| rules.id() == id))
}

/// Every rules with the deposit that this id tells.
fn with_deposit_of(id: ContractRulesId) -> impl Iterator<Item = ContractRules> {
    let deposit = id.deposit();
    let published = ContractRules::published().into_iter().rev();
    let names = published.flat_map(move |ContractRules { name, .. }| {
        CHANGES.map(|change| {
            // The name is part of the rules, and has them in any order.
            let last = format!("{name}{change}-deposit-{deposit}");
            let first = format!("{name}-deposit-{deposit}{change}");
            [last, first]
        })
    });
    names
        .flatten()
        .filter_map(|name| ContractRules::named(&name))
}

/// The rules of contracts in the block after a state.
pub(crate) fn next_contract_rules(state: &dyn StateReader) -> Result<ContractRules, Failure> {
    let failed = |error: LedgerError| Failure::from(error);
    let (parameters, last) = (Parameters::read(state), Position::read(state));
    let height = last.map_err(failed)?.height.saturating_add(1);
    contract_rules(&parameters.map_err(failed)?, height)
}

/// The names of the published rules, for people.
pub(crate) fn published_rules() -> String {
    let contracts = ContractRules::published().into_iter().map(|it| it.name);
    let ledger = LedgerRules::published().into_iter().map(|it| it.name);
    let names: Vec<_> = contracts.chain(ledger).collect();
    names::list(names.iter().map(AsRef::as_ref))
}

/// Whether everybody can sign for development accounts in the block after a state, as far as this
/// program knows.
pub(crate) fn is_development(state: &dyn StateReader) -> bool {
    let rules = Parameters::read(state).ok().zip(Position::read(state).ok());
    let rules = rules.and_then(|(parameters, last)| {
        ledger_rules(&parameters, last.height.saturating_add(1)).ok()
    });
    rules.is_some_and(|rules| rules.signature_price(Scheme::Development).is_some())
}

/// All rules of transactions, with these contracts.
pub(crate) fn rulebook(contracts: Contracts) -> Rulebook {
    let book = all_ledger_rules().fold(Rulebook::new(), Rulebook::with_ledger);
    book.with_contracts(contracts)
}

fn activation(parameters: &Parameters, height: u64) -> Result<&Activation, Failure> {
    let found = parameters.activation_at(height);
    found.ok_or_else(|| unknown(height, "none hold there".to_owned()))
}

fn unknown(height: u64, rules: String) -> Failure {
    let error = anyhow::anyhow!("this program has no rules for height {height}: {rules}");
    Failure::new(Exit::Host, error).next("use a version of fusee that has them")
}
