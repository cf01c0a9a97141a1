//! Published rules: final.

use expect_test::expect_file;
use fusee_system::{contract_rules, syscalls, system_rules};

#[test]
fn published_rules_are_golden() {
    for (rules, golden) in [
        (system_rules(), expect_file!["golden/rules_system-1.txt"]),
        (
            contract_rules(),
            expect_file!["golden/rules_system-1-contract.txt"],
        ),
    ] {
        golden.assert_eq(&rules.to_string());
    }
}

#[test]
fn the_rules_list_every_syscall() {
    for rules in [system_rules(), contract_rules()] {
        for row in syscalls::SYSCALLS {
            assert!(rules.prices().price(row.number).is_some(), "{}", row.name);
        }
    }
}
