//! Contracts that compute with floating-point numbers: the same bits on every engine.

use fusee_contract::{Action, ContractRules, Rejection, Status, Transaction};
use fusee_engine::Gas;

use crate::world::{GAS, World, alice};

/// Outputs numbers that differ between machines unless they are canonicalised: the sign and payload
/// of a NaN that an operation makes (zero divided by zero, an infinity less itself), or takes from
/// an operand; and some that do not: a series for pi, and a root.
const COMPUTES: &str = r#"(module
  (import "fusee" "output_write" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (func $pi (result f64) (local $sum f64) (local $k f64) (local $sign f64)
    (local.set $sign (f64.const 4))
    (local.set $k (f64.const 1))
    (loop $next
      (local.set $sum
        (f64.add (local.get $sum) (f64.div (local.get $sign) (local.get $k))))
      (local.set $sign (f64.neg (local.get $sign)))
      (local.set $k (f64.add (local.get $k) (f64.const 2)))
      (br_if $next (f64.lt (local.get $k) (f64.const 2000))))
    (local.get $sum))
  (func (export "go") (local $zero f64) (local $small f32)
    (f64.store (i32.const 0) (f64.div (local.get $zero) (local.get $zero)))
    (f64.store (i32.const 8)
      (f64.sub (f64.const inf) (f64.add (local.get $zero) (f64.const inf))))
    (f32.store (i32.const 16) (f32.sqrt (f32.sub (local.get $small) (f32.const 1))))
    (f32.store (i32.const 20) (f32.demote_f64 (f64.const -nan:0x8000000000123)))
    (f64.store (i32.const 24)
      (f64.add (f64.const -nan:0x8000000000777) (local.get $zero)))
    (f64.store (i32.const 32) (call $pi))
    (f64.store (i32.const 40) (f64.sqrt (call $pi)))
    (i64.store (i32.const 48) (i64.trunc_sat_f64_s (f64.load (i32.const 0))))
    (call $output (i32.const 0) (i32.const 56))))"#;

#[test]
fn a_contract_computes_the_same_numbers_on_every_engine() {
    let mut world = World::with_rules(&ContractRules::v2());
    let contract = world.deploy_wat(COMPUTES);
    let receipt = world.call(alice(), contract, "go", &[]);
    assert_eq!(receipt.status, Status::Success);
    let (mut sum, mut k, mut sign) = (0.0_f64, 1.0, 4.0);
    while k < 2000.0 {
        (sum, sign, k) = (sum + sign / k, -sign, k + 2.0);
    }
    let (nan, two_short_nans) = (0x7ff8_0000_0000_0000, 0x7fc0_0000_7fc0_0000);
    let (pi, root) = (sum.to_bits(), sum.sqrt().to_bits());
    let expected = [nan, nan, two_short_nans, nan, pi, root, 0].map(u64::to_le_bytes);
    assert_eq!(receipt.output, expected.as_flattened());
}

#[test]
fn version_1_refuses_floating_point() {
    let mut world = World::new();
    let receipt = world.send(Transaction {
        from: alice(),
        action: Action::Deploy {
            code: wat::parse_str(COMPUTES).unwrap(),
            input: Vec::new(),
        },
        value: 0,
        gas: Gas::new(GAS),
    });
    assert_eq!(receipt.status, Status::Rejected(Rejection::RefusedCode));
}
