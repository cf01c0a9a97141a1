//! Hostile PolkaVM programs: a rule refuses them with a precise reason, or they run identically on
//! every lane.

use std::{collections::BTreeMap, fs, path::Path};

use fusee_conformance::{Ending, Verdict, agreed, polkavm_lanes};
use fusee_engine::{Gas, Value};
use fusee_instrument::{PolkaVmRules, Refusal, Rule, Rules};

use crate::contract::{Contract, contract_rules};

fn rules() -> Rules {
    contract_rules().with_polkavm(PolkaVmRules::v1())
}

/// Every hostile guest for PolkaVM, by its name.
fn hostile() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/polkavm");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .filter_map(|path| {
            let name = path.file_stem()?.to_str()?.strip_prefix("hostile_")?;
            Some((name.to_owned(), fs::read(&path).unwrap()))
        })
        .collect()
}

#[test]
fn each_is_refused_by_the_rule_that_it_breaks() {
    let refusals: BTreeMap<String, Refusal> = hostile()
        .into_iter()
        .filter_map(|(name, bytes)| {
            let refused = fusee_instrument::prepare(&bytes, &rules());
            refused.err().map(|refusal| (name, refusal))
        })
        .collect();
    let expected = [
        ("call_of_nothing", Rule::UnknownImport, "call of import 7"),
        ("export_inside", Rule::Valid, "`inside` does not begin"),
        ("export_no_text", Rule::Valid, "is not UTF-8"),
        ("export_twice", Rule::Valid, "`run` is exported twice"),
        ("huge_in_all", Rule::Valid, "too large"),
        ("huge_read_only", Rule::Valid, "read-only data is too big"),
        ("huge_read_write", Rule::Valid, "read-write data is too big"),
        ("huge_stack", Rule::Valid, "stack is too large"),
        (
            "import_long",
            Rule::UnknownImport,
            "`a_name_of_thirty_three_bytes_long`",
        ),
        (
            "import_many",
            Rule::Limit("imports"),
            "200 exceeds the limit of 128",
        ),
        ("import_no_text", Rule::UnknownImport, "unknown imports: "),
        ("import_unknown", Rule::UnknownImport, r"`no_such`, `\n`"),
        ("large_read_write", Rule::Limit("memory_pages"), "16384"),
        ("large_stack", Rule::Limit("memory_pages"), "16384"),
        ("no_code", Rule::Operator, "at instruction 0"),
        ("no_end", Rule::Operator, "at instruction 3"),
        ("sbrk", Rule::Operator, "at instruction 0"),
        (
            "sbrk_latest",
            Rule::InstructionSet,
            "link the program for `revivev1`",
        ),
    ];
    let names: Vec<&str> = expected.iter().map(|(name, ..)| *name).collect();
    assert_eq!(refusals.keys().collect::<Vec<_>>(), names);
    for (name, rule, part) in expected {
        let refusal = &refusals[name];
        assert_eq!(refusal.rule, rule, "{name}: {refusal}");
        assert!(refusal.message.contains(part), "{name}: {refusal}");
    }
}

#[test]
fn strange_names_do_no_harm() {
    let mut run = 0;
    for (name, bytes) in hostile() {
        let Ok(program) = fusee_instrument::prepare(&bytes, &rules()) else {
            continue;
        };
        for export in &program.exports {
            let verdict = agreed(&polkavm_lanes(), |lane| {
                let prepared = lane.executor.prepare(&bytes, &rules()).unwrap();
                let request = lane.request(&export.name, &[], Gas::new(1_000_000));
                let host = Contract::default();
                Verdict::of(lane.executor.run(&prepared, request, host).unwrap())
            });
            assert_eq!(
                verdict.ending,
                Ending::Finished(vec![Value::I64(1)]),
                "{name}"
            );
            run += 1;
        }
    }
    assert_eq!(run, 4);
}
