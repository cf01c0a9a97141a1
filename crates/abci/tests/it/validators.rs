//! What a contract decides of validators and limits, and what the engine learns of it.

use fusee_abci::{AppOptions, consensus_address};
use fusee_contract::{Address, ContractRules};
use fusee_engine::CodeHash;
use fusee_ledger::{Genesis, MAX_VOTING_POWER, Parameters, Validator};
use tendermint_proto::v0_38::abci::{ResponseFinalizeBlock, ValidatorUpdate};
use tendermint_proto::v0_38::crypto::public_key::Sum;
use tendermint_proto::v0_38::types::{BlockParams, VersionParams};

use crate::client::{Client, Node, block};
use crate::world::{account, begin, call, deploy, file_with, operator, transfer, validator};

/// Stores what is proposed, and decides for it in the next block.
const COUNCIL: &str = r#"(module
    (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
    (import "fusee" "output_write" (func $output (param i32 i32)))
    (import "fusee" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
    (memory (export "memory") 1)
    (func (export "propose")
        (local $bytes i32)
        (local.set $bytes (call $input (i32.const 16) (i32.const 4096)))
        (call $write (i32.const 0) (i32.const 1) (i32.const 16) (local.get $bytes)))
    (func (export "decide")
        (local $bytes i32)
        (local.set $bytes (call $read (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 4096)))
        (if (i32.gt_s (local.get $bytes) (i32.const 0)) (then
            (call $output (i32.const 16) (local.get $bytes))
            (call $write (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 0))))))"#;

/// A chain whose parameters a contract decides about.
struct Governed {
    _folder: tempfile::TempDir,
    node: Node,
    client: Client,
    council: Address,
    parameters: Parameters,
    height: i64,
    nonce: u64,
}

impl Governed {
    fn new(rules: &[(u64, ContractRules)]) -> Self {
        let code = wat::parse_str(COUNCIL).unwrap();
        let council = Address::of_contract(account(1), 0, CodeHash::of(&code));
        let decide = format!(
            r#"{{"phase": "begin", "every": 1, "to": "{council}", "method": "decide",
                "gas": 1000000, "updates_parameters": true}}"#
        );
        let validators = [entry(70, 10), entry(71, 10)];
        let validators = validators.map(|it| (it.key, it.power, it.account));
        let file = file_with(rules, &decide, &validators);
        let genesis = Genesis::parse(&file).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = AppOptions::new(&genesis);
        let node = Node::start_with(folder.path(), genesis.clone(), options);
        let mut client = node.connect();
        assert_eq!(
            client.init(begin(&file)).validators,
            [update(70, 10), update(71, 10)]
        );
        let deployed = client.block(1, &[deploy(1, 0, &code, &[])]);
        assert_eq!(deployed.tx_results[0].info, "success");
        assert_eq!(deployed.validator_updates, []);
        Self {
            _folder: folder,
            node,
            client,
            council,
            parameters: genesis.parameters,
            height: 1,
            nonce: 1,
        }
    }

    /// Proposes other parameters in a block, and returns the result of the next one.
    fn decide(&mut self, change: impl FnOnce(&mut Parameters)) -> ResponseFinalizeBlock {
        let mut next = self.parameters.clone();
        change(&mut next);
        let propose = call(1, self.nonce, self.council, "propose", &next.encode());
        self.nonce += 1;
        let proposed = self.block(&[propose]);
        assert_eq!(proposed.tx_results[0].info, "success");
        assert_eq!(proposed.validator_updates, []);
        let decided = self.block(&[]);
        let kinds = decided.events.iter().map(|event| event.r#type.as_str());
        assert_eq!(kinds.collect::<Vec<_>>(), ["fusee_call"]);
        self.parameters = next;
        decided
    }

    fn block(&mut self, transactions: &[Vec<u8>]) -> ResponseFinalizeBlock {
        self.height += 1;
        self.client.block(self.height, transactions)
    }
}

fn entry(number: u8, power: u64) -> Validator {
    Validator {
        key: validator(number),
        power,
        account: operator(number),
    }
}

pub(crate) fn update(number: u8, power: i64) -> ValidatorUpdate {
    let sum = Some(Sum::Ed25519(validator(number).to_vec()));
    let pub_key = Some(tendermint_proto::v0_38::crypto::PublicKey { sum });
    ValidatorUpdate { pub_key, power }
}

#[test]
fn the_engine_learns_what_changes_of_the_validators() {
    let mut chain = Governed::new(&[(1, ContractRules::v1())]);
    let mut decide = |validators: &[Validator], expected: &[ValidatorUpdate]| {
        let decided = chain.decide(|next| next.validators = validators.to_vec());
        assert_eq!(decided.validator_updates, expected);
        assert_eq!(decided.consensus_param_updates, None);
    };
    // A new one, another power, and one that stays.
    decide(
        &[entry(72, 5), entry(70, 10), entry(71, 3)],
        &[update(71, 3), update(72, 5)],
    );
    // The order does not matter.
    decide(&[entry(70, 10), entry(71, 3), entry(72, 5)], &[]);
    // One leaves with its entry, and one without.
    decide(
        &[entry(70, 10), entry(71, 0)],
        &[update(71, 0), update(72, 0)],
    );
    // What does not vote is not removed again.
    decide(&[entry(70, 10)], &[]);
    decide(&[entry(70, 10), entry(73, 0)], &[]);
    // The greatest power moves in one step.
    let most = i64::try_from(MAX_VOTING_POWER).unwrap();
    decide(
        &[entry(73, MAX_VOTING_POWER)],
        &[update(70, 0), update(73, most)],
    );
}

#[test]
fn a_list_that_would_halt_the_engine_changes_nothing() {
    let mut chain = Governed::new(&[(1, ContractRules::v1())]);
    let before = chain.parameters.clone();
    for validators in [
        vec![],
        vec![entry(70, 0)],
        vec![entry(70, 1), entry(70, 2)],
        vec![entry(70, MAX_VOTING_POWER), entry(71, 1)],
    ] {
        let refused = chain.decide(|next| next.validators = validators);
        assert_eq!(refused.validator_updates, []);
        chain.parameters = before.clone();
    }
}

#[test]
fn a_validator_that_leaves_keeps_its_fees_while_it_is_listed() {
    let mut chain = Governed::new(&[(1, ContractRules::v1())]);
    chain.decide(|next| next.validators = vec![entry(70, 10), entry(71, 0)]);
    chain.height += 1;
    let mut request = block(chain.height, &[transfer(3, 0, 1)]);
    request.proposer_address = consensus_address(&validator(71)).to_vec().into();
    let fee = chain.client.finalize(request).tx_results[0].gas_used;
    chain.client.commit();
    let key = fusee_contract::keys::balance(operator(71));
    let answer = chain
        .client
        .query(tendermint_proto::v0_38::abci::RequestQuery {
            data: key.into(),
            path: "/store".to_owned(),
            ..Default::default()
        });
    let balance = u128::from_le_bytes(answer.value[1..].try_into().unwrap());
    assert_eq!(balance, u128::try_from(fee).unwrap());
}

#[test]
fn the_engine_learns_limits_and_versions_of_the_next_block() {
    let rules = [(1, ContractRules::v1()), (5, ContractRules::v2())];
    let mut chain = Governed::new(&rules);
    assert_eq!(chain.client.info().app_version, 1);
    let decided = chain.decide(|next| next.limits.bytes = 5 << 20);
    let params = decided.consensus_param_updates.unwrap();
    let block = BlockParams {
        max_bytes: 7 << 20,
        max_gas: 1_000_000_000,
    };
    assert_eq!(params.block, Some(block));
    // Other rules begin at height 5, which is the version of its header.
    let updates = chain.block(&[]).consensus_param_updates.unwrap();
    assert_eq!(chain.height, 4);
    assert_eq!(updates.version, Some(VersionParams { app: 2 }));
    assert_eq!(chain.client.info().app_version, 2);
    assert_eq!(chain.block(&[]).consensus_param_updates, None);
}

#[test]
fn a_node_stops_before_a_height_whose_rules_it_does_not_have() {
    let mut unknown = ContractRules::v2();
    unknown.name = "of a later version".into();
    let mut chain = Governed::new(&[(1, ContractRules::v1()), (3, unknown)]);
    chain.block(&[]);
    let request = block(3, &[]);
    chain
        .client
        .end(tendermint_proto::v0_38::abci::request::Value::FinalizeBlock(request));
    let failure = chain.node.failure();
    assert!(failure.contains("stops before height 3"), "{failure}");
}
