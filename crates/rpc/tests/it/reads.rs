//! What the node tells: the chain, blocks, transactions, accounts and events.

use std::sync::Arc;

use fusee_contract::{Address, BlockContext};
use fusee_engine::{Gas, Interrupt};
use fusee_ledger::{Operation, Parameters};
use fusee_node::Production;
use fusee_rpc::{
    ErrorKind,
    methods::*,
    types::{Amount, Bytes, HealthStatus, Hex32, Payment, Position, Proof, TransactionState},
};
use fusee_state::MemoryState;

use crate::world::{
    TOKEN, World, account, body, deploy, genesis, id, sign, to_nine, token, token_transfer,
    transfer,
};

#[test]
fn a_transaction_is_sent_waited_for_and_looked_up() {
    let world = World::new(Production::Each);
    let client = world.client();
    let sent = client
        .call(&SendTransactionAndWait::new(Bytes(deploy())))
        .unwrap();
    assert_eq!(sent.state, TransactionState::Included);
    assert_eq!(sent.result.as_ref().unwrap().status, "success");
    let found = client
        .call(&GetTransaction::new(Hex32(*id(&deploy()).as_bytes())))
        .unwrap();
    assert_eq!(found, sent);
    // Sending it again is as good.
    let again = client
        .call(&SendTransactionAndWait::new(Bytes(deploy())))
        .unwrap();
    assert_eq!(again, sent);

    let latest = client.call(&GetLatestBlock::new()).unwrap();
    assert_eq!(latest.header.height, 1);
    assert_eq!(latest.transaction_ids, [Some(sent.id)]);
    let mut by_hash = GetBlock::new();
    by_hash.hash = Some(latest.header.hash);
    assert_eq!(client.call(&by_hash).unwrap(), latest);
    let health = client.call(&GetHealth::new()).unwrap();
    assert_eq!((health.status, health.height), (HealthStatus::Ok, Some(1)));
    let chain = client.call(&GetChain::new()).unwrap();
    assert_eq!(
        (chain.chain_id.as_str(), chain.production.as_str()),
        ("fusee-test-1", "each")
    );

    let contract = Hex32(*token().as_bytes());
    let mut query = Query::new(contract, "balance_of".to_owned());
    query.input = Bytes(account(1).as_bytes().to_vec());
    let answer = client.call(&query).unwrap();
    assert_eq!(answer.receipt.output.0, 1_000_000_u64.to_le_bytes());
    let sent = client.call(&SendTransactionAndWait::new(Bytes(token_transfer(
        1, 2, 250,
    ))));
    let sent = sent.unwrap();
    let events = client.call(&GetEvents::new(contract)).unwrap();
    assert!(
        events
            .events
            .iter()
            .any(|it| it.transaction == Some(sent.id))
    );
    let storage = client.call(&GetStorage::new(contract)).unwrap();
    assert!(!storage.entries.is_empty());
}

#[test]
fn what_is_not_there_is_an_error_with_a_kind() {
    let world = World::new(Production::ByHand);
    let client = world.client();
    let error = client
        .call(&GetTransaction::new(Hex32([1; 32])))
        .unwrap_err();
    let fusee_rpc::ClientError::Rpc(error) = error else {
        panic!("{error}");
    };
    assert_eq!(error.kind, Some(ErrorKind::NotFound));
    let sent = client
        .call(&SendTransaction::new(Bytes(transfer(1, 0))))
        .unwrap();
    let waiting = client.call(&GetTransaction::new(sent.id)).unwrap();
    assert_eq!(waiting.state, TransactionState::Waiting);
    assert_eq!(client.call(&GetMempool::new()).unwrap().ids, [sent.id]);
}

#[test]
fn proofs_verify_against_the_header() {
    let world = World::new(Production::Each);
    let client = world.client();
    for transaction in [deploy(), token_transfer(1, 2, 250), token_transfer(2, 3, 1)] {
        let sent = SendTransactionAndWait::new(Bytes(transaction));
        client.call(&sent).unwrap();
    }
    let verify = |position: &Position, proofs: &[Proof]| {
        let mut get = GetBlock::new();
        get.height = Some(position.height);
        let header = client.call(&get).unwrap().header;
        assert_eq!(
            (header.state_root, Some(header.hash)),
            (position.state_root, position.block_hash)
        );
        for proof in proofs {
            let bytes = |digits: &str| hex::decode(digits).unwrap();
            let value = proof.value.as_deref().map(bytes);
            let (key, encoded) = (bytes(&proof.key), bytes(&proof.proof));
            let root = header.state_root.0;
            fusee_proof::verify(&root, &key, value.as_deref(), &encoded).unwrap();
            fusee_proof::verify(&root, &key, Some(b"another"), &encoded).unwrap_err();
        }
    };
    for height in [Some(1), Some(2), None] {
        for number in [1, 9, 200] {
            let mut get = GetAccount::new(Hex32(*account(number).as_bytes()));
            (get.height, get.proof) = (height, true);
            let answer = client.call(&get).unwrap();
            let proofs = answer.proofs.unwrap();
            assert_eq!(proofs.len(), 3);
            verify(&answer.position, &proofs);
        }
        let mut get = GetStorage::new(Hex32(*token().as_bytes()));
        (get.height, get.proof) = (height, true);
        let all = client.call(&get).unwrap();
        verify(&all.position, all.proofs.as_ref().unwrap());
        assert_eq!(all.proofs.unwrap().len(), all.entries.len());
        get.keys = Some(vec![all.entries[0].key.clone(), Bytes(b"absent".to_vec())]);
        let named = client.call(&get).unwrap();
        assert_eq!(named.entries[0], all.entries[0]);
        assert_eq!(named.entries[1].value, None);
        verify(&named.position, &named.proofs.unwrap());
    }
    // A client runs a query on the proven entries alone, with the same result.
    let holder = account(3);
    let mut query = Query::new(Hex32(*token().as_bytes()), "balance_of".to_owned());
    query.input = Bytes(holder.as_bytes().to_vec());
    assert_eq!(client.call(&query).unwrap().proofs, None);
    query.proof = true;
    let answer = client.call(&query).unwrap();
    assert_eq!(answer.receipt.output.0, 1_u64.to_le_bytes());
    let proofs = answer.proofs.unwrap();
    verify(&answer.position, &proofs);
    let bytes = |digits: &str| hex::decode(digits).unwrap();
    let entries = proofs.iter().flat_map(|proof| {
        let value = proof.value.as_deref()?;
        Some((bytes(&proof.key), bytes(value)))
    });
    let proven: MemoryState = entries.collect();
    let (node, interrupt) = (&world.node, Interrupt::new());
    let parameters = Parameters::read(&node.version(None).unwrap()).unwrap();
    let rulebook = node.chain().ledger().rulebook();
    let rules = rulebook.at(&parameters, answer.position.height).unwrap();
    let again = fusee_contract::Query {
        from: Address::new([0; 32]),
        to: token(),
        method: query.method,
        input: query.input.0,
        gas: node.query_gas(),
    };
    let block = BlockContext::default();
    let contracts = rules.contracts;
    let receipt = contracts.query(Arc::new(proven), again, &block, &interrupt);
    let receipt = receipt.unwrap();
    assert_eq!(receipt.output, answer.receipt.output.0);
    assert_eq!(receipt.gas_used.units(), answer.receipt.gas_used);
}

#[test]
fn pages_have_everything_once() {
    let world = World::new(Production::Each);
    let client = world.client();
    let send = |transaction| {
        client
            .call(&SendTransactionAndWait::new(Bytes(transaction)))
            .unwrap();
    };
    send(deploy());
    (1..7).for_each(|nonce| send(token_transfer(nonce, u8::try_from(nonce).unwrap() + 1, 5)));
    let contract = Hex32(*token().as_bytes());

    let all = client.call(&GetStorage::new(contract)).unwrap();
    assert!(all.entries.len() >= 7 && all.cursor.is_none());
    let mut get = GetStorage::new(contract);
    get.limit = Some(3);
    let mut entries = Vec::new();
    loop {
        let page = client.call(&get).unwrap();
        entries.extend(page.entries);
        let Some(cursor) = page.cursor else { break };
        get.after = Some(cursor);
    }
    assert_eq!(entries, all.entries);
    let prefix = Bytes(all.entries[3].key.0[..5].to_vec());
    let mut get = GetStorage::new(contract);
    get.prefix = prefix.clone();
    let of_prefix = client.call(&get).unwrap().entries;
    let expected = all
        .entries
        .iter()
        .filter(|it| it.key.0.starts_with(&prefix.0));
    assert_eq!(of_prefix, expected.cloned().collect::<Vec<_>>());

    for order in [Order::OldestFirst, Order::NewestFirst] {
        let mut get = GetEvents::new(contract);
        get.order = order;
        let all = client.call(&get).unwrap().events;
        assert!(all.len() >= 6);
        get.limit = Some(2);
        let mut events = Vec::new();
        loop {
            let page = client.call(&get).unwrap();
            events.extend(page.events);
            let Some(cursor) = page.cursor else { break };
            get.cursor = Some(cursor);
        }
        assert_eq!(events, all);
    }

    let mut get = GetBlocks::new();
    get.limit = Some(3);
    let mut down = Vec::new();
    loop {
        let page = client.call(&get).unwrap();
        down.extend(page.blocks);
        let Some(next) = page.next else { break };
        get.before = Some(next);
    }
    let heights: Vec<_> = down.iter().map(|it| it.height).collect();
    assert_eq!(heights, [7, 6, 5, 4, 3, 2, 1]);
    let mut get = GetBlocks::new();
    (get.limit, get.after) = (Some(3), Some(2));
    let up = client.call(&get).unwrap();
    assert_eq!(
        up.blocks.iter().map(|it| it.height).collect::<Vec<_>>(),
        [3, 4, 5]
    );
    assert_eq!(up.next, Some(5));
    assert_eq!(up.blocks[0], down[4]);

    let mut get = GetFeeStatistics::new();
    get.blocks = Some(3);
    let fees = client.call(&get).unwrap();
    assert_eq!(
        (fees.minimum_price, fees.suggested_price),
        (Amount(1), Amount(1))
    );
    let included = fees.included.unwrap();
    assert_eq!(
        (included.count, included.lowest, included.highest),
        (3, Amount(1), Amount(1))
    );
    assert_eq!(fees.blocks[0].gas_used, down[0].gas_used);
}

#[test]
fn contracts_and_their_code_are_told() {
    let world = World::new(Production::Each);
    let client = world.client();
    let json = include_bytes!("../../../../guests/interfaces/token.json");
    let interface: fusee_interface::Interface = serde_json::from_slice(json).unwrap();
    let program = fusee_interface::embed(TOKEN, &interface).unwrap();
    let operation = Operation::Deploy {
        code: program.clone(),
        input: 5_u64.to_le_bytes().to_vec(),
        value: 7,
    };
    let deploy = sign(1, body(1, 0, operation));
    let deployed = client
        .call(&SendTransactionAndWait::new(Bytes(deploy)))
        .unwrap();
    let result = deployed.result.unwrap();
    let address = result.receipts[0].deployed.unwrap();
    let contract = client.call(&GetContract::new(address)).unwrap();
    assert!(contract.has_interface && contract.admin.is_none());
    assert_eq!(usize::try_from(contract.code_bytes).unwrap(), program.len());
    let methods = contract.methods.unwrap();
    assert!(methods.contains(&"transfer".to_owned()), "{methods:?}");
    let mut get = GetCode::new();
    get.address = Some(address);
    let code = client.call(&get).unwrap();
    assert_eq!((&code.code.0, code.format.as_str()), (&program, "wasm"));
    assert_eq!(code.hash, contract.code_hash);
    let mut get = GetCode::new();
    get.hash = Some(code.hash);
    assert_eq!(client.call(&get).unwrap(), code);
    let answer = client.call(&GetInterface::new(address)).unwrap();
    assert_eq!(answer, serde_json::to_value(interface).unwrap());
    let nothing = client.call(&GetContract::new(Hex32([3; 32]))).unwrap_err();
    assert!(
        nothing.to_string().contains("there is no contract"),
        "{nothing}"
    );
}

#[test]
fn quotas_are_told_as_they_are_used() {
    let mut genesis = genesis();
    let window = std::num::NonZeroU64::new(10).unwrap();
    let gas = Gas::new(50_000_000);
    genesis.parameters.payment = fusee_ledger::Payment::Quotas { gas, window };
    genesis.accounts.get_mut(&account(2)).unwrap().quota = Some(Gas::new(70_000_000));
    let world = World::of(&genesis, Production::Each);
    let client = world.client();
    let quota = |number| {
        let get = GetAccount::new(Hex32(*account(number).as_bytes()));
        client.call(&get).unwrap().quota.unwrap()
    };
    assert_eq!(
        (quota(1).gas, quota(1).used, quota(1).end),
        (50_000_000, 0, 10)
    );
    assert_eq!(quota(2).gas, 70_000_000);
    let free = fusee_ledger::TransactionBody {
        gas_price: 0,
        ..body(1, 0, to_nine(1))
    };
    let sent = SendTransactionAndWait::new(Bytes(sign(1, free)));
    let used = client.call(&sent).unwrap().result.unwrap().gas_used;
    assert_eq!(quota(1).used, used);
    (1..9).for_each(|_| drop(world.node.produce().unwrap()));
    // The window of the next block is another one.
    assert_eq!((quota(1).used, quota(1).end), (0, 20));
    assert!(matches!(
        client.call(&GetChain::new()).unwrap().parameters.payment,
        Payment::Quotas {
            gas: 50_000_000,
            window: 10
        }
    ));
}

#[test]
fn a_height_that_is_not_kept_is_told_apart_from_one_that_is_to_come() {
    let world = World::new(Production::ByHand);
    let client = world.client();
    let kept = fusee_chain::Chain::options(&genesis()).versions;
    (0..kept + 5).for_each(|_| drop(world.node.produce().unwrap()));
    let read = |height| {
        let mut get = GetAccount::new(Hex32([1; 32]));
        get.height = Some(height);
        match client.call(&get).unwrap_err() {
            fusee_rpc::ClientError::Rpc(error) => error,
            error => panic!("{error}"),
        }
    };
    let pruned = read(1);
    assert_eq!(pruned.kind, Some(ErrorKind::Pruned));
    let first = pruned.fields["first_height"].as_u64().unwrap();
    assert!(first > 1 && world.node.version(Some(first)).is_ok());
    let later = read(kept + 6);
    assert_eq!(later.kind, Some(ErrorKind::NotFound));
    assert_eq!(later.fields["height"], kept + 5);
}
