//! The signature of the method `deploy`.

use fusee_contract::{Action, ContractRules, Rejection, Status, Transaction};
use fusee_engine::Gas;

use crate::world::{GAS, World, alice};

/// Constructors that no deployment can call.
const UNFIT: [&str; 3] = [
    r#"(module (func (export "deploy") (param i32)) (func (export "go")))"#,
    r#"(module (func (export "deploy") (result i64) (i64.const 0)) (func (export "go")))"#,
    r#"(module (func (export "deploy") (param i32) (result i32) (local.get 0))
      (func (export "go")))"#,
];

fn deployment(wat: &str) -> Transaction {
    Transaction {
        from: alice(),
        action: Action::Deploy {
            code: wat::parse_str(wat).unwrap(),
            input: Vec::new(),
        },
        value: 0,
        gas: Gas::new(GAS),
    }
}

#[test]
fn a_constructor_with_parameters_or_results_is_refused() {
    let mut world = World::with_rules(&ContractRules::v2());
    for wat in UNFIT {
        let included = world.try_send(deployment(wat)).unwrap();
        let (receipt, refusal) = (included.receipt, included.refusal.unwrap());
        assert_eq!(receipt.status, Status::Rejected(Rejection::RefusedCode));
        assert_eq!(receipt.deployed, None);
        assert_eq!(
            refusal.to_string(),
            "refused by rule `export_signature`: the export `deploy` has parameters or results, so \
             it cannot run at deployment"
        );
    }
}

#[test]
fn other_exports_may_have_any_signature() {
    let mut world = World::with_rules(&ContractRules::v2());
    world.deploy_wat(
        r#"(module (func (export "deploy")) (func (export "deploy_two") (param i32)))"#,
    );
    world.deploy_wat(r#"(module (memory (export "deploy") 1))"#);
}

#[test]
fn version_1_admits_it_and_it_stays_callable_under_version_2() {
    let mut world = World::new();
    let contracts = UNFIT.map(|wat| world.deploy_wat(wat));
    let state = world.state;
    let mut world = World::with_rules(&ContractRules::v2());
    world.state = state;
    for contract in contracts {
        let receipt = world.call(alice(), contract, "go", &[]);
        assert_eq!(receipt.status, Status::Success);
    }
}
