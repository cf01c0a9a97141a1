//! What the SDK reads and writes for chains is what chains write and read.

use fusee::{
    chain::{Address as ChainAddress, ContractRulesId},
    ledger::{
        Activation, BlockLimits, FeeDestination, LedgerRulesId, MAX_VALIDATORS, MAX_VOTING_POWER,
        Misbehaviour, MisbehaviourKind, Parameters, Payment, Phase, ScheduledCall, Validator,
    },
    sandbox::Gas,
};
use fusee_sdk::{
    Address,
    codec::{Malformed, from_slice, to_vec},
    governance,
};

const KINDS: [(MisbehaviourKind, governance::MisbehaviourKind); 3] = [
    (
        MisbehaviourKind::Unknown,
        governance::MisbehaviourKind::Unknown,
    ),
    (
        MisbehaviourKind::DuplicateVote,
        governance::MisbehaviourKind::DuplicateVote,
    ),
    (
        MisbehaviourKind::LightClientAttack,
        governance::MisbehaviourKind::LightClientAttack,
    ),
];

fn parameters(payment: Payment) -> Parameters {
    let activation = |height, migration: Option<&str>| Activation {
        height,
        ledger_rules: LedgerRulesId::from_bytes([1; 32]),
        contract_rules: ContractRulesId::from_bytes([2; 32]),
        migration: migration.map(str::to_owned),
    };
    let call = |phase| ScheduledCall {
        phase,
        every: 7.try_into().unwrap(),
        to: ChainAddress::new([5; 32]),
        method: "tick".to_owned(),
        input: vec![1, 2],
        gas: Gas::new(7_000),
        updates_parameters: phase == Phase::End,
    };
    let validator = |number, power| Validator {
        key: [number; 32],
        power,
        account: ChainAddress::new([number + 1; 32]),
    };
    Parameters {
        chain_id: "acme-1".to_owned(),
        activations: vec![activation(1, None), activation(9, Some("halve"))],
        limits: BlockLimits {
            gas: Gas::new(1_000_000_000),
            bytes: 1 << 20,
            transactions: 100,
        },
        payment,
        calls: [Phase::Begin, Phase::End, Phase::Misbehaviour]
            .map(call)
            .to_vec(),
        validators: vec![validator(1, 10), validator(3, 0)],
    }
}

#[test]
fn parameters_are_those_of_the_chain() {
    let fees = |destination| Payment::Fees {
        minimum_price: u128::MAX,
        destination,
    };
    let payments = [
        (fees(FeeDestination::Proposer), {
            let destination = governance::FeeDestination::Proposer;
            paid(destination)
        }),
        (
            fees(FeeDestination::Treasury(ChainAddress::new([4; 32]))),
            paid(governance::FeeDestination::Treasury(Address::new([4; 32]))),
        ),
        (
            fees(FeeDestination::Burned),
            paid(governance::FeeDestination::Burned),
        ),
        (
            Payment::Quotas {
                gas: Gas::new(3),
                window: 4.try_into().unwrap(),
            },
            governance::Payment::Quotas { gas: 3, window: 4 },
        ),
    ];
    for (payment, expected) in payments {
        let bytes = parameters(payment).encode();
        let read: governance::Parameters = from_slice(&bytes).unwrap();
        assert_eq!(read, as_contracts_have(expected));
        assert_eq!(to_vec(&read), bytes);
        let decision = governance::Decision(Some(read));
        assert_eq!(to_vec(&decision), bytes);
        assert_eq!(from_slice(&bytes), Ok(decision));
    }
    let nothing = governance::Decision(None);
    assert_eq!(to_vec(&nothing), Vec::<u8>::new());
    assert_eq!(from_slice(&[]), Ok(nothing));
}

fn paid(destination: governance::FeeDestination) -> governance::Payment {
    governance::Payment::Fees {
        minimum_price: u128::MAX,
        destination,
    }
}

fn as_contracts_have(payment: governance::Payment) -> governance::Parameters {
    use governance::{Activation, BlockLimits, Phase, ScheduledCall, Validator};
    let activation = |height, migration: Option<&str>| Activation {
        height,
        ledger_rules: [1; 32],
        contract_rules: [2; 32],
        migration: migration.map(str::to_owned),
    };
    let call = |phase| ScheduledCall {
        phase,
        every: 7,
        to: Address::new([5; 32]),
        method: "tick".to_owned(),
        input: fusee_sdk::codec::Bytes(vec![1, 2]),
        gas: 7_000,
        updates_parameters: phase == Phase::End,
    };
    let validator = |number, power| Validator {
        key: [number; 32],
        power,
        account: Address::new([number + 1; 32]),
    };
    governance::Parameters {
        version: governance::Version,
        chain_id: "acme-1".to_owned(),
        activations: vec![activation(1, None), activation(9, Some("halve"))],
        limits: BlockLimits {
            gas: 1_000_000_000,
            bytes: 1 << 20,
            transactions: 100,
        },
        payment,
        calls: [Phase::Begin, Phase::End, Phase::Misbehaviour]
            .map(call)
            .to_vec(),
        validators: vec![validator(1, 10), validator(3, 0)],
    }
}

#[test]
fn reports_are_those_of_the_chain() {
    let mut reports = Vec::new();
    let mut expected = Vec::new();
    for (number, (ours, theirs)) in (1..).zip(KINDS) {
        let key = (number != 2).then_some([number; 32]);
        reports.push(Misbehaviour {
            kind: ours,
            address: [number; 20],
            key,
            account: ChainAddress::new([9; 32]),
            power: 10,
            height: 5,
            time: 1_790_000_000_001,
            total_power: 30,
        });
        expected.push(governance::Misbehaviour {
            kind: theirs,
            address: [number; 20],
            key,
            account: Address::new([9; 32]),
            power: 10,
            height: 5,
            time: 1_790_000_000_001,
            total_power: 30,
        });
    }
    let bytes = Misbehaviour::encode_list(&reports);
    let read: governance::Reports = from_slice(&bytes).unwrap();
    assert_eq!(read.list, expected);
    assert_eq!(to_vec(&read), bytes);
    let other = [&[2], &bytes[1..]].concat();
    let refused = from_slice::<governance::Reports>(&other);
    assert_eq!(refused, Err(Malformed::Invalid));
}

#[test]
fn limits_and_the_caller_are_those_of_the_chain() {
    assert_eq!(governance::MAX_VOTING_POWER, MAX_VOTING_POWER);
    let most = usize::try_from(governance::MAX_VALIDATORS).unwrap();
    assert_eq!(most, MAX_VALIDATORS);
    assert_eq!(Address::SYSTEM.as_bytes(), ChainAddress::SYSTEM.as_bytes());
}
