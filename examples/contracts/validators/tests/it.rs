//! The validators on every machine. `crates/abci` has them decide for a chain.

use fusee_crypto::sha256;
use fusee_sdk::{
    Address,
    call::Call,
    codec::{Bytes, Codec, to_vec},
    governance::{
        Activation, BlockLimits, Decision, FeeDestination, MAX_VALIDATORS, MAX_VOTING_POWER,
        Misbehaviour, MisbehaviourKind, Parameters, Payment, Reports, Validator, Version,
    },
};
use fusee_testkit::{
    Chain, Fuzz, GasSnapshot, Machine, Program, Status, on_every_machine, on_machine, program,
};
use multisig::{Multisig, MultisigClient};
use serde_json::json;
use validators::{Error, Validators, ValidatorsClient};

const VALIDATORS: Program = program!(Validators);
const MULTISIG: Program = program!(Multisig => "example-multisig");

fn key(number: u8) -> [u8; 32] {
    [number; 32]
}

fn entry(number: u8, power: u64) -> Validator {
    Validator {
        key: key(number),
        power,
        account: Address::new([number + 100; 32]),
    }
}

fn genesis(validators: Vec<Validator>) -> Parameters {
    Parameters {
        version: Version,
        chain_id: "test".to_owned(),
        activations: vec![rules(1, 1)],
        limits: BlockLimits {
            gas: 1_000_000_000,
            bytes: 1 << 20,
            transactions: 1_000,
        },
        payment: Payment::Fees {
            minimum_price: 1,
            destination: FeeDestination::Proposer,
        },
        calls: Vec::new(),
        validators,
    }
}

fn rules(height: u64, id: u8) -> Activation {
    Activation {
        height,
        ledger_rules: [id; 32],
        contract_rules: [id + 1; 32],
        migration: None,
    }
}

/// The address of a validator in the engine.
fn address(key: &[u8; 32]) -> [u8; 20] {
    *sha256(key).first_chunk().expect("a hash has 32 bytes")
}

fn report(number: u8, key: Option<[u8; 32]>) -> Misbehaviour {
    Misbehaviour {
        kind: MisbehaviourKind::DuplicateVote,
        address: self::address(&self::key(number)),
        key,
        account: Address::new([number + 100; 32]),
        power: 10,
        height: 7,
        time: 1,
        total_power: 20,
    }
}

fn reports(list: Vec<Misbehaviour>) -> Reports {
    Reports {
        version: Version,
        list,
    }
}

/// Two validators, of whom Alice decides.
fn deployed(chain: &mut Chain) -> (Address, ValidatorsClient) {
    let alice = chain.account("alice", 0);
    let list = vec![entry(1, 10), entry(2, 10)];
    let input = ValidatorsClient::deploy(alice, genesis(list)).input();
    let contract = chain.deploy(alice, &VALIDATORS, &input);
    (alice, ValidatorsClient::at(contract))
}

/// As many validators as there can be, of whom Alice decides.
fn full(chain: &mut Chain) -> (Address, ValidatorsClient, Vec<Validator>) {
    let alice = chain.account("alice", 0);
    let validator = |number: u32| {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        Validator { key, ..entry(1, 1) }
    };
    let all: Vec<_> = (0..MAX_VALIDATORS).map(validator).collect();
    let input = ValidatorsClient::deploy(alice, genesis(all.clone())).input();
    let contract = chain.deploy(alice, &VALIDATORS, &input);
    (alice, ValidatorsClient::at(contract), all)
}

/// Checks that a call reverts with this error.
#[track_caller]
fn refused<A: Codec>(chain: &mut Chain, from: Address, call: Call<A, ()>, error: &Error) {
    let refused = chain.try_call(from, call);
    let failure = refused.expect_err("the call is refused");
    assert_eq!(failure, error.to_string());
}

/// What the chain is told at the end of a block.
fn decided(chain: &mut Chain, client: &ValidatorsClient) -> Option<Vec<Validator>> {
    let Decision(next) = chain.call(Address::SYSTEM, client.decide());
    next.map(|next| next.validators)
}

#[test]
fn the_authority_decides_who_votes() {
    on_every_machine(|chain| {
        let (alice, client) = deployed(chain);
        assert_eq!(decided(chain, &client), None);
        let account = entry(3, 0).account;
        chain.call(alice, client.add(key(3), 5, account));
        chain.call(alice, client.set_power(key(1), 7));
        chain.call(alice, client.remove(key(2)));
        let expected = vec![entry(1, 7), entry(2, 0), entry(3, 5)];
        // All that a decision has but for the validators is what it was.
        let Decision(next) = chain.call(Address::SYSTEM, client.decide());
        assert_eq!(next, Some(genesis(expected.clone())));
        assert_eq!(decided(chain, &client), None);
        assert_eq!(chain.query(client.validators()), expected);
        // It has left for long enough when the next change is decided.
        chain.call(alice, client.set_power(key(1), 8));
        assert_eq!(
            decided(chain, &client),
            Some(vec![entry(1, 8), entry(3, 5)])
        );
    });
}

#[test]
fn one_that_leaves_is_listed_for_two_blocks_and_can_come_back() {
    on_every_machine(|chain| {
        let (alice, client) = deployed(chain);
        chain.call(alice, client.add(key(3), 5, entry(3, 0).account));
        let left = chain.block().height;
        chain.call(alice, client.remove(key(2)));
        chain.call(alice, client.set_power(key(1), 9));
        assert_eq!(chain.block().height, left + 2);
        let expected = vec![entry(1, 9), entry(2, 0), entry(3, 5)];
        assert_eq!(decided(chain, &client), Some(expected));
        let account = Address::new([9; 32]);
        chain.call(alice, client.add(key(2), 4, account));
        let back = Validator {
            account,
            ..entry(2, 4)
        };
        let expected = vec![entry(1, 9), back, entry(3, 5)];
        assert_eq!(decided(chain, &client), Some(expected.clone()));
        // It does not leave again by having left.
        chain.advance(5);
        chain.call(alice, client.set_power(key(3), 6));
        let decided = decided(chain, &client).unwrap();
        assert_eq!(decided[..2], expected[..2]);
    });
}

#[test]
fn a_validator_that_misbehaved_is_removed_and_its_key_stays_out() {
    on_every_machine(|chain| {
        let (alice, client) = deployed(chain);
        let judge = client.judge(reports(vec![report(2, Some(key(2))), report(4, None)]));
        chain.call(Address::SYSTEM, judge);
        let events = chain.events();
        let removed = events
            .iter()
            .map(|(name, fields)| (name.as_str(), &fields["is_removed"]));
        let expected = [("misbehaved", &json!(true)), ("misbehaved", &json!(false))];
        assert_eq!(removed.collect::<Vec<_>>(), expected);
        assert_eq!(
            decided(chain, &client),
            Some(vec![entry(1, 10), entry(2, 0)])
        );
        assert!(chain.query(client.has_misbehaved(key(2))));
        // Also one that had left before, of which the chain does not know the key.
        for number in [2, 4] {
            let add = client.add(key(number), 1, alice);
            refused(chain, alice, add, &Error::KeyMisbehaved);
        }
        // A report of another height changes nothing more.
        let judge = client.judge(reports(vec![report(2, Some(key(2)))]));
        chain.call(Address::SYSTEM, judge);
        assert_eq!(chain.events()[0].1["is_removed"], false);
        assert_eq!(decided(chain, &client), None);
    });
}

#[test]
fn the_list_stays_one_that_an_engine_can_follow() {
    on_every_machine(|chain| {
        let (alice, client) = deployed(chain);
        let most = MAX_VOTING_POWER;
        let too_much = Error::TooMuchPower { most };
        for (number, power, error) in [
            (1, 1, &Error::VotesAlready),
            (3, 0, &Error::WithoutPower),
            (3, u64::MAX, &too_much),
            (3, most - 19, &too_much),
        ] {
            refused(chain, alice, client.add(key(number), power, alice), error);
        }
        for (number, power, error) in [
            (1, most - 9, &too_much),
            (1, 0, &Error::WithoutPower),
            (3, 1, &Error::DoesNotVote),
        ] {
            refused(chain, alice, client.set_power(key(number), power), error);
        }
        refused(chain, alice, client.remove(key(3)), &Error::DoesNotVote);
        chain.call(alice, client.remove(key(1)));
        refused(chain, alice, client.remove(key(1)), &Error::DoesNotVote);
        refused(chain, alice, client.remove(key(2)), &Error::LastValidator);
        // Nor by what it did.
        let judge = client.judge(reports(vec![report(2, Some(key(2)))]));
        chain.call(Address::SYSTEM, judge);
        assert_eq!(chain.events()[0].1["is_removed"], false);
        chain.call(alice, client.set_power(key(2), most));
        let expected = vec![entry(2, most)];
        assert_eq!(decided(chain, &client), Some(expected));
    });
}

#[test]
fn a_full_list_has_room_for_those_who_come_after_those_who_left() {
    on_machine(Machine::Native, |chain| {
        let (alice, client, all) = full(chain);
        let add = |number| client.add(key(number), 1, alice);
        let most = MAX_VALIDATORS;
        let full = Error::Full { most };
        refused(chain, alice, add(200), &full);
        chain.call(alice, client.remove(all[5].key));
        refused(chain, alice, add(200), &full);
        chain.advance(1);
        chain.call(alice, add(200));
        let list = decided(chain, &client).unwrap();
        assert_eq!(list.len(), all.len());
        assert!(list.iter().all(|it| it.key != all[5].key));
        refused(chain, alice, add(201), &full);
    });
}

#[test]
fn other_rules_are_activated_at_a_height_to_come() {
    on_every_machine(|chain| {
        let (alice, client) = deployed(chain);
        let now = chain.block().height;
        let error = Error::TooEarly { earliest: now + 2 };
        refused(chain, alice, client.activate(rules(now + 1, 3)), &error);
        chain.call(alice, client.activate(rules(now + 50, 3)));
        chain.call(alice, client.activate(rules(now + 60, 5)));
        // In place of those that were to hold later.
        chain.call(alice, client.activate(rules(now + 55, 7)));
        let Decision(next) = chain.call(Address::SYSTEM, client.decide());
        let expected = [rules(1, 1), rules(now + 50, 3), rules(now + 55, 7)];
        assert_eq!(next.unwrap().activations, expected);
    });
}

#[test]
fn nobody_else_decides() {
    on_every_machine(|chain| {
        let (alice, client) = deployed(chain);
        let bob = chain.account("bob", 0);
        let error = &Error::NotTheAuthority { caller: bob };
        refused(chain, bob, client.add(key(3), 1, bob), error);
        refused(chain, bob, client.set_power(key(1), 1), error);
        refused(chain, bob, client.remove(key(1)), error);
        refused(chain, bob, client.activate(rules(100, 1)), error);
        refused(chain, bob, client.hand_over(bob), error);
        // The authority is not the chain.
        let error = &Error::NotTheChain { caller: alice };
        let failure = chain.try_call(alice, client.decide()).unwrap_err();
        assert_eq!(failure, error.to_string());
        let judge = client.judge(reports(vec![report(1, Some(key(1)))]));
        refused(chain, alice, judge, error);

        chain.call(alice, client.hand_over(bob));
        assert_eq!(chain.query(client.authority()), bob);
        let error = &Error::NotTheAuthority { caller: alice };
        refused(chain, alice, client.remove(key(1)), error);
        chain.call(bob, client.remove(key(1)));
    });
}

#[test]
fn a_multisig_wallet_can_be_the_authority() {
    on_every_machine(|chain| {
        let (alice, client) = deployed(chain);
        let bob = chain.account("bob", 0);
        let input = MultisigClient::deploy(vec![alice, bob], 2).input();
        let wallet = chain.deploy(alice, &MULTISIG, &input);
        chain.call(alice, client.hand_over(wallet));
        let remove = client.remove(key(2));
        let (target, method) = (*remove.target(), remove.method().to_owned());
        let wallet = MultisigClient::at(wallet);
        let propose = wallet.propose(target, method, Bytes(remove.input()), 0);
        let number = chain.call(alice, propose);
        assert_eq!(decided(chain, &client), None);
        chain.call(bob, wallet.confirm(number));
        let expected = vec![entry(1, 10), entry(2, 0)];
        assert_eq!(decided(chain, &client), Some(expected));
    });
}

#[test]
fn a_chain_without_validators_gets_none() {
    on_every_machine(|chain| {
        let alice = chain.account("alice", 0);
        for list in [Vec::new(), vec![entry(1, 0)]] {
            let input = ValidatorsClient::deploy(alice, genesis(list)).input();
            let failure = chain.try_deploy(alice, &VALIDATORS, &input).unwrap_err();
            assert_eq!(failure, Error::NobodyVotes.to_string());
        }
    });
}

#[test]
fn input_of_another_version_is_refused() {
    on_every_machine(|chain| {
        let alice = chain.account("alice", 0);
        let mut input = ValidatorsClient::deploy(alice, genesis(vec![entry(1, 1)])).input();
        input[32] = 2;
        let failure = chain.try_deploy(alice, &VALIDATORS, &input).unwrap_err();
        assert_eq!(failure, "arguments are malformed");
    });
}

#[test]
fn whatever_is_called_somebody_votes_and_the_list_can_be_followed() {
    on_every_machine(|chain| {
        let (alice, client) = deployed(chain);
        let bob = chain.account("bob", 0);
        let fuzz = Fuzz {
            contract: *client.decide().target(),
            accounts: &[alice, bob],
            seed: 7,
            calls: 150,
        };
        let (mut added, mut removed) = (0, 0);
        chain.fuzz(fuzz, |chain, call| {
            let list = chain.query(client.validators());
            if (call.method.as_str(), call.status) == ("add", Status::Success) {
                added += 1;
                // Random keys are hardly ever those of validators: one that is one.
                let voting = list.iter().find(|it| it.power > 0).expect("one votes");
                let judge = client.judge(reports(vec![Misbehaviour {
                    address: address(&voting.key),
                    ..report(1, Some(voting.key))
                }]));
                chain.call(Address::SYSTEM, judge);
                removed += usize::from(chain.events()[0].1["is_removed"] == true);
            }
            let list = chain.query(client.validators());
            let total: u128 = list.iter().map(|it| u128::from(it.power)).sum();
            assert!((1..=u128::from(MAX_VOTING_POWER)).contains(&total));
            if let Decision(Some(next)) = chain.call(Address::SYSTEM, client.decide()) {
                assert!(next.activations.is_sorted_by(|a, b| a.height < b.height));
                let votes = |of: &[Validator]| {
                    let voting = of.iter().filter(|it| it.power > 0);
                    voting.copied().collect::<Vec<_>>()
                };
                assert_eq!(votes(&next.validators), votes(&list));
            }
        });
        assert!(added > 0 && removed > 0, "{added} and {removed}");
    });
}

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let (alice, client) = deployed(chain);
        let mut gas = GasSnapshot::new();
        let mut record = |chain: &mut Chain, name: &str| gas.record(name, chain.gas_used());
        chain.call(Address::SYSTEM, client.decide());
        record(chain, "decide nothing");
        chain.call(alice, client.add(key(3), 1, alice));
        record(chain, "add");
        chain.call(Address::SYSTEM, client.decide());
        record(chain, "decide three validators");
        let judge = client.judge(reports(vec![report(2, Some(key(2)))]));
        chain.call(Address::SYSTEM, judge);
        record(chain, "judge one report");
        // What the limits of the scheduled calls have to cover, at the most.
        let (alice, client, all) = full(chain);
        record(chain, "deploy 1,000 validators");
        chain.call(alice, client.remove(all[0].key));
        chain.call(Address::SYSTEM, client.decide());
        record(chain, "decide 1,000 validators");
        let guilty = all.iter().map(|it| Misbehaviour {
            address: address(&it.key),
            ..report(1, Some(it.key))
        });
        let judge = client.judge(reports(guilty.collect()));
        chain.call(Address::SYSTEM, judge);
        record(chain, "judge 1,000 reports");
        let voting = chain.query(client.validators());
        let voting = voting.iter().filter(|it| it.power > 0);
        assert_eq!(voting.map(|it| it.key).collect::<Vec<_>>(), [all[999].key]);
        gas.check("tests/gas.txt", 20).unwrap();
    });
}

/// The chain's encodings, of which the crates of the chain hold theirs to these as well.
#[test]
fn a_decision_for_nothing_is_no_bytes() {
    assert_eq!(to_vec(&Decision(None)), Vec::<u8>::new());
    let parameters = genesis(vec![entry(1, 1)]);
    let bytes = to_vec(&parameters);
    assert_eq!(bytes[0], 1);
    assert_eq!(to_vec(&Decision(Some(parameters))), bytes);
}
