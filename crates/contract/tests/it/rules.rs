//! Published rules: final, and not changed by what comes after them.

use std::sync::Arc;

use expect_test::expect_file;
use fusee_abi::SYSCALLS;
use fusee_conformance::lanes;
use fusee_contract::{
    Action, BlockContext, ContractChildren, ContractError, ContractRules, ContractRulesId,
    Contracts, Extensions, Receipt, Status, Transaction, set_balances,
};
use fusee_engine::{Gas, Interrupt, RulesId};
use fusee_executor::Executor;
use fusee_instrument::{Floats, SyscallPrice, SyscallRule};
use fusee_state::MemoryState;
use fusee_virtualization::{ChildRules, Symbols, functions};

use crate::world::{GAS, alice};

/// Writes 12 bytes to storage.
const WRITES: &str = r#"(module
  (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "go")
    (call $write (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 8))))"#;

/// Asks for the syscall that comes with the next version.
const ASKS: &str = r#"(module
  (import "fusee" "clock" (func $clock (result i64)))
  (func (export "go") (drop (call $clock))))"#;

/// A number that no syscall has.
const CLOCK: u32 = 900;

/// The newest version, with one more syscall, and another price for `storage_write`.
fn next() -> ContractRules {
    let newest = ContractRules::latest();
    let mut syscalls = newest.program.syscalls().to_vec();
    let write = syscalls
        .iter_mut()
        .find(|rule| rule.name == "storage_write")
        .unwrap();
    assert_eq!(write.price, SyscallPrice::bytes(5_000, 20));
    write.price = SyscallPrice::bytes(7_000, 30);
    syscalls.push(SyscallRule {
        module: "fusee".to_owned(),
        name: "clock".to_owned(),
        number: CLOCK,
        params: Vec::new(),
        result: Some(fusee_engine::ValueType::I64),
        may_suspend: false,
        price: SyscallPrice::bytes(90_000, 0),
    });
    let program = newest.program.clone().with_syscalls(syscalls);
    ContractRules {
        name: "contract-4".into(),
        program: program.with_name("contract-4-program"),
        ..newest
    }
}

fn funded() -> MemoryState {
    let mut state = MemoryState::new();
    state.apply(&set_balances(&[(alice(), 1_000)]));
    state
}

fn execute(
    executor: &Arc<Executor>,
    rules: &ContractRules,
    state: &mut MemoryState,
    action: Action,
    gas: u64,
) -> Result<Receipt, ContractError> {
    let contracts = Contracts::without_fallback(Arc::clone(executor), rules.clone());
    let transaction = Transaction {
        from: alice(),
        action,
        value: 0,
        gas: Gas::new(gas),
    };
    let result = contracts.execute(
        Arc::new(state.clone()),
        transaction,
        &BlockContext::default(),
        &Interrupt::new(),
    )?;
    let included = result.included().unwrap();
    state.apply(&included.changes);
    Ok(included.receipt)
}

/// Deploys a contract and, if it is admitted, calls its method `go`; the receipts.
fn receipts(executor: &Arc<Executor>, rules: &ContractRules, wat: &str) -> Vec<Receipt> {
    let mut state = funded();
    let mut run = |action| execute(executor, rules, &mut state, action, GAS).unwrap();
    let deploy = Action::Deploy {
        code: wat::parse_str(wat).unwrap(),
        input: Vec::new(),
    };
    let mut receipts = vec![run(deploy)];
    if let Some(to) = receipts[0].deployed {
        receipts.push(run(Action::Call {
            to,
            method: "go".to_owned(),
            input: Vec::new(),
        }));
    }
    receipts
}

fn executor() -> Arc<Executor> {
    Arc::new(lanes().remove(0).executor)
}

/// The receipts of every published version, a line each.
fn history(executor: &Arc<Executor>) -> String {
    let mut history = String::new();
    for rules in ContractRules::published() {
        history.push_str(&format!("{} {}\n", rules.name, rules.id()));
        for wat in [WRITES, ASKS] {
            for receipt in receipts(executor, &rules, wat) {
                let (status, gas) = (receipt.status, receipt.gas_used);
                history.push_str(&format!("  {status:?} {gas}\n"));
            }
        }
    }
    history
}

#[test]
fn published_rules_are_golden() {
    let published = ContractRules::published();
    let golden = [
        expect_file!["golden/rules_contract-1.txt"],
        expect_file!["golden/rules_contract-2.txt"],
    ];
    assert_eq!(
        published.len(),
        golden.len(),
        "each version has a golden file"
    );
    for (rules, golden) in published.iter().zip(golden) {
        golden.assert_eq(&rules.to_string());
    }
    assert_eq!(published.last(), Some(&ContractRules::latest()));
}

/// They are not published, but a chain may use them.
#[test]
fn rules_with_wasi_and_large_programs_are_golden() {
    let rules = ContractRules::v2().with_wasi().with_large_programs();
    expect_file!["golden/rules_contract-2-wasi-large.txt"].assert_eq(&rules.to_string());
    let other_order = ContractRules::v2().with_large_programs().with_wasi();
    assert_eq!(other_order.encode().len(), rules.encode().len());
    assert_eq!(rules.clone().with_large_programs().with_wasi(), rules);
    assert_eq!(rules.program.syscalls(), other_order.program.syscalls());
    assert_eq!(rules.program.limits(), other_order.program.limits());
}

#[test]
fn the_newest_rules_with_an_oracle_list_every_syscall_and_function() {
    let rules = ContractRules::latest().with_oracle().program;
    for row in SYSCALLS.iter().chain(functions::FUNCTIONS) {
        let mut listed = rules.syscalls().iter();
        assert!(listed.any(|rule| rule.name == row.name), "{}", row.name);
    }
}

#[test]
fn a_new_version_changes_no_earlier_one() {
    let golden = expect_file!["golden/rules_history.txt"];
    let executor = executor();
    let before = history(&executor);
    golden.assert_eq(&before);

    let next = next();
    let earlier = ContractRules::published();
    assert!(earlier.iter().all(|rules| rules.id() != next.id()));
    assert!(
        earlier
            .iter()
            .all(|rules| rules.program.id() != next.program.id())
    );

    // In the same executor: it charges the new price, and admits the new syscall.
    let gas = |rules: &ContractRules| {
        let receipts = receipts(&executor, rules, WRITES);
        assert_eq!(receipts[1].status, Status::Success);
        receipts[1].gas_used.units()
    };
    let more = 2_000 + 12 * 10;
    assert_eq!(gas(&next), gas(&ContractRules::latest()) + more);
    assert_eq!(
        next.program.prices().price(CLOCK),
        Some(&SyscallPrice::bytes(90_000, 0))
    );
    let mut state = funded();
    let deploy = Action::Deploy {
        code: wat::parse_str(ASKS).unwrap(),
        input: Vec::new(),
    };
    let deployed = execute(&executor, &next, &mut state, deploy, GAS).unwrap();
    assert_eq!(deployed.status, Status::Success);
    let go = Action::Call {
        to: deployed.deployed.unwrap(),
        method: "go".to_owned(),
        input: Vec::new(),
    };
    // The price is charged first. No handler answers the syscall yet, which is a fault of the host.
    let asked = execute(&executor, &next, &mut state, go.clone(), 90_000).unwrap();
    assert_eq!(asked.status, Status::OutOfGas);
    execute(&executor, &next, &mut state, go, GAS).unwrap_err();

    assert_eq!(history(&executor), before);
}

#[test]
fn a_function_of_children_costs_what_the_rules_of_its_caller_say() {
    const LOOKS: &str = r#"(module
      (import "env" "ext_virtualization_lookup_version_1" (func $lookup (param i64) (result i64)))
      (memory 1)
      (func (export "go") (drop (call $lookup (i64.const 0x10_0000_0000)))))"#;
    let executor = executor();
    let gas = |rules: &ContractRules| {
        let receipts = receipts(&executor, rules, LOOKS);
        assert_eq!(receipts[1].status, Status::Success);
        receipts[1].gas_used.units()
    };
    let mut dearer = ContractRules::latest();
    let mut syscalls = dearer.program.syscalls().to_vec();
    let lookup = syscalls
        .iter_mut()
        .find(|rule| rule.number == functions::LOOKUP)
        .unwrap();
    assert_eq!(lookup.price, SyscallPrice::bytes(500, 1));
    lookup.price = SyscallPrice::bytes(700, 3);
    dearer.program = dearer.program.with_syscalls(syscalls);
    assert_eq!(gas(&dearer), gas(&ContractRules::latest()) + 200 + 16 * 2);
}

#[test]
fn everything_in_the_rules_is_in_their_encoding() {
    let rules = ContractRules::latest();
    let with = |change: &dyn Fn(&mut ContractRules)| {
        let mut changed = rules.clone();
        change(&mut changed);
        changed
    };
    let children = |change: &dyn Fn(&mut ContractChildren)| {
        with(&|rules| change(rules.children.as_mut().unwrap()))
    };
    let extensions = |change: &dyn Fn(&mut Extensions)| {
        with(&|rules| change(rules.extensions.as_mut().unwrap()))
    };
    let priced = |syscalls: &[SyscallRule]| {
        let mut syscalls = syscalls.to_vec();
        syscalls[0].price.each = Gas::new(1_234);
        syscalls
    };
    let changed = [
        with(&|rules| rules.name = "contract-three".into()),
        with(&|rules| rules.program = rules.program.clone().with_floats(Floats::Refused)),
        with(&|rules| {
            let syscalls = priced(rules.program.syscalls());
            rules.program = rules.program.clone().with_syscalls(syscalls);
        }),
        with(&|rules| rules.frames.depth += 1),
        with(&|rules| rules.frames.memory_bytes += 1),
        with(&|rules| rules.limits.key_bytes += 1),
        with(&|rules| rules.limits.value_bytes += 1),
        with(&|rules| rules.limits.topic_bytes += 1),
        with(&|rules| rules.limits.method_bytes += 1),
        with(&|rules| rules.limits.data_bytes += 1),
        with(&|rules| rules.prices.transaction = Gas::new(1)),
        with(&|rules| rules.prices.input_byte = Gas::new(1)),
        with(&|rules| rules.prices.code_byte = Gas::new(1)),
        with(&|rules| rules.prices.held_page = Gas::new(1)),
        with(&|rules| rules.children = None),
        with(&|rules| rules.extensions = None),
        extensions(&|extensions| extensions.input_bytes += 1),
        extensions(&|extensions| extensions.output_bytes += 1),
        extensions(&|extensions| extensions.bls_keys += 1),
        extensions(&|extensions| extensions.topics += 1),
        extensions(&|extensions| extensions.events += 1),
        extensions(&|extensions| extensions.event_bytes += 1),
        extensions(&|extensions| extensions.transient_bytes += 1),
        extensions(&|extensions| extensions.deposit_byte += 1),
        extensions(&|extensions| extensions.log_bytes += 1),
        children(&|children| children.modules += 1),
        children(&|children| children.instances += 1),
        children(&|children| children.generations += 1),
        children(&|children| {
            let below = children.rules.rules().clone();
            let only = Symbols::Only(["a".to_owned()].into());
            children.rules = Arc::new(ChildRules::new(below, only));
        }),
        children(&|children| {
            let below = children.rules.rules();
            let below = below.clone().with_syscalls(priced(below.syscalls()));
            children.rules = Arc::new(ChildRules::new(below, Symbols::Any));
        }),
    ];
    let mut ids: Vec<ContractRulesId> = changed.iter().map(ContractRules::id).collect();
    ids.push(rules.id());
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "two of them have one id");
}

#[test]
fn a_profile_is_not_in_the_rules() {
    let rules = ContractRules::latest();
    let profiled = ContractRules {
        program: rules.program.clone().profiled(),
        ..rules.clone()
    };
    assert_eq!(profiled.encode(), rules.encode());
    assert_eq!(profiled.id(), rules.id());
}

#[test]
fn an_id_is_32_bytes_in_a_receipt() {
    let id = ContractRules::latest().id();
    assert_eq!(borsh::to_vec(&id).unwrap(), id.as_bytes());
    assert_eq!(ContractRulesId::from_bytes(*id.as_bytes()), id);
}

#[test]
fn the_id_of_rules_with_a_deposit_tells_it() {
    let rules = ContractRules::v2;
    let (seven, most) = (rules().with_deposit(7), rules().with_deposit(u64::MAX));
    assert_eq!(seven.id().deposit(), 7);
    assert_eq!(most.id().deposit(), u64::MAX);
    // The rest is that of a digest, which covers everything.
    assert_ne!(seven.id().as_bytes()[..24], most.id().as_bytes()[..24]);
    let named = ContractRules::named("contract-2-deposit-7");
    assert_eq!(named.map(|rules| rules.id()), Some(seven.id()));
    // Without one, an id is a digest as before.
    let zero = rules().with_deposit(0).id();
    assert_eq!(
        zero.as_bytes(),
        RulesId::of(&rules().with_deposit(0).encode()).as_bytes()
    );
}
