//! Misbehaviour that the engine reports: a contract receives it, and every node has the same.

use fusee_abci::{AppOptions, consensus_address};
use fusee_contract::{Address, ContractRules};
use fusee_engine::CodeHash;
use fusee_ledger::{Genesis, Misbehaviour, MisbehaviourKind};
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    Misbehavior, MisbehaviorType, RequestFinalizeBlock, RequestProcessProposal, RequestQuery,
    Validator, request, response_process_proposal::ProposalStatus,
};

use crate::client::{Client, Node, block, proposal, time};
use crate::world::{TIME, account, begin, deploy, file_with, operator, transfer, validator};

/// Stores what it receives.
const COURT: &str = r#"(module
    (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
    (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
    (memory (export "memory") 1)
    (func (export "judge")
        (call $write (i32.const 0) (i32.const 1) (i32.const 16)
            (call $input (i32.const 16) (i32.const 4096)))))"#;

/// A chain with a court.
struct Chain {
    folder: tempfile::TempDir,
    genesis: Genesis,
    court: Address,
}

impl Chain {
    fn new() -> (Self, Node, Client) {
        let code = wat::parse_str(COURT).unwrap();
        let court = Address::of_contract(account(1), 0, CodeHash::of(&code));
        let judge = format!(
            r#"{{"phase": "misbehaviour", "every": 1, "to": "{court}", "method": "judge",
                "gas": 1000000}}"#
        );
        let validators = [
            (validator(70), 10, operator(70)),
            (validator(71), 0, operator(71)),
        ];
        let file = file_with(&[(1, ContractRules::v1())], &judge, &validators);
        let chain = Self {
            folder: tempfile::tempdir().unwrap(),
            genesis: Genesis::parse(&file).unwrap(),
            court,
        };
        let node = chain.start();
        let mut client = node.connect();
        client.init(begin(&file));
        let deployed = client.block(1, &[deploy(1, 0, &code, &[])]);
        assert_eq!(deployed.tx_results[0].info, "success");
        (chain, node, client)
    }

    fn start(&self) -> Node {
        let options = AppOptions::new(&self.genesis);
        Node::start_with(self.folder.path(), self.genesis.clone(), options)
    }

    /// What the court has received last.
    fn received(&self, client: &mut Client) -> Vec<u8> {
        let answer = client.query(RequestQuery {
            data: fusee_contract::keys::storage(self.court, &[0]).into(),
            path: "/store".to_owned(),
            ..RequestQuery::default()
        });
        answer.value.to_vec()
    }
}

fn report(address: &[u8], kind: MisbehaviorType) -> Misbehavior {
    Misbehavior {
        r#type: kind.into(),
        validator: Some(Validator {
            address: Bytes::copy_from_slice(address),
            power: 10,
        }),
        height: 1,
        time: time(1),
        total_voting_power: 20,
    }
}

fn guilty(number: u8) -> Misbehavior {
    let address = consensus_address(&validator(number));
    report(&address, MisbehaviorType::DuplicateVote)
}

fn reporting(height: i64, misbehavior: Vec<Misbehavior>) -> RequestFinalizeBlock {
    RequestFinalizeBlock {
        misbehavior,
        ..block(height, &[transfer(3, 0, 1)])
    }
}

/// A report as the chain has it.
fn expected(number: u8, key: Option<[u8; 32]>, account: Address) -> Misbehaviour {
    Misbehaviour {
        kind: MisbehaviourKind::DuplicateVote,
        address: consensus_address(&validator(number)),
        key,
        account,
        power: 10,
        height: 1,
        time: TIME + 1_123,
        total_power: 20,
    }
}

#[test]
fn reports_of_the_engine_reach_a_contract() {
    let (chain, node, mut client) = Chain::new();
    let unlisted = report(&[5; 20], MisbehaviorType::LightClientAttack);
    let reports = vec![guilty(70), guilty(71), unlisted];
    let request = reporting(2, reports);
    // The proposal is executed once, and decided as it is.
    let processed = client.process(RequestProcessProposal {
        misbehavior: request.misbehavior.clone(),
        ..proposal(&request)
    });
    assert_eq!(processed.status, i32::from(ProposalStatus::Accept));
    let finalized = client.finalize(request.clone());
    assert_eq!(finalized.tx_results[0].code, 0);
    let call = &finalized.events[0];
    assert_eq!(
        (call.r#type.as_str(), call.attributes[1].value.as_str()),
        ("fusee_call", "success")
    );
    assert_eq!(client.finalize(request.clone()), finalized);
    // A crash, and the block again.
    node.stop();
    let node = chain.start();
    let mut client = node.connect();
    assert_eq!(client.finalize(request), finalized);
    client.commit();

    let unlisted = Misbehaviour {
        kind: MisbehaviourKind::LightClientAttack,
        address: [5; 20],
        account: Address::new(fusee_crypto::sha256(
            &[b"fusee unlisted proposer".as_slice(), &[5; 20]].concat(),
        )),
        ..expected(70, None, operator(70))
    };
    let received = Misbehaviour::encode_list(&[
        expected(70, Some(validator(70)), operator(70)),
        // It does not vote any more, and is listed.
        expected(71, Some(validator(71)), operator(71)),
        unlisted,
    ]);
    assert_eq!(chain.received(&mut client), received);
    // The chain goes on without reports, and what was received stays.
    let next = client.block(3, &[]);
    assert_eq!(next.events, []);
    assert_eq!(chain.received(&mut client), received);
}

#[test]
fn nodes_agree_on_reports() {
    let (_chain, _node, mut client) = Chain::new();
    let mut hash = |reports| client.finalize(reporting(2, reports)).app_hash;
    let two = hash(vec![guilty(70), guilty(71)]);
    assert_eq!(hash(vec![guilty(70), guilty(71)]), two);
    assert_ne!(hash(vec![guilty(71), guilty(70)]), two);
    assert_ne!(hash(vec![guilty(70)]), two);
    let mut later = guilty(71);
    later.height = 2;
    assert_ne!(hash(vec![guilty(70), later]), two);
    assert_ne!(hash(Vec::new()), two);
}

#[test]
fn a_proposal_with_other_reports_is_another_block() {
    let (_chain, _node, mut client) = Chain::new();
    let alone = client.finalize(reporting(2, vec![guilty(70)]));
    let proposed = reporting(2, vec![guilty(71)]);
    let processed = client.process(RequestProcessProposal {
        misbehavior: proposed.misbehavior.clone(),
        ..proposal(&proposed)
    });
    assert_eq!(processed.status, i32::from(ProposalStatus::Accept));
    assert_eq!(client.finalize(reporting(2, vec![guilty(70)])), alone);
}

#[test]
fn reports_that_no_engine_makes_are_refused() {
    let short = report(&[5; 19], MisbehaviorType::DuplicateVote);
    let mut negative = guilty(70);
    negative.total_voting_power = -1;
    let mut timeless = guilty(70);
    timeless.time = None;
    let mut nobody = guilty(70);
    nobody.validator = None;
    for (report, text) in [
        (short, "an address of 19 bytes"),
        (negative, "total power at misbehaviour is -1"),
        (timeless, "has no time"),
        (nobody, "an address of 0 bytes"),
    ] {
        let (_chain, node, mut client) = Chain::new();
        let request = reporting(2, vec![report]);
        let processed = client.process(RequestProcessProposal {
            misbehavior: request.misbehavior.clone(),
            ..proposal(&request)
        });
        assert_eq!(processed.status, i32::from(ProposalStatus::Reject));
        client.end(request::Value::FinalizeBlock(request));
        let failure = node.failure();
        assert!(failure.contains(text), "{failure}");
    }
}
