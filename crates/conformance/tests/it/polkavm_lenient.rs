//! PolkaVM programs that other rules than those of version 1 admit: linked for `jamv1`, or checked
//! leniently. They run identically on every lane.

use std::fs;

use fusee_conformance::{Ending, Lane, Verdict, agreed, polkavm_lanes, process_lanes};
use fusee_engine::{Gas, Rate, Trap, Value};
use fusee_instrument::{
    InstructionSets, Limits, PolkaVmChecks, PolkaVmRules, Rule, Rules, Schedule, byte_names,
};
use polkavm_common::{
    program::{Instruction, InstructionSetKind, Reg, asm},
    writer::ProgramBlobBuilder,
};

use crate::contract::{Contract, contract_rules};

/// Both instruction sets, at a unit of gas for a unit of the cost model.
fn both_sets(checks: PolkaVmChecks) -> Rules {
    let limits = Limits {
        imports: 1_024,
        memory_pages: 65_536,
        ..Limits::v1()
    };
    let syscalls = contract_rules().syscalls().to_vec();
    Rules::named("lenient", Schedule::v1(), limits, syscalls).with_polkavm(PolkaVmRules {
        version: 9,
        rate: Rate::ONE,
        code_instruction: 0,
        code_block: 0,
        instruction_sets: InstructionSets::ReviveV1AndJamV1,
        checks,
    })
}

fn hostile(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/polkavm");
    fs::read(format!("{folder}/hostile_{name}.polkavm")).unwrap()
}

fn linked(set: InstructionSetKind, code: &[Instruction]) -> Vec<u8> {
    let mut program = ProgramBlobBuilder::new(set);
    program.set_rw_data_size(4_096);
    program.set_code(code, &[]);
    program.add_export_by_basic_block(0, b"run");
    program.into_vec().unwrap()
}

/// What an export does on every lane.
fn run(bytes: &[u8], rules: &Rules, entry: &str, gas: u64) -> Verdict {
    let observe = |lane: &Lane| {
        let prepared = lane.executor.prepare(bytes, rules).unwrap();
        let args = [Value::I64(0x0102_0304_0506_0708)];
        let request = lane.request(entry, &args, Gas::new(gas));
        let ran = lane.executor.run(&prepared, request, Contract::default());
        Verdict::of(ran.unwrap())
    };
    let verdict = agreed(&polkavm_lanes(), observe);
    assert_eq!(agreed(&process_lanes(), observe), verdict, "in a process");
    verdict
}

/// Instructions whose numbers are others in `jamv1`, in a loop of some rounds.
fn bits() -> Vec<Instruction> {
    vec![
        asm::load_imm(Reg::S0, 40),
        asm::fallthrough(),
        asm::count_set_bits_64(Reg::A1, Reg::A0),
        asm::count_leading_zero_bits_64(Reg::A2, Reg::A0),
        asm::reverse_byte(Reg::A0, Reg::A0),
        asm::add_64(Reg::A0, Reg::A0, Reg::A1),
        asm::add_64(Reg::A0, Reg::A0, Reg::A2),
        asm::sign_extend_16(Reg::A3, Reg::A0),
        asm::xor(Reg::A0, Reg::A0, Reg::A3),
        asm::add_imm_64(Reg::S0, Reg::S0, -1),
        asm::branch_not_eq_imm(Reg::S0, 0, 2),
        asm::ret(),
    ]
}

#[test]
fn a_program_for_jamv1_runs_where_the_rules_admit_it() {
    let [revive, jam] =
        [InstructionSetKind::ReviveV1, InstructionSetKind::JamV1].map(|set| linked(set, &bits()));
    let refused = fusee_instrument::prepare(&jam, &contract_rules_with_polkavm());
    let refusal = refused.unwrap_err();
    assert_eq!(refusal.rule, Rule::InstructionSet);
    assert!(refusal.message.ends_with("link the program for `revivev1`"));
    for checks in [PolkaVmChecks::Strict, PolkaVmChecks::Lenient] {
        let rules = both_sets(checks);
        let whole = run(&jam, &rules, "run", 1_000_000);
        assert!(matches!(whole.ending, Ending::Finished(_)), "{whole:?}");
        // The sets differ in the numbers of instructions, not in what these do and cost.
        assert_eq!(run(&revive, &rules, "run", 1_000_000), whole);
        for gas in [whole.gas_used - 1, whole.gas_used / 2, 1] {
            let short = run(&jam, &rules, "run", gas);
            assert_eq!(short.ending, Ending::OutOfGas);
        }
        assert_eq!(run(&jam, &rules, "run", whole.gas_used), whole);
    }
}

fn contract_rules_with_polkavm() -> Rules {
    contract_rules().with_polkavm(PolkaVmRules::v1())
}

#[test]
fn a_hint_that_only_jamv1_has_changes_gas_alone() {
    let rules = both_sets(PolkaVmChecks::Strict);
    let hinted = |hint: &[Instruction]| {
        let mut code = vec![asm::load_imm(Reg::A0, 1)];
        code.extend(hint);
        code.extend([asm::branch_eq_imm(Reg::A0, 2, 2), asm::ret(), asm::trap()]);
        // Blocks count from 0: the return is the second, the trap the third.
        run(
            &linked(InstructionSetKind::JamV1, &code),
            &rules,
            "run",
            1_000_000,
        )
    };
    let (plain, with_hint) = (hinted(&[]), hinted(&[asm::unlikely()]));
    assert_eq!(plain.ending, Ending::Finished(vec![Value::I64(1)]));
    assert_eq!(with_hint.ending, plain.ending);
    assert_ne!(with_hint.gas_used, plain.gas_used);
}

#[test]
fn sets_that_change_with_the_library_are_never_admitted() {
    let rules = both_sets(PolkaVmChecks::Lenient);
    for set in [InstructionSetKind::Latest32, InstructionSetKind::Latest64] {
        let program = linked(set, &[asm::load_imm(Reg::A0, 1), asm::ret()]);
        let refusal = fusee_instrument::prepare(&program, &rules).unwrap_err();
        assert_eq!(refusal.rule, Rule::InstructionSet, "{set:?}");
        let message = "link the program for `revivev1` or `jamv1`";
        assert!(refusal.message.ends_with(message), "{refusal}");
    }
}

#[test]
fn lenient_checks_admit_any_names_and_what_traps_when_it_is_reached() {
    let (strict, lenient) = (
        both_sets(PolkaVmChecks::Strict),
        both_sets(PolkaVmChecks::Lenient),
    );
    let not_text = byte_names::escape(b"\xff\xfe").into_owned();
    let unreachable = Ending::Trapped(Trap::Unreachable);
    for (name, entry, ending) in [
        ("export_no_text", not_text.as_str(), finished(1)),
        ("export_twice", "run", finished(1)),
        ("no_end", "run", unreachable.clone()),
        ("sbrk", "run", unreachable),
    ] {
        let bytes = hostile(name);
        assert!(
            fusee_instrument::prepare(&bytes, &strict).is_err(),
            "{name}"
        );
        assert_eq!(
            run(&bytes, &lenient, entry, 10_000).ending,
            ending,
            "{name}"
        );
    }
    // Refused by both: nobody can tell what the call of an import that does not exist means, and
    // gas is charged where a block begins.
    for (name, rule) in [
        ("call_of_nothing", Rule::UnknownImport),
        ("export_inside", Rule::Valid),
        ("huge_in_all", Rule::Valid),
    ] {
        let refusal = fusee_instrument::prepare(&hostile(name), &lenient).unwrap_err();
        assert_eq!(refusal.rule, rule, "{name}: {refusal}");
    }
}

fn finished(result: i64) -> Ending {
    Ending::Finished(vec![Value::I64(result)])
}

#[test]
fn of_several_exports_of_a_name_the_last_counts() {
    let mut program = ProgramBlobBuilder::new(InstructionSetKind::JamV1);
    let block = |result| [asm::load_imm(Reg::A0, result), asm::ret()];
    program.set_code(&[block(1), block(2), block(3)].concat(), &[]);
    for (at, name) in [(0, b"a"), (1, b"a"), (2, b"b"), (0, b"b")] {
        program.add_export_by_basic_block(at, name);
    }
    let bytes = program.into_vec().unwrap();
    let rules = both_sets(PolkaVmChecks::Lenient);
    // The writer may sort exports, so what is last is read from the program.
    let blob = polkavm_common::program::ProgramBlob::parse(bytes.as_slice().into()).unwrap();
    let mut starts: Vec<u32> = blob.exports().map(|at| at.program_counter().0).collect();
    starts.sort_unstable();
    starts.dedup();
    assert_eq!(starts.len(), 3);
    for name in ["a", "b"] {
        let exports = blob
            .exports()
            .filter(|at| at.symbol().as_bytes() == name.as_bytes());
        let last = exports.last().unwrap().program_counter().0;
        let result = starts.iter().position(|start| *start == last).unwrap() + 1;
        let expected = finished(result.try_into().unwrap());
        assert_eq!(run(&bytes, &rules, name, 10_000).ending, expected, "{name}");
    }
}

#[test]
fn code_may_be_empty_and_an_export_may_stand_at_its_end() {
    let rules = both_sets(PolkaVmChecks::Lenient);
    let empty = fusee_instrument::prepare(&hostile("no_code"), &rules).unwrap();
    assert!(empty.exports.is_empty());
    for set in [InstructionSetKind::ReviveV1, InstructionSetKind::JamV1] {
        let mut program = ProgramBlobBuilder::new(set);
        program.set_code(&[asm::load_imm(Reg::A0, 1), asm::ret()], &[]);
        program.add_export_by_instruction(1, b"run");
        let mut bytes = program.into_vec().unwrap();
        // The writer sets no export there: its offset stands before the length of its name.
        let blob = polkavm_common::program::ProgramBlob::parse(bytes.as_slice().into()).unwrap();
        let at = u8::try_from(blob.exports().next().unwrap().program_counter().0).unwrap();
        let end = u8::try_from(blob.code().len()).unwrap();
        let export = [at, 3, b'r', b'u', b'n'];
        let found = bytes.windows(5).position(|window| window == export);
        bytes[found.unwrap()] = end;
        let ran = run(&bytes, &rules, "run", 1_000_000);
        assert_eq!(ran.ending, Ending::Trapped(Trap::Unreachable));
        assert_eq!(run(&bytes, &rules, "run", ran.gas_used).ending, ran.ending);
        let short = run(&bytes, &rules, "run", ran.gas_used - 1);
        assert_eq!(short.ending, Ending::OutOfGas);
    }
}
