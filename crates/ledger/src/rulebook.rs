//! The rulebook: the rules and migrations that a program has.
//!
//! Which of them hold at a height is in the state ([`Activation`](crate::Activation)). A program
//! that does not have them stops before that height.

use std::{collections::BTreeMap, sync::Arc};

use fusee_contract::{ContractError, ContractRulesId, Contracts};
use fusee_state::{Diff, StateReader};

use crate::{LedgerError, LedgerRules, LedgerRulesId, Parameters, Unknown};

/// A migration: the changes to a state that a block begins with. It is a pure function of the
/// state.
pub type Migration = fn(&dyn StateReader) -> Result<Diff, ContractError>;

/// The rules and migrations that a program has.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    ledger: BTreeMap<LedgerRulesId, Arc<LedgerRules>>,
    contracts: BTreeMap<ContractRulesId, Contracts>,
    migrations: BTreeMap<String, Migration>,
    rehearsal: Option<Rehearsal>,
}

/// An upgrade to rehearse: what holds from a height on instead of what the chain says.
///
/// It is apart from the state, so parameters, what governance decides of them and the migrations of
/// the chain are those that they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// The first height.
    pub height: u64,
    /// The rules of transactions. None: those of the chain at each height.
    pub ledger_rules: Option<LedgerRulesId>,
    /// The rules of contracts. None: those of the chain at each height.
    pub contract_rules: Option<ContractRulesId>,
    /// A migration by name. It runs at the first height, after that of the chain if there is one.
    pub migration: Option<String>,
}

/// The rules that hold at a height.
#[derive(Clone, Debug)]
pub struct ActiveRules {
    /// The rules of transactions.
    pub ledger: Arc<LedgerRules>,
    /// Their id.
    pub ledger_id: LedgerRulesId,
    /// The contracts, by their rules.
    pub contracts: Contracts,
    /// The id of the rules of contracts.
    pub contracts_id: ContractRulesId,
    /// The migrations that the block of this height begins with, and their names. A chain has one
    /// at most, and a rehearsal adds its own.
    pub migrations: Vec<(String, Migration)>,
}

impl Rulebook {
    /// Creates an empty rulebook.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds rules of transactions: published ones, or those of a development chain.
    #[must_use]
    pub fn with_ledger(mut self, rules: LedgerRules) -> Self {
        self.ledger.insert(rules.id(), Arc::new(rules));
        self
    }

    /// Adds contracts by one set of rules. A node makes them of an executor with an interpreter
    /// ([`Contracts::new`]).
    #[must_use]
    pub fn with_contracts(mut self, contracts: Contracts) -> Self {
        self.contracts.insert(contracts.rules().id(), contracts);
        self
    }

    /// Adds a migration. Its name says what it does; what a name means never changes.
    #[must_use]
    pub fn with_migration(mut self, name: &str, migration: Migration) -> Self {
        self.migrations.insert(name.to_owned(), migration);
        self
    }

    /// Rehearses an upgrade: [`at`](Self::at) tells its rules and its migration. What is executed
    /// by such a rulebook is not to be committed.
    #[must_use]
    pub fn rehearsing(mut self, rehearsal: Rehearsal) -> Self {
        self.rehearsal = Some(rehearsal);
        self
    }

    /// The rules that hold at a height of a chain. With the parameters and the initial height of a
    /// genesis, it tells whether this program can begin the chain, before a folder is made.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unknown`] if this program does not have them.
    pub fn at(&self, parameters: &Parameters, height: u64) -> Result<ActiveRules, LedgerError> {
        let unknown = |source| LedgerError::Unknown { height, source };
        let activation = parameters.activation_at(height);
        let activation = activation.ok_or_else(|| unknown(Unknown::NoRules))?;
        let rehearsal = self.rehearsal.as_ref();
        let rehearsal = rehearsal.filter(|rehearsal| rehearsal.height <= height);
        let ledger_id = rehearsal
            .and_then(|it| it.ledger_rules)
            .unwrap_or(activation.ledger_rules);
        let contracts_id = rehearsal
            .and_then(|it| it.contract_rules)
            .unwrap_or(activation.contract_rules);
        let ledger = self.ledger.get(&ledger_id);
        let contracts = self.contracts.get(&contracts_id);
        let of_chain = (activation.height, &activation.migration);
        let rehearsed = rehearsal.map(|it| (it.height, &it.migration));
        let names = [Some(of_chain), rehearsed].into_iter().flatten();
        let names = names.filter(|(first, _)| *first == height);
        let migrations = names.filter_map(|(_, name)| name.as_ref()).map(|name| {
            let migration = self.migrations.get(name);
            let migration = migration.ok_or_else(|| unknown(Unknown::Migration(name.clone())))?;
            Ok::<_, LedgerError>((name.clone(), *migration))
        });
        Ok(ActiveRules {
            ledger: Arc::clone(ledger.ok_or_else(|| unknown(Unknown::LedgerRules(ledger_id)))?),
            ledger_id,
            contracts: contracts
                .ok_or_else(|| unknown(Unknown::ContractRules(contracts_id)))?
                .clone(),
            contracts_id,
            migrations: migrations.collect::<Result<_, _>>()?,
        })
    }
}
