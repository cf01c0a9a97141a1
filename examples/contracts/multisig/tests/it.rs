//! The wallet on every machine.

use fusee_sdk::{Address, codec::Bytes};
use fusee_testkit::{
    Chain, Fuzz, GasSnapshot, Machine, Program, Status, on_every_machine, on_machine, program,
};
use multisig::{Error, Multisig, MultisigClient};

const MULTISIG: Program = program!(Multisig);

/// A wallet of Alice, Bob and Carol, two of whom have to confirm, with 50 in it.
fn wallet(chain: &mut Chain) -> ([Address; 3], MultisigClient, Address) {
    let owners = ["alice", "bob", "carol"].map(|name| chain.account(name, 100));
    let input = MultisigClient::deploy(owners.to_vec(), 2).input();
    let wallet = chain.deploy(owners[0], &MULTISIG, &input);
    let sent = chain.transfer(owners[0], wallet, 50);
    sent.expect("Alice has 100");
    (owners, MultisigClient::at(wallet), wallet)
}

#[test]
fn a_call_is_made_once_enough_owners_confirm() {
    on_every_machine(|chain| {
        let ([alice, bob, carol], client, wallet) = wallet(chain);
        let dora = chain.account("dora", 0);
        let nothing = Bytes::default();
        let number = chain.call(alice, client.propose(dora, String::new(), nothing, 30));
        assert_eq!((chain.balance(wallet), chain.balance(dora)), (50, 0));
        let failure = chain.try_call(alice, client.confirm(number)).unwrap_err();
        assert_eq!(failure, Error::ConfirmedBefore.to_string());
        let failure = chain.try_call(dora, client.confirm(number)).unwrap_err();
        assert_eq!(failure, Error::NotAnOwner { caller: dora }.to_string());

        chain.call(bob, client.confirm(number));
        let names: Vec<_> = chain.events().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["confirmed", "executed"]);
        assert_eq!((chain.balance(wallet), chain.balance(dora)), (20, 30));
        let failure = chain.try_call(carol, client.confirm(number)).unwrap_err();
        assert_eq!(failure, Error::ExecutedBefore.to_string());
        let failure = chain.try_call(carol, client.confirm(7)).unwrap_err();
        assert_eq!(failure, Error::UnknownProposal.to_string());
    });
}

#[test]
fn a_wallet_calls_contracts() {
    on_every_machine(|chain| {
        let ([alice, bob, _], client, wallet) = wallet(chain);
        // Another wallet, which the first one owns.
        let input = MultisigClient::deploy(vec![wallet], 1).input();
        let inner = MultisigClient::at(chain.deploy(alice, &MULTISIG, &input));
        let dora = chain.account("dora", 0);
        chain.transfer(alice, *inner.owners().target(), 5).unwrap();
        let call = inner.propose(dora, String::new(), Bytes::default(), 5);
        let (target, method) = (*call.target(), call.method().to_owned());
        let number = client.propose(target, method, Bytes(call.input()), 0);
        let number = chain.call(alice, number);
        chain.call(bob, client.confirm(number));
        assert_eq!(chain.balance(dora), 5);
        assert!(chain.query(inner.proposal(0)).unwrap().is_executed);
    });
}

#[test]
fn a_call_that_fails_fails_with_its_message_and_can_be_tried_again() {
    on_every_machine(|chain| {
        let ([alice, bob, _], client, wallet) = wallet(chain);
        let confirm = client.confirm(9);
        let input = Bytes(confirm.input());
        // The wallet is not its own owner, and waits for the call.
        let propose = client.propose(wallet, "confirm".to_owned(), input, 0);
        let number = chain.call(alice, propose);
        let failure = chain.try_call(bob, client.confirm(number)).unwrap_err();
        assert_eq!(failure, "the callee waits for a call of its own");
        assert!(!chain.query(client.proposal(number)).unwrap().is_executed);
    });
}

#[test]
fn a_wallet_that_nobody_could_use_is_not_made() {
    on_every_machine(|chain| {
        let alice = chain.account("alice", 0);
        // Twice the same owner is one.
        let input = MultisigClient::deploy(vec![alice, alice], 2).input();
        let failure = chain.try_deploy(alice, &MULTISIG, &input).unwrap_err();
        assert_eq!(
            failure,
            Error::Threshold {
                threshold: 2,
                owners: 1
            }
            .to_string()
        );
    });
}

#[test]
fn what_is_spent_was_confirmed_by_two_owners() {
    on_every_machine(|chain| {
        let ([alice, bob, carol], client, wallet) = wallet(chain);
        let dora = chain.account("dora", 100);
        let fuzz = Fuzz {
            contract: wallet,
            accounts: &[alice, bob, carol, dora],
            seed: 7,
            calls: 200,
        };
        // Random confirmations are mostly of the first proposals, so these can be executed.
        for value in [20, 10, 5, 1] {
            let propose = client.propose(dora, String::new(), Bytes::default(), value);
            chain.call(alice, propose);
        }
        // Who confirmed each proposal.
        let mut confirmed = vec![vec![alice]; 4];
        let mut executed = 0;
        chain.fuzz(fuzz, |chain, call| {
            match (call.method.as_str(), call.status) {
                ("propose", Status::Success) => confirmed.push(vec![call.from]),
                ("confirm", Status::Success) => {
                    let number = call.arguments["number"].as_str().expect("a number");
                    let number: usize = number.parse().expect("a number");
                    assert!(
                        !confirmed[number].contains(&call.from),
                        "an owner has one vote"
                    );
                    confirmed[number].push(call.from);
                }
                _ => return,
            }
            let mut spent = 0;
            executed = 0;
            for (number, owners) in (0..).zip(&confirmed) {
                let proposal = chain.query(client.proposal(number)).expect("it was made");
                assert_eq!(usize::try_from(proposal.confirmations), Ok(owners.len()));
                assert_eq!(proposal.is_executed, owners.len() == 2, "{proposal:?}");
                assert!(!owners.contains(&dora), "Dora is no owner");
                if proposal.is_executed {
                    spent += proposal.value;
                    executed += 1;
                }
            }
            assert_eq!(chain.balance(wallet), 50 - spent);
        });
        assert!(executed > 0, "a proposal is executed");
    });
}

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let mut gas = GasSnapshot::new();
        let ([alice, bob, _], client, _) = wallet(chain);
        let dora = chain.account("dora", 0);
        let propose = client.propose(dora, String::new(), Bytes::default(), 30);
        let number = chain.call(alice, propose);
        gas.record("propose", chain.gas_used());
        // The second of two, which makes the call.
        chain.call(bob, client.confirm(number));
        gas.record("confirm", chain.gas_used());
        // Per mille: compilers change.
        gas.check("tests/gas.txt", 20).unwrap();
    });
}
