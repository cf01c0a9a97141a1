//! The genesis of a development chain: for one machine, for tests, and for trying things out.

use fusee_contract::{Address, ContractRulesId};
use fusee_engine::Gas;

use super::{Genesis, GenesisAccount};
use crate::{Activation, BlockLimits, FeeDestination, LedgerRules, Parameters, Payment};

/// The name of every development chain.
const CHAIN_ID: &str = "fusee-dev";

/// The limits of a block: far more than a network would choose
/// ([`BlockLimits::INTERPRETED_SECOND`]), so that a block has room for any one transaction. Nobody
/// else waits for it.
const LIMITS: BlockLimits = BlockLimits {
    gas: Gas::new(1_000_000_000_000),
    bytes: 16 << 20,
    transactions: 10_000,
};

impl Genesis {
    /// The genesis of a development chain whose [development
    /// accounts](Address::of_development_account) have these balances. Everybody can sign for such
    /// an account, so the chain is no place for anything of worth.
    ///
    /// It begins at time 0, gas has no minimum price, and the newest rules of transactions hold.
    #[must_use]
    pub fn development(contract_rules: ContractRulesId, accounts: &[(&str, u128)]) -> Self {
        let accounts = accounts.iter().map(|(name, balance)| {
            let account = GenesisAccount {
                balance: *balance,
                quota: None,
            };
            (Address::of_development_account(name), account)
        });
        Self {
            initial_height: 1,
            time: 0,
            parameters: Parameters {
                chain_id: CHAIN_ID.to_owned(),
                activations: vec![Activation {
                    height: 1,
                    ledger_rules: LedgerRules::latest().with_development_accounts().id(),
                    contract_rules,
                    migration: None,
                }],
                limits: LIMITS,
                payment: Payment::Fees {
                    minimum_price: 0,
                    destination: FeeDestination::Burned,
                },
                calls: Vec::new(),
                validators: Vec::new(),
            },
            accounts: accounts.collect(),
            contracts: Vec::new(),
        }
    }
}
