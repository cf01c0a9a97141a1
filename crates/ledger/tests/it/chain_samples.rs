//! Parameters, genesis and headers of the tests.

use std::collections::BTreeMap;

use fusee_contract::{Address, ContractRules, ContractRulesId};
use fusee_engine::Gas;
use fusee_ledger::{
    Activation, BlockLimits, FeeDestination, Genesis, GenesisAccount, Header, HeaderHash,
    LedgerRulesId, Misbehaviour, MisbehaviourKind, Parameters, Payment, Phase, ScheduledCall,
    Validator,
};

use crate::samples::{address, rules};

pub(crate) const CHAIN: &str = "fusee-test-1";

/// Parameters without anything special: fees for the proposer.
pub(crate) fn parameters() -> Parameters {
    Parameters {
        chain_id: CHAIN.to_owned(),
        activations: vec![Activation {
            height: 1,
            ledger_rules: rules().id(),
            contract_rules: ContractRules::v1().id(),
            migration: None,
        }],
        limits: BlockLimits {
            gas: Gas::new(1_000_000_000),
            bytes: 1 << 20,
            transactions: 100,
        },
        payment: Payment::Fees {
            minimum_price: 1,
            destination: FeeDestination::Proposer,
        },
        calls: Vec::new(),
        validators: Vec::new(),
    }
}

pub(crate) fn validator(number: u8, power: u64) -> Validator {
    Validator {
        key: [number; 32],
        power,
        account: address(number),
    }
}

/// A report of a validator, which is listed if its number is odd.
pub(crate) fn report(number: u8) -> Misbehaviour {
    Misbehaviour {
        kind: match number % 2 {
            0 => MisbehaviourKind::LightClientAttack,
            _ => MisbehaviourKind::DuplicateVote,
        },
        address: [number; 20],
        key: (number % 2 == 1).then_some([number; 32]),
        account: address(number),
        power: 10,
        height: 5,
        time: 1_790_000_000_001,
        total_power: 30,
    }
}

/// Parameters with something of everything.
pub(crate) fn rich_parameters() -> Parameters {
    let activation = |height, byte, migration: Option<&str>| Activation {
        height,
        ledger_rules: LedgerRulesId::from_bytes([byte; 32]),
        contract_rules: ContractRulesId::from_bytes([byte + 1; 32]),
        migration: migration.map(str::to_owned),
    };
    let call = |phase, every: u64| ScheduledCall {
        phase,
        every: every.try_into().unwrap(),
        to: address(5),
        method: "tick".to_owned(),
        input: vec![1, 2],
        gas: Gas::new(7_000),
        updates_parameters: phase == Phase::End,
    };
    Parameters {
        activations: vec![activation(1, 1, None), activation(9, 3, Some("halve"))],
        payment: Payment::Fees {
            minimum_price: u128::MAX,
            destination: FeeDestination::Treasury(address(4)),
        },
        calls: vec![
            call(Phase::Begin, 1),
            call(Phase::End, 100),
            call(Phase::Misbehaviour, 1),
        ],
        validators: vec![validator(1, 10), validator(2, 0)],
        ..parameters()
    }
}

pub(crate) fn genesis(parameters: Parameters, accounts: &[(Address, u128)]) -> Genesis {
    let accounts = accounts.iter().map(|&(address, balance)| {
        let quota = None;
        (address, GenesisAccount { balance, quota })
    });
    Genesis {
        initial_height: 1,
        time: 1_790_000_000_000,
        parameters,
        accounts: BTreeMap::from_iter(accounts),
        contracts: Vec::new(),
    }
}

pub(crate) fn header() -> Header {
    Header {
        chain: fusee_ledger::chain_digest(CHAIN),
        height: 7,
        time: 1_790_000_000_123,
        proposer: address(1),
        parent: HeaderHash::from_bytes([2; 32]),
        transactions_root: [3; 32],
        misbehaviour_root: [8; 32],
        receipts_root: [4; 32],
        state_root: [5; 32],
        ledger_rules: LedgerRulesId::from_bytes([6; 32]),
        contract_rules: ContractRulesId::from_bytes([7; 32]),
        gas_declared: Gas::new(80),
        gas_used: Gas::new(70),
        fees: 1 << 100,
    }
}
