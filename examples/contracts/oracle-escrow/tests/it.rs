//! The escrow on every machine.

use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use fusee_sdk::{Address, codec::to_vec};
use fusee_testkit::{
    Chain, Fuzz, GasSnapshot, Machine, Program, Status, on_every_machine, on_machine, program,
};
use oracle_escrow::{Error, OracleEscrow, OracleEscrowClient, Report};

const ESCROW: Program = program!(OracleEscrow);

/// The time that the oracle has, in milliseconds.
const PERIOD: u64 = 60_000;

fn oracle() -> SigningKey {
    SigningKey::from([7; 32])
}

/// An escrow of 50 from Alice to Bob, with the number 0, and the report that the condition is met.
fn opened(chain: &mut Chain) -> (Address, Address, OracleEscrowClient, Report) {
    let (alice, bob) = (chain.account("alice", 100), chain.account("bob", 0));
    let contract = chain.deploy(alice, &ESCROW, &[]);
    let client = OracleEscrowClient::at(contract);
    let deadline = chain.block().time + PERIOD;
    let key = VerificationKeyBytes::from(&oracle()).into();
    let open = client.open(bob, key, deadline).value(50);
    assert_eq!(chain.call(alice, open), 0);
    let report = Report {
        domain: Report::DOMAIN,
        chain_id: chain.block().chain_id.to_string(),
        contract,
        number: 0,
        deadline,
        is_met: true,
    };
    (alice, bob, client, report)
}

fn sign(report: &Report) -> [u8; 64] {
    oracle().sign(&to_vec(report)).to_bytes()
}

#[test]
fn a_report_pays_out_once() {
    on_every_machine(|chain| {
        let (_, bob, client, report) = opened(chain);
        let settle = client.settle(0, true, sign(&report));
        chain.call(bob, settle.clone());
        assert_eq!(chain.balance(bob), 50);
        let failure = chain.try_call(bob, settle).unwrap_err();
        assert_eq!(failure, Error::UnknownEscrow.to_string());
        assert_eq!(chain.query(client.escrow(0)), None);
    });
}

#[test]
fn a_report_that_the_condition_is_not_met_sends_the_amount_back() {
    on_every_machine(|chain| {
        let (alice, bob, client, report) = opened(chain);
        let report = Report {
            is_met: false,
            ..report
        };
        let failure = chain.try_call(bob, client.settle(0, true, sign(&report)));
        assert_eq!(failure.unwrap_err(), Error::WrongSignature.to_string());
        chain.call(bob, client.settle(0, false, sign(&report)));
        assert_eq!((chain.balance(alice), chain.balance(bob)), (100, 0));
    });
}

#[test]
fn a_report_settles_no_other_escrow() {
    on_every_machine(|chain| {
        let (alice, bob, client, report) = opened(chain);
        // The same parties and deadline again, in this contract and in another one.
        let open = |client: &OracleEscrowClient| {
            let key = VerificationKeyBytes::from(&oracle()).into();
            client.open(bob, key, report.deadline).value(10)
        };
        assert_eq!(chain.call(alice, open(&client)), 1);
        let other = OracleEscrowClient::at(chain.deploy(alice, &ESCROW, &[]));
        assert_eq!(chain.call(alice, open(&other)), 0);
        let signature = sign(&report);
        let elsewhere = sign(&Report {
            chain_id: "another".to_owned(),
            ..report.clone()
        });
        let later = sign(&Report {
            deadline: report.deadline + 1,
            ..report
        });
        for settle in [
            client.settle(1, true, signature),
            other.settle(0, true, signature),
            client.settle(0, true, elsewhere),
            client.settle(0, true, later),
        ] {
            let failure = chain.try_call(bob, settle).unwrap_err();
            assert_eq!(failure, Error::WrongSignature.to_string());
        }
        assert_eq!(chain.balance(bob), 0);
    });
}

#[test]
fn the_payer_gets_the_amount_back_after_the_deadline() {
    on_every_machine(|chain| {
        let (alice, bob, client, report) = opened(chain);
        let failure = chain.try_call(alice, client.refund(0)).unwrap_err();
        let (deadline, now) = (report.deadline, report.deadline - PERIOD + 1_000);
        assert_eq!(failure, Error::TooEarly { deadline, now }.to_string());
        chain.advance_time(PERIOD);
        let failure = chain.try_call(bob, client.settle(0, true, sign(&report)));
        assert_eq!(failure.unwrap_err(), Error::TooLate.to_string());
        chain.call(bob, client.refund(0));
        assert_eq!((chain.balance(alice), chain.balance(bob)), (100, 0));
        let failure = chain.try_call(alice, client.refund(0)).unwrap_err();
        assert_eq!(failure, Error::UnknownEscrow.to_string());
    });
}

#[test]
fn an_escrow_begins_before_its_deadline() {
    on_every_machine(|chain| {
        let (alice, bob, client, _) = opened(chain);
        let open = client.open(bob, [1; 32], chain.block().time);
        let failure = chain.try_call(alice, open).unwrap_err();
        assert_eq!(failure, Error::DeadlineInThePast.to_string());
    });
}

#[test]
fn the_balance_is_that_of_the_open_escrows() {
    on_every_machine(|chain| {
        let (alice, bob) = (chain.account("alice", 100), chain.account("bob", 100));
        let contract = chain.deploy(alice, &ESCROW, &[]);
        let client = OracleEscrowClient::at(contract);
        let fuzz = Fuzz {
            contract,
            accounts: &[alice, bob],
            seed: 7,
            calls: 300,
        };
        let (mut opened, mut refunded) = (0, 0);
        chain.fuzz(fuzz, |chain, call| {
            if call.status == Status::Success {
                opened += u32::from(call.method == "open");
                refunded += u32::from(call.method == "refund");
            }
            let open = (0..opened).filter_map(|number| chain.query(client.escrow(number)));
            let (count, owed) = open.fold((0, 0), |(count, owed), escrow| {
                (count + 1, owed + escrow.amount)
            });
            assert_eq!(count, opened - refunded, "each ends once");
            assert_eq!(chain.balance(contract), owed, "it has what it owes");
            // Random deadlines are far off. Most are over then, and those of no end are not.
            if call.number == 150 {
                chain.advance_time(u64::MAX - chain.block().time - 1_000_000_000);
            }
        });
        assert!(opened > 3 && refunded > 0, "{opened} {refunded}");
    });
}

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let mut gas = GasSnapshot::new();
        let (_, bob, client, report) = opened(chain);
        gas.record("open", chain.gas_used());
        chain.call(bob, client.settle(0, true, sign(&report)));
        gas.record("settle", chain.gas_used());
        // Per mille: compilers change.
        gas.check("tests/gas.txt", 20).unwrap();
    });
}
