//! One contract in several languages: the token in Rust, C, AssemblyScript and Zig, which behaves
//! the same in all of them, on every engine.

use fusee_contract::{Action, Address, ContractRules, Status, Transaction};
use fusee_engine::Gas;

use crate::{
    formats::{seen, sorted_methods},
    world::{GAS, TOKEN, World, alice, args, bob},
};

/// The token in each language, the one in Rust first.
const TOKENS: [(&str, &[u8]); 6] = [
    ("Rust", TOKEN),
    (
        "Rust for PolkaVM",
        include_bytes!("../../../../guests/polkavm/token.polkavm"),
    ),
    ("C", include_bytes!("../../../../guests/wasm/c_token.wasm")),
    (
        "C for PolkaVM",
        include_bytes!("../../../../guests/polkavm/c_token.polkavm"),
    ),
    (
        "AssemblyScript",
        include_bytes!("../../../../guests/wasm/assemblyscript_token.wasm"),
    ),
    (
        "Zig",
        include_bytes!("../../../../guests/wasm/zig_token.wasm"),
    ),
];

/// Calls that succeed, revert and are refused: the caller, the method, the arguments, and the
/// expected status.
fn calls() -> Vec<(Address, &'static str, Vec<u8>, Status)> {
    use Status::{Reverted, Success};
    let amount = |units: u64| units.to_le_bytes();
    let (a, b) = (alice(), bob());
    let to_bob = |units| args(&[b.as_bytes(), &amount(units)]);
    let from_alice = |units| args(&[a.as_bytes(), b.as_bytes(), &amount(units)]);
    let both = args(&[a.as_bytes(), b.as_bytes()]);
    let longer = |mut input: Vec<u8>| {
        input.push(0);
        input
    };
    vec![
        (a, "transfer", to_bob(250), Success),
        (a, "transfer", to_bob(0), Success),
        // Has 750: numbers of different lengths in the message, up to the longest.
        (a, "transfer", to_bob(751), Reverted),
        (a, "transfer", to_bob(u64::MAX), Reverted),
        (bob(), "transfer", to_bob(250), Success), // to oneself
        (bob(), "transfer", to_bob(251), Reverted),
        (a, "transfer", b.as_bytes().to_vec(), Reverted),
        (a, "transfer", longer(to_bob(1)), Reverted),
        (a, "transfer", Vec::new(), Reverted),
        (b, "transfer_from", from_alice(1), Reverted),
        (a, "approve", to_bob(40), Success),
        (a, "approve", longer(to_bob(40)), Reverted),
        (b, "transfer_from", from_alice(30), Success),
        (b, "transfer_from", from_alice(30), Reverted),
        (b, "transfer_from", longer(from_alice(1)), Reverted),
        (a, "approve", to_bob(u64::MAX), Success),
        (b, "transfer_from", from_alice(10_000_000), Reverted),
        (b, "allowance", both.clone(), Success),
        (b, "allowance", longer(both), Reverted),
        (b, "balance_of", b.as_bytes().to_vec(), Success),
        (b, "balance_of", amount(1).to_vec(), Reverted),
        (b, "total_supply", Vec::new(), Success),
        (b, "total_supply", vec![0], Reverted),
    ]
}

#[test]
fn a_contract_does_the_same_in_every_language() {
    let mut world = World::in_both_formats(&ContractRules::latest());
    let (a, b) = (alice(), bob());
    let keys = [
        vec![0],
        args(&[&[1], a.as_bytes()]),
        args(&[&[1], b.as_bytes()]),
        args(&[&[2], a.as_bytes(), b.as_bytes()]),
    ];
    let mut of_rust = None;
    for (language, code) in TOKENS {
        let refused = world.send(Transaction {
            from: a,
            action: Action::Deploy {
                code: code.to_vec(),
                input: vec![7; 7],
            },
            value: 0,
            gas: Gas::new(GAS),
        });
        assert_eq!(refused.status, Status::Reverted, "{language}");
        let token = world.deploy(code, &1_000_u64.to_le_bytes());
        let mut receipts = vec![seen(&refused)];
        for (from, method, input, expected) in calls() {
            let receipt = world.call(from, token, method, &input);
            let text = String::from_utf8_lossy(&receipt.output);
            assert_eq!(receipt.status, expected, "{language}: {method}: {text}");
            receipts.push(seen(&receipt));
        }
        let stored = keys.each_ref().map(|key| world.stored(token, key));
        assert!(stored.iter().all(Option::is_some), "{language}: {stored:?}");
        let found = (receipts, stored, sorted_methods(&world, token));
        let expected = of_rust.get_or_insert_with(|| found.clone());
        assert_eq!(&found, expected, "{language}");
    }
}
