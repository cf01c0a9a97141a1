//! A Rust program outside that calls a contract through a node, by the client that the contract's
//! crate has. The page sdk.md of the book shows the functions `query` and `send`.

use std::error::Error;

use fusee::{
    chain::Address,
    ledger::{LedgerRules, Operation, SecretKey, SignedTransaction, TransactionBody},
    rpc::{
        Client, ClientOptions,
        methods::{GetAccount, GetChain, Query, SendTransactionAndWait},
        types::{Bytes, Hex32, Receipt},
    },
    sandbox::Gas,
};
use fusee_sdk::{call::Call, codec::Codec};
use token::TokenClient;

use crate::{
    node::{APART, start},
    support::Folder,
};

/// Asks a contract in the state after the last block.
fn query<A: Codec, R: Codec>(node: &Client, call: &Call<A, R>) -> Result<R, Box<dyn Error>> {
    let contract = Hex32(*call.target().as_bytes());
    let receipt = node.call(&Query {
        input: Bytes(call.input()),
        ..Query::new(contract, call.method().to_owned())
    })?;
    returned(call, receipt.receipt)
}

/// Sends a call in a transaction of its own, and waits for the block that has it.
fn send<A: Codec, R: Codec>(
    node: &Client,
    key: &SecretKey,
    call: &Call<A, R>,
) -> Result<R, Box<dyn Error>> {
    let chain = node.call(&GetChain::new())?;
    let sender = key.public_key().address();
    let body = TransactionBody {
        chain_id: chain.chain_id,
        sender,
        nonce: node.call(&GetAccount::new(sender.into()))?.next_nonce,
        expiry: chain.height + 100,
        gas_limit: Gas::new(10_000_000),
        gas_price: 0,
        fee_payer: None,
        operations: vec![Operation::Call {
            to: Address::new(*call.target().as_bytes()),
            method: call.method().to_owned(),
            input: call.input(),
            value: call.amount(),
        }],
    };
    // Without the development accounts on other chains.
    let rules = LedgerRules::latest().with_development_accounts();
    let signature = key.sign(&body.id());
    let signed = SignedTransaction::new(body, signature, None, &rules)?;
    let sent = SendTransactionAndWait::new(Bytes(signed.encode()));
    let result = node.call(&sent)?.result.ok_or("no block has it yet")?;
    let receipt = result.receipts.into_iter().next().ok_or(result.status)?;
    returned(call, receipt)
}

/// What a call returned, or why it failed.
fn returned<A: Codec, R: Codec>(call: &Call<A, R>, receipt: Receipt) -> Result<R, Box<dyn Error>> {
    match receipt.status.as_str() {
        "success" => Ok(call.output(&receipt.output.0)?),
        _ => Err(receipt.revert.unwrap_or(receipt.status).into()),
    }
}

#[test]
fn a_program_outside_calls_a_contract_by_its_client() {
    let folder = Folder::new();
    let node = start(&folder, &format!("--dev {APART}"));
    let url = node.told["rpc"].as_str().unwrap();
    // The token that is written by hand has the methods of the one whose client this is.
    let deployed = folder.json(&format!("deploy token.wasm --args 1000 --node {url}"), 0);
    let mut address = [0; 32];
    hex::decode_to_slice(deployed["address"].as_str().unwrap(), &mut address).unwrap();

    let client = Client::new(url, ClientOptions::default()).unwrap();
    let token = TokenClient::at(address.into());
    let (alice, bob) = (
        SecretKey::development("alice"),
        SecretKey::development("bob"),
    );
    let [of_alice, of_bob] = [&alice, &bob].map(|key| {
        let address = key.public_key().address();
        fusee_sdk::Address::new(*address.as_bytes())
    });
    assert_eq!(query(&client, &token.total_supply()).unwrap(), 1_000);
    send(&client, &alice, &token.transfer(of_bob, 250)).unwrap();
    send(&client, &bob, &token.transfer(of_alice, 50)).unwrap();
    assert_eq!(query(&client, &token.balance_of(of_bob)).unwrap(), 200);
    // What the block has is what other programs see.
    let (alice_has, bob_has) = (
        folder.json(
            &format!(
                "query {} balance_of @alice --node {url}",
                hex::encode(address)
            ),
            0,
        ),
        query(&client, &token.balance_of(of_alice)).unwrap(),
    );
    assert_eq!(
        alice_has["output"],
        format!("0x{}", hex::encode(bob_has.to_le_bytes()))
    );

    let refused = send(&client, &bob, &token.transfer(of_alice, 201)).unwrap_err();
    let poor = token::Error::InsufficientBalance {
        has: 200,
        needs: 201,
    };
    assert_eq!(refused.to_string(), poor.to_string());
    // An output of another type is told, and not taken for what it is not.
    let wrong = Call::<(), u32>::new(address.into(), "total_supply", ());
    let malformed = query(&client, &wrong).unwrap_err();
    assert_eq!(malformed.to_string(), "bytes follow the value");
}
