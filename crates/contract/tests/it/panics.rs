//! Panics of contracts in Rust, whose messages reach the caller.

use fusee_contract::{ContractRules, Status};

use crate::world::{World, alice, args};

const PANICS: &[u8] = include_bytes!("../../../../guests/wasm/panics.wasm");

#[test]
fn a_panic_reverts_with_where_and_why() {
    let mut world = World::with_rules(&ContractRules::v2());
    let contract = world.deploy(PANICS, &[]);
    let mut checked = |a: u64, b: u64| {
        let input = args(&[&a.to_le_bytes(), &b.to_le_bytes()]);
        let receipt = world.call(alice(), contract, "checked", &input);
        (receipt.status, receipt.output)
    };
    assert_eq!(
        checked(5, 3),
        (Status::Success, 2_u64.to_le_bytes().to_vec())
    );
    let (status, output) = checked(3, 5);
    assert_eq!(status, Status::Reverted);
    assert_eq!(
        String::from_utf8(output).unwrap(),
        "panicked at panics/src/lib.rs:18:9: 3 is less than 5, by 40.0%"
    );
    let long = world.call(alice(), contract, "long", &[]);
    assert_eq!((long.status, long.output.len()), (Status::Reverted, 512));
}
