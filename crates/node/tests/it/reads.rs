//! Simulations and queries: what they come to, their limits, and how they are cancelled.

use fusee_contract::{ContractError, Status};
use fusee_engine::{Gas, Interrupt};
use fusee_ledger::{LedgerError, Operation};
use fusee_node::{Node, NodeError, Production, Rejected, Simulated, Tracing};
use fusee_state::StateReader;

use crate::world::{
    LONG, account, body, deploy, deploy_endless, endless, ledger, open_with, options, query, sign,
    start, to_nine, token, tokens, transfer,
};

fn unsigned(number: u8, nonce: u64, operation: Operation) -> Simulated {
    Simulated::Body {
        body: Box::new(body(number, nonce, operation)),
        sender: None,
        fee_payer: None,
    }
}

#[test]
fn a_simulation_comes_to_what_the_transaction_comes_to() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), Production::ByHand);
    node.submit(deploy()).unwrap().unwrap();
    node.produce().unwrap();
    let interrupt = Interrupt::new();
    let operation = tokens(1, 2, 250);
    let mut simulations = Vec::new();
    for tracing in [
        Tracing::Off,
        Tracing::Calls(1 << 20),
        Tracing::Functions(1 << 20),
    ] {
        let transaction = unsigned(1, 1, operation.clone());
        let simulated = node.simulate(transaction, None, tracing, &interrupt);
        simulations.push(simulated.unwrap().unwrap());
    }
    let signed = sign(1, body(1, 1, operation));
    let encoded = Simulated::Encoded(signed.clone());
    let simulated = node.simulate(encoded, None, Tracing::Off, &interrupt);
    simulations.push(simulated.unwrap().unwrap());
    let before = node.head().unwrap();
    assert_eq!((before.height, node.mempool().size().transactions), (1, 0));

    node.submit(signed.clone()).unwrap().unwrap();
    let block = node.produce().unwrap();
    let stored = node.chain().store().block(2).unwrap().unwrap();
    for simulation in &simulations {
        assert_eq!(simulation.height, 2);
        assert_eq!(simulation.outcome.result.encode(), block.results[0]);
        assert_eq!(simulation.changes, stored.changes);
    }
    assert!(simulations[0].trace.is_none());
    for traced in &simulations[1..3] {
        let trace = traced.trace.as_ref().unwrap();
        assert_eq!(trace.frames[0].method, "transfer");
    }
    // On the state after an earlier block, the same as before.
    let again = node.simulate(
        Simulated::Encoded(signed),
        Some(1),
        Tracing::Off,
        &interrupt,
    );
    assert_eq!(again.unwrap().unwrap().outcome, simulations[0].outcome);
}

#[test]
fn a_simulation_tells_why_a_transaction_is_invalid() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), Production::ByHand);
    let interrupt = Interrupt::new();
    let simulate = |transaction| node.simulate(transaction, None, Tracing::Off, &interrupt);
    let future = simulate(unsigned(1, 5, to_nine(1))).unwrap().unwrap();
    assert_eq!(future.outcome.invalid.unwrap().name(), "future_nonce");
    let malformed = simulate(Simulated::Encoded(vec![1, 2]))
        .unwrap()
        .unwrap_err();
    assert!(matches!(malformed, Rejected::Invalid(_)), "{malformed}");
    let forged = {
        let mut bytes = transfer(1, 0);
        *bytes.last_mut().unwrap() ^= 1;
        simulate(Simulated::Encoded(bytes)).unwrap().unwrap()
    };
    assert_eq!(forged.outcome.result.status(), Some(Status::Success));
}

/// A node whose contracts look for interrupts often, with a token and a contract that never ends.
fn interruptible(folder: &std::path::Path) -> Node {
    let options_of_chain = fusee_chain::Chain::options(&crate::world::genesis());
    let chain = open_with(folder, options_of_chain, ledger("wasmi, tiny slices"));
    let node = Node::start(chain, options(folder, Production::Each)).unwrap();
    node.submit_and_wait(deploy(), LONG).unwrap().unwrap();
    let deployed = node.submit_and_wait(deploy_endless(), LONG).unwrap();
    assert_eq!(deployed.unwrap().result.status(), Some(Status::Success));
    node
}

#[test]
fn a_query_reads_the_state_after_a_block_and_proves_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let node = interruptible(folder.path());
    let interrupt = Interrupt::new();
    let of_two = query(token(), "balance_of", account(2).as_bytes());
    let balance = |height| {
        let receipt = node.query(height, of_two.clone(), &interrupt).unwrap();
        assert_eq!(receipt.status, Status::Success);
        receipt.output
    };
    assert_eq!(balance(None), 0_u64.to_le_bytes());
    let sent = crate::world::token_transfer(1, 2, 250);
    let sent = node.submit_and_wait(sent, LONG).unwrap().unwrap();
    let height = sent.block.header.height;
    assert_eq!(balance(None), 250_u64.to_le_bytes());
    assert_eq!(balance(Some(height)), balance(None));
    assert_eq!(balance(Some(height - 1)), 0_u64.to_le_bytes());
    // At the height of genesis, there is no token.
    let receipt = node.query(Some(0), of_two.clone(), &interrupt).unwrap();
    assert!(matches!(receipt.status, Status::Rejected(_)), "{receipt:?}");
    let error = node
        .query(Some(height + 1), of_two, &interrupt)
        .unwrap_err();
    assert!(matches!(error, NodeError::Chain(_)), "{error}");

    let version = node.version(Some(height)).unwrap();
    assert_eq!(version.root(), sent.block.header.state_root);
    let (key, value) = version.entries().next().unwrap().unwrap();
    assert_eq!(version.read(&key).unwrap(), Some(value.clone()));
    let proof = version.prove(&key);
    assert_eq!(proof.verify(&version.root(), &key, Some(&value)), Ok(()));
}

#[test]
fn queries_and_simulations_are_bounded_and_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let node = interruptible(folder.path());
    let mut greedy = query(endless(), "run", &[]);
    greedy.gas = Gas::new(1_000_000_001);
    let error = node
        .query(None, greedy.clone(), &Interrupt::new())
        .unwrap_err();
    assert!(matches!(error, NodeError::QueryGas { .. }), "{error}");
    greedy.gas = Gas::new(1_000_000);
    let receipt = node.query(None, greedy.clone(), &Interrupt::new()).unwrap();
    assert_eq!(receipt.status, Status::OutOfGas);

    greedy.gas = Gas::new(1_000_000_000);
    let interrupt = Interrupt::new();
    interrupt.trigger();
    let error = node.query(None, greedy, &interrupt).unwrap_err();
    assert!(is_interrupted(&error), "{error:?}");
    let call = Operation::Call {
        to: endless(),
        method: "run".to_owned(),
        input: Vec::new(),
        value: 0,
    };
    let error = node.simulate(unsigned(3, 0, call), None, Tracing::Off, &interrupt);
    let error = error.unwrap_err();
    assert!(is_interrupted(&error), "{error:?}");
}

fn is_interrupted(error: &NodeError) -> bool {
    let error = match error {
        NodeError::Contract(error) | NodeError::Ledger(LedgerError::Contract(error)) => error,
        _ => return false,
    };
    matches!(error, ContractError::Run(_)) && format!("{error:?}").contains("Interrupted")
}
