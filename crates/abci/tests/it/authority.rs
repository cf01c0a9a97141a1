//! The example contract `validators`, built from its source, as the authority over the validators
//! of a chain that an engine drives.

use std::path::Path;

use fusee_abci::{AppOptions, consensus_address};
use fusee_build::{BuildError, Contract, Names, Options};
use fusee_contract::{Address, ContractRules};
use fusee_ledger::{Genesis, GenesisContract};
use fusee_sdk::{call::Call, codec::Codec, governance};
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    Event, Misbehavior, MisbehaviorType, RequestFinalizeBlock, RequestProcessProposal,
    ResponseFinalizeBlock, Validator, ValidatorUpdate, response_process_proposal::ProposalStatus,
};
use validators::ValidatorsClient;

use crate::client::{Client, Node, block, proposal, time};
use crate::validators::update;
use crate::world::{account, begin, call, file_with, operator, transfer, validator};

/// The contract as `fusee build` makes it. `None`, which is told, without the toolchain.
fn wasm() -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/contracts/validators");
    let built = Contract::find(&folder);
    match built.and_then(|it| it.wasm(Names::Stripped, Options::default())) {
        Ok(wasm) => Some(wasm),
        Err(BuildError::Missing { what, install }) => {
            assert!(
                std::env::var_os("FUSEE_TEST_REQUIRE_ALL").is_none(),
                "this needs {what}: {install}"
            );
            eprintln!("SKIPPED: this needs {what}: {install}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A chain whose genesis has the contract, with the first account as its authority.
struct Chain {
    folder: tempfile::TempDir,
    genesis: Genesis,
    contract: Address,
    height: i64,
    nonce: u64,
}

impl Chain {
    fn new() -> Option<(Self, Node, Client)> {
        let wasm = wasm()?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("validators.wasm"), wasm).unwrap();
        let calls = r#"
            {"phase": "misbehaviour", "every": 1, "to": {"contract": "validators"},
             "method": "judge", "gas": 100000000},
            {"phase": "end", "every": 1, "to": {"contract": "validators"},
             "method": "decide", "gas": 100000000, "updates_parameters": true}"#;
        let listed = [70, 71].map(|number| (validator(number), 10, operator(number)));
        let file = file_with(&[(1, ContractRules::v2())], calls, &listed);
        let authority = account(1);
        let contracts = format!(
            r#""contracts": [{{
                "name": "validators", "code": {{"path": "validators.wasm"}},
                "input": "{authority}", "with_parameters": true, "gas": 1000000000
            }}],
            "accounts""#
        );
        let file = file.replacen(r#""accounts""#, &contracts, 1);
        let path = folder.path().join("genesis.json");
        std::fs::write(&path, &file).unwrap();
        let chain = Self {
            genesis: Genesis::load(&path).unwrap(),
            folder,
            contract: GenesisContract::address_of("validators"),
            height: 0,
            nonce: 0,
        };
        let node = chain.start();
        let mut client = node.connect();
        // The engine's genesis has the file with the code in it.
        let digits = hex::encode(&chain.genesis.contracts[0].code);
        let code = format!(r#"{{"hex": "{digits}"}}"#);
        let whole = file.replacen(r#"{"path": "validators.wasm"}"#, &code, 1);
        let validators = client.init(begin(&whole)).validators;
        assert_eq!(validators, [update(70, 10), update(71, 10)]);
        Some((chain, node, client))
    }

    fn start(&self) -> Node {
        let options = AppOptions::new(&self.genesis);
        Node::start_with(self.folder.path(), self.genesis.clone(), options)
    }

    fn client(&self) -> ValidatorsClient {
        ValidatorsClient::at(fusee_sdk::Address::new(*self.contract.as_bytes()))
    }

    /// A call by the authority.
    fn order<A: Codec>(&mut self, order: &Call<A, ()>) -> Vec<u8> {
        let (nonce, input) = (self.nonce, order.input());
        self.nonce += 1;
        call(1, nonce, self.contract, order.method(), &input)
    }

    fn next(&mut self, transactions: &[Vec<u8>]) -> RequestFinalizeBlock {
        self.height += 1;
        block(self.height, transactions)
    }
}

/// Commits a block, whose transactions succeed.
fn commit(client: &mut Client, request: RequestFinalizeBlock) -> ResponseFinalizeBlock {
    let finalized = client.finalize(request);
    for result in &finalized.tx_results {
        assert_eq!(result.info, "success");
    }
    client.commit();
    finalized
}

/// The statuses of the calls that a block made by itself.
fn calls(finalized: &ResponseFinalizeBlock) -> Vec<(&str, &str)> {
    let calls = finalized.events.iter();
    let calls = calls.filter(|event| event.r#type == "fusee_call");
    calls
        .map(|event| (attribute(event, "index"), attribute(event, "status")))
        .collect()
}

fn attribute<'a>(event: &'a Event, key: &str) -> &'a str {
    let mut attributes = event.attributes.iter();
    let found = attributes.find(|it| it.key == key);
    found.map_or("", |it| &it.value)
}

fn guilty(number: u8) -> Misbehavior {
    Misbehavior {
        r#type: MisbehaviorType::DuplicateVote.into(),
        validator: Some(Validator {
            address: Bytes::copy_from_slice(&consensus_address(&validator(number))),
            power: 10,
        }),
        height: 1,
        time: time(1),
        total_voting_power: 20,
    }
}

const NONE: &[ValidatorUpdate] = &[];

#[test]
fn an_authority_adds_validators_and_one_that_misbehaves_is_removed() {
    let Some((mut chain, node, mut client)) = Chain::new() else {
        return;
    };
    let contract = chain.client();
    let account_of = |number| fusee_sdk::Address::new(*operator(number).as_bytes());
    // A block without a change.
    let request = chain.next(&[transfer(3, 0, 1)]);
    let finalized = commit(&mut client, request);
    assert_eq!(calls(&finalized), [("1", "success")]);
    assert_eq!(finalized.validator_updates, NONE);

    // A validator comes, and another one gets more power.
    let add = chain.order(&contract.add(validator(72), 5, account_of(72)));
    let set = chain.order(&contract.set_power(validator(70), 30));
    let request = chain.next(&[add, set]);
    let finalized = commit(&mut client, request);
    assert_eq!(finalized.validator_updates, [update(70, 30), update(72, 5)]);
    assert_eq!(finalized.consensus_param_updates, None);

    // The new one proposes: its account has the fee.
    let mut request = chain.next(&[transfer(3, 1, 1)]);
    request.proposer_address = consensus_address(&validator(72)).to_vec().into();
    let fee = commit(&mut client, request).tx_results[0].gas_used;
    assert_eq!(balance(&mut client, operator(72)), fee.try_into().unwrap());

    // One misbehaves, by a report that every node has in its block.
    let mut request = chain.next(&[transfer(3, 2, 1)]);
    request.misbehavior = vec![guilty(71)];
    let processed = client.process(RequestProcessProposal {
        misbehavior: request.misbehavior.clone(),
        ..proposal(&request)
    });
    assert_eq!(processed.status, i32::from(ProposalStatus::Accept));
    let finalized = client.finalize(request.clone());
    assert_eq!(calls(&finalized), [("0", "success"), ("1", "success")]);
    assert_eq!(finalized.validator_updates, [update(71, 0)]);
    // A crash before the block is committed, and the block again.
    node.stop();
    let node = chain.start();
    let mut client = node.connect();
    assert_eq!(client.finalize(request), finalized);
    client.commit();

    // Its key does not come back, and a second report changes nothing.
    let add = chain.order(&contract.add(validator(71), 5, account_of(71)));
    let mut request = chain.next(&[add]);
    request.misbehavior = vec![guilty(71)];
    let finalized = client.finalize(request);
    client.commit();
    assert_eq!(finalized.tx_results[0].info, "reverted");
    assert_eq!(calls(&finalized), [("0", "success"), ("1", "success")]);
    assert_eq!(finalized.validator_updates, NONE);
    // Nor does anybody else decide.
    let input = contract.remove(validator(70)).input();
    let request = chain.next(&[call(2, 0, chain.contract, "remove", &input)]);
    let finalized = client.finalize(request);
    client.commit();
    assert_eq!(finalized.tx_results[0].info, "reverted");
    assert_eq!(finalized.validator_updates, NONE);
    // Who voted is removed as well.
    let remove = chain.order(&contract.remove(validator(72)));
    let request = chain.next(&[remove]);
    let finalized = commit(&mut client, request);
    assert_eq!(finalized.validator_updates, [update(72, 0)]);
}

#[test]
fn an_authority_activates_rules() {
    let Some((mut chain, _node, mut client)) = Chain::new() else {
        return;
    };
    let contract = chain.client();
    let now = &chain.genesis.parameters.activations[0];
    let activation = governance::Activation {
        height: 3,
        ledger_rules: *now.ledger_rules.as_bytes(),
        contract_rules: *now.contract_rules.as_bytes(),
        migration: None,
    };
    let activate = chain.order(&contract.activate(activation));
    let request = chain.next(&[activate]);
    let finalized = commit(&mut client, request);
    assert_eq!(calls(&finalized), [("1", "success")]);
    assert_eq!(client.info().app_version, 1);
    let request = chain.next(&[]);
    let updates = commit(&mut client, request).consensus_param_updates;
    assert_eq!(updates.unwrap().version.unwrap().app, 2);
    let request = chain.next(&[]);
    let finalized = commit(&mut client, request);
    assert_eq!(calls(&finalized), [("1", "success")]);
}

/// The balance of an account.
fn balance(client: &mut Client, of: Address) -> u128 {
    let answer = client.query(tendermint_proto::v0_38::abci::RequestQuery {
        data: fusee_contract::keys::balance(of).into(),
        path: "/store".to_owned(),
        ..Default::default()
    });
    u128::from_le_bytes(answer.value[1..].try_into().unwrap())
}
