//! Contracts at genesis: deployed by the rules of the first height, before the first block.
//!
//! A contract is uploaded, created and given its input as a transaction does it, by
//! [`Address::SYSTEM`], so its state is what its own code makes of it. Its address depends on its
//! name alone: it is known before the code is, so parameters and other contracts can name it.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::{
    Action, Address, Batch, BatchOperation, BatchResult, BlockContext, IncludedBatch, Status,
};
use fusee_crypto::sha256;
use fusee_engine::{CodeHash, Gas};
use fusee_state::{Diff, MemoryState, Overlay};

use super::{Genesis, GenesisError};
use crate::{ActiveRules, Ledger, versioned};

/// The domain of the salts of contracts.
const SALT_TAG: &[u8] = b"fusee genesis contract";

/// A contract that is there from the beginning.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisContract {
    /// The name, which decides the [address](Self::address_of). Not empty, and there once.
    pub name: String,
    /// The program.
    pub code: Vec<u8>,
    /// Who may upgrade it. `None`: nobody, ever.
    pub admin: Option<Address>,
    /// The input of its method `deploy`, if it has one.
    pub input: Vec<u8>,
    /// The gas limit of the deployment. Nobody pays for the gas.
    #[borsh(
        serialize_with = "versioned::write_gas",
        deserialize_with = "versioned::read_gas"
    )]
    pub gas: Gas,
}

impl GenesisContract {
    /// The address of the contract of this name: that of a salted contract of
    /// [`Address::SYSTEM`], whose salt is SHA-256 of a tag and the name.
    #[must_use]
    pub fn address_of(name: &str) -> Address {
        Address::of_salted_contract(Address::SYSTEM, &salt(name))
    }

    fn operations(&self) -> Vec<BatchOperation> {
        let upload = Action::Upload {
            code: self.code.clone(),
        };
        let create = Action::Create {
            code: CodeHash::of(&self.code),
            salt: Some(salt(&self.name)),
            admin: self.admin,
            input: self.input.clone(),
        };
        let operation = |action| BatchOperation { action, value: 0 };
        vec![operation(upload), operation(create)]
    }
}

fn salt(name: &str) -> [u8; 32] {
    sha256(&[SALT_TAG, name.as_bytes()].concat())
}

impl Ledger {
    /// The first state of a chain, as changes to an empty one: what the genesis says, and what its
    /// contracts make of it, in their order. They see the height before the first one, the time of
    /// genesis, and no proposer. Their events are in no receipt.
    ///
    /// # Errors
    ///
    /// [`GenesisError::Contract`] if a contract cannot be deployed. [`GenesisError::Ledger`] if
    /// there are contracts, and the host fails or does not have the rules of the first height.
    pub fn genesis(&self, genesis: &Genesis) -> Result<Diff, GenesisError> {
        let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
        overlay.apply(genesis.entries());
        if !genesis.contracts.is_empty() {
            let rules = self
                .rulebook()
                .at(&genesis.parameters, genesis.initial_height)?;
            for contract in &genesis.contracts {
                let changes = self.deploy(contract, genesis, &rules, &overlay)?;
                overlay.apply(changes);
            }
        }
        // The state is empty before: there is nothing to remove.
        let changes = overlay.into_diff().into_iter();
        Ok(changes.filter(|(_, value)| value.is_some()).collect())
    }

    fn deploy(
        &self,
        contract: &GenesisContract,
        genesis: &Genesis,
        rules: &ActiveRules,
        overlay: &Overlay,
    ) -> Result<Diff, GenesisError> {
        let failed = |reason| {
            let name = contract.name.clone();
            Err(GenesisError::Contract { name, reason })
        };
        let context = BlockContext {
            chain_id: genesis.parameters.chain_id.as_str().into(),
            height: genesis.initial_height.saturating_sub(1),
            time: genesis.time,
            ..BlockContext::default()
        };
        let batch = Batch {
            from: Address::SYSTEM,
            operations: contract.operations(),
            gas: contract.gas,
            overhead: Gas::ZERO,
            fee: None,
        };
        let executed = (rules.contracts)
            .execute_batch(overlay.view(), batch, &context, self.interrupt())
            .map_err(crate::LedgerError::from)?;
        let IncludedBatch {
            receipts,
            changes,
            refusal,
            ..
        } = match executed {
            BatchResult::Included(included) => included,
            BatchResult::Invalid(invalid) => return failed(invalid.to_string()),
        };
        match receipts.last().map(|receipt| receipt.status) {
            Some(Status::Success) => Ok(changes),
            Some(status) => failed(match refusal {
                Some(refusal) => format!("{status}: {}", refusal.message),
                None => status.to_string(),
            }),
            None => failed("nothing of it was executed".to_owned()),
        }
    }
}
