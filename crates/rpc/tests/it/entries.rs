//! The state, entry by entry.

use fusee_contract::{Account as Stored, keys};
use fusee_node::Production;
use fusee_rpc::{ErrorKind, methods::*, types::*};
use fusee_state::{Direction, KeyRange, StateReader};

use crate::world::{World, account, deploy, token};

/// All entries of a range, in pages of two.
fn pages(world: &World, from: &[u8], to: &[u8], descending: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
    let client = world.client();
    let mut all = Vec::new();
    let (mut from, mut to) = (from.to_vec(), to.to_vec());
    loop {
        let params = GetState {
            from: Bytes(from.clone()),
            to: Some(Bytes(to.clone())),
            descending,
            limit: Some(2),
            ..GetState::new()
        };
        let answer = client.call(&params).unwrap();
        assert!(answer.entries.len() <= 2);
        let entries = answer.entries.into_iter();
        all.extend(entries.map(|entry| (entry.key.0, entry.value.unwrap().0)));
        match (answer.cursor, descending) {
            (None, _) => return all,
            (Some(last), true) => to = last.0,
            (Some(last), false) => from = [last.0.as_slice(), &[0]].concat(),
        }
    }
}

#[test]
fn entries_of_the_state_are_read_by_key_and_by_range_and_proven() {
    let world = World::new(Production::Each);
    let client = world.client();
    client
        .call(&SendTransactionAndWait::new(Bytes(deploy())))
        .unwrap();
    let state = world.node.version(None).unwrap();
    let (from, to) = ([keys::BALANCE], [keys::BALANCE + 1]);
    let mut expected = Vec::new();
    let mut start = from.to_vec();
    while let Some((key, value)) = state
        .seek(KeyRange::new(&start, &to), Direction::Ascending)
        .unwrap()
    {
        expected.push((key.clone(), value.to_vec()));
        start = [key.as_slice(), &[0]].concat();
    }
    assert!(expected.len() > 2);
    assert_eq!(pages(&world, &from, &to, false), expected);
    expected.reverse();
    assert_eq!(pages(&world, &from, &to, true), expected);

    let asked = [
        keys::nonce(account(1)),
        keys::code_hash(token()),
        keys::nonce(account(4)),
    ];
    let params = GetState {
        keys: Some(asked.iter().cloned().map(Bytes).collect()),
        proof: true,
        ..GetState::new()
    };
    let answer = client.call(&params).unwrap();
    assert_eq!(answer.position.height, 1);
    assert_eq!(answer.position.state_root.0, state.root());
    let proofs = answer.proofs.unwrap();
    for ((key, entry), proof) in asked.iter().zip(&answer.entries).zip(&proofs) {
        assert_eq!(entry.key.0, *key);
        let value = state.read(key).unwrap();
        assert_eq!(
            entry.value.as_ref().map(|value| value.0.as_slice()),
            value.as_deref()
        );
        assert_eq!(proof.proof, hex::encode(state.prove(key).encode()));
    }
    assert_eq!(
        answer.entries[2].value, None,
        "an account that has sent nothing has no nonce"
    );
    let genesis = client.call(&GetState {
        height: Some(0),
        ..params.clone()
    });
    assert_eq!(genesis.unwrap().entries[0].value, None);
}

#[test]
fn what_is_asked_for_is_bounded() {
    let world = World::new(Production::ByHand);
    let client = world.client();
    let refused = |params: GetState| match client.call(&params).unwrap_err() {
        fusee_rpc::ClientError::Rpc(error) => error.kind,
        other => panic!("{other}"),
    };
    let many = vec![Bytes(vec![1]); 1_001];
    let keys = Some(many);
    assert_eq!(
        refused(GetState {
            keys,
            ..GetState::new()
        }),
        Some(ErrorKind::LimitExceeded)
    );
    let both = GetState {
        keys: Some(Vec::new()),
        limit: Some(1),
        ..GetState::new()
    };
    assert_eq!(refused(both), Some(ErrorKind::InvalidParams));
}

#[test]
fn values_are_bounded_together() {
    let world = World::with(Production::Each, "wasmi", |options| {
        options.limits.response_bytes = 100_000;
    });
    let client = world.client();
    client
        .call(&SendTransactionAndWait::new(Bytes(deploy())))
        .unwrap();
    let code = world.node.version(None).unwrap();
    let code = Stored::read(&code, token()).unwrap().code.unwrap();
    let key = keys::code(code.hash);
    let read = |times, proof| {
        let keys = Some(vec![Bytes(key.clone()); times]);
        client.call(&GetState {
            keys,
            proof,
            ..GetState::new()
        })
    };
    let one = read(1, false).unwrap();
    let bytes = one.entries[0].value.as_ref().unwrap().0.len();
    let most = 50_000 / bytes;
    assert!(most > 2, "{bytes}");
    read(most, false).unwrap();
    read(most / 2, true).unwrap();
    for refused in [read(most + 1, false), read(most, true)] {
        match refused.unwrap_err() {
            fusee_rpc::ClientError::Rpc(error) => {
                assert_eq!(error.kind, Some(ErrorKind::LimitExceeded));
                assert!(error.message.contains("50000 bytes"), "{}", error.message);
            }
            other => panic!("{other}"),
        }
    }
}
