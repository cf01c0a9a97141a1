//! Published rules: final.

use expect_test::expect_file;
use fusee_system::{
    contract_rules, contract_rules_v1_5, syscalls, system_rules, system_rules_v1_5,
};

#[test]
fn published_rules_are_golden() {
    for (rules, golden) in [
        (system_rules(), expect_file!["golden/rules_system-1.txt"]),
        (
            contract_rules(),
            expect_file!["golden/rules_system-1-contract.txt"],
        ),
        (
            system_rules_v1_5(),
            expect_file!["golden/rules_system-1.5.txt"],
        ),
        (
            contract_rules_v1_5(),
            expect_file!["golden/rules_system-1.5-contract.txt"],
        ),
    ] {
        golden.assert_eq(&rules.to_string());
    }
}

#[test]
fn every_syscall_is_in_a_version() {
    let versions = [system_rules(), system_rules_v1_5()];
    for row in syscalls::SYSCALLS {
        let mut versions = versions.iter();
        let has = versions.any(|rules| rules.prices().price(row.number).is_some());
        assert!(has, "{}", row.name);
    }
    let [first, later] = &versions;
    for rule in first.syscalls() {
        let mut later = later.syscalls().iter();
        assert!(later.any(|other| other.name == rule.name), "{}", rule.name);
    }
}
