//! Programs that are no contracts of the SDK: each machine runs both formats.

use fusee_testkit::{Machine, Program, Status, on_every_machine, on_machine, program};
use token::{Token, TokenClient};

const TOKEN: Program = program!(Token => "example-token");

/// The token that is written by hand: it has the methods of the SDK's.
const BY_HAND: [&[u8]; 2] = [
    include_bytes!("../../../../guests/wasm/token.wasm"),
    include_bytes!("../../../../guests/polkavm/token.polkavm"),
];

#[test]
fn every_machine_runs_programs_of_both_formats() {
    for code in BY_HAND {
        on_every_machine(|chain| {
            let (alice, bob) = (chain.account("alice", 0), chain.account("bob", 0));
            let input = TokenClient::deploy(1_000).input();
            let token = chain.try_deploy_code(alice, code, &input).unwrap();
            let token = TokenClient::at(token);
            chain.call(alice, token.transfer(bob, 40));
            assert_eq!(chain.query(token.balance_of(bob)), 40);
        });
    }
}

/// What stands for a native contract that the chain does not know is not a contract that does
/// nothing.
#[test]
fn a_stub_alone_does_not_run() {
    on_machine(Machine::Native, |chain| {
        let alice = chain.account("alice", 0);
        let stub = TOKEN.code(Machine::Native).unwrap();
        let input = TokenClient::deploy(1_000).input();
        let failure = chain.try_deploy_code(alice, &stub, &input).unwrap_err();
        assert!(matches!(failure.status, Status::Trapped(_)), "{failure}");
    });
}
