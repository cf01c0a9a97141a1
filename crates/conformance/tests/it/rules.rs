//! Sets of rules: their ids, and which properties their encoding covers.

use expect_test::expect_file;
use fusee_conformance::round;
use fusee_engine::{Rate, RulesId, ValueType};
use fusee_instrument::{
    Extensions, Floats, InstructionSets, LengthUnit, Limits, PolkaVmChecks, PolkaVmRules, Rules,
    Schedule, SyscallPrice, SyscallRule,
};

fn syscall() -> SyscallRule {
    SyscallRule {
        module: "m".to_owned(),
        name: "f".to_owned(),
        number: 7,
        params: vec![ValueType::I32],
        result: Some(ValueType::I64),
        may_suspend: false,
        price: SyscallPrice::bytes(100, 2),
    }
}

/// The rules that the others differ from.
fn rules() -> Rules {
    Rules::v1(vec![syscall()]).with_polkavm(PolkaVmRules::v1())
}

#[test]
fn published_rules_are_golden() {
    let rules = Rules::v1(Vec::new());
    expect_file!["golden/rules_program-1.txt"].assert_eq(&rules.to_string());
    let rules = rules.with_polkavm(PolkaVmRules::v1());
    expect_file!["golden/rules_program-1-polkavm.txt"].assert_eq(&rules.to_string());
}

/// All bytes of one encoding, so that a change of the order of fields is seen where no id tells
/// why.
#[test]
fn the_encoding_is_golden() {
    let bytes = rules().with_floats(Floats::Canonical).encode();
    let mut text = String::new();
    for line in bytes.chunks(32) {
        let line: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
        text.push_str(&format!("{line}\n"));
    }
    expect_file!["golden/rules_encoding.txt"].assert_eq(&text);
}

#[test]
fn an_id_is_the_digest_of_the_encoding() {
    for rules in [
        rules(),
        rules().with_extensions(Extensions {
            table_grow: false,
            ..Extensions::ALL
        }),
        rules().with_extensions(Extensions {
            wide_arithmetic: false,
            ..Extensions::ALL
        }),
        rules().with_extensions(Extensions {
            table_grow: false,
            wide_arithmetic: false,
            ..Extensions::ALL
        }),
        rules().with_syscalls(Vec::new()),
        rules().profiled(),
    ] {
        assert_eq!(rules.id(), RulesId::of(&rules.encode()));
    }
}

#[test]
fn how_rules_are_built_does_not_matter() {
    let built = Rules::named("mine", Schedule::v1(), Limits::v1(), Vec::new())
        .with_floats(Floats::Canonical)
        .with_polkavm(PolkaVmRules::v1())
        .with_name("program-1")
        .with_syscalls(vec![syscall()]);
    assert_eq!(built, rules().with_floats(Floats::Canonical));
}

#[test]
fn everything_in_the_rules_is_in_their_encoding() {
    let with_syscall = |change: &dyn Fn(&mut SyscallRule)| {
        let mut changed = syscall();
        change(&mut changed);
        Rules::v1(vec![changed]).with_polkavm(PolkaVmRules::v1())
    };
    let with_polkavm = |change: &dyn Fn(&mut PolkaVmRules)| {
        let mut changed = PolkaVmRules::v1();
        change(&mut changed);
        rules().with_polkavm(changed)
    };
    let with_schedule = |change: &dyn Fn(&mut Schedule)| {
        let mut changed = Schedule::v1();
        change(&mut changed);
        Rules::named("program-1", changed, Limits::v1(), vec![syscall()])
            .with_polkavm(PolkaVmRules::v1())
    };
    let mut all = vec![
        rules(),
        rules().with_name("another"),
        rules().with_floats(Floats::Canonical),
        rules().with_extensions(Extensions::ALL),
        rules().with_extensions(Extensions {
            tail_calls: false,
            ..Extensions::ALL
        }),
        rules().with_extensions(Extensions {
            extended_constants: false,
            ..Extensions::ALL
        }),
        rules().with_syscalls(Vec::new()),
        rules().with_syscalls(vec![syscall(), syscall()]),
        Rules::v1(vec![syscall()]),
        with_polkavm(&|polkavm| polkavm.version += 1),
        with_polkavm(&|polkavm| polkavm.rate = Rate::ONE),
        with_polkavm(&|polkavm| polkavm.code_instruction += 1),
        with_polkavm(&|polkavm| polkavm.code_block += 1),
        with_polkavm(&|polkavm| polkavm.instruction_sets = InstructionSets::ReviveV1AndJamV1),
        with_polkavm(&|polkavm| polkavm.checks = PolkaVmChecks::Lenient),
        with_schedule(&|schedule| *schedule = round::schedule()),
        with_schedule(&|schedule| schedule.version += 1),
        with_schedule(&|schedule| schedule.dynamic.grow_page += 1),
        with_schedule(&|schedule| schedule.dynamic.bulk_64_bytes += 1),
        with_schedule(&|schedule| schedule.dynamic.table_element += 1),
        with_schedule(&|schedule| *schedule = Schedule::v2()),
        with_schedule(&|schedule| {
            *schedule = Schedule::v2();
            schedule.dynamic.grow_element += 1;
        }),
        with_schedule(&|schedule| schedule.instance.base += 1),
        with_schedule(&|schedule| schedule.instance.page += 1),
        with_schedule(&|schedule| schedule.instance.data_64_bytes += 1),
        with_schedule(&|schedule| schedule.instance.table_element += 1),
        with_schedule(&|schedule| schedule.frame.base += 1),
        with_schedule(&|schedule| schedule.frame.slot += 1),
        with_schedule(&|schedule| schedule.frame.eight_operators += 1),
        with_syscall(&|rule| rule.module = "n".to_owned()),
        with_syscall(&|rule| rule.name = "g".to_owned()),
        with_syscall(&|rule| rule.number += 1),
        with_syscall(&|rule| rule.params.push(ValueType::I32)),
        with_syscall(&|rule| rule.params = vec![ValueType::I64]),
        with_syscall(&|rule| rule.result = Some(ValueType::I32)),
        with_syscall(&|rule| rule.result = None),
        with_syscall(&|rule| rule.may_suspend = true),
        with_syscall(&|rule| rule.price = SyscallPrice::bytes(101, 2)),
        with_syscall(&|rule| rule.price = SyscallPrice::bytes(100, 3)),
        with_syscall(&|rule| rule.price.unit = LengthUnit::Word),
        with_syscall(&|rule| rule.price = rule.price.with_square(1)),
    ];
    let limits = Limits::v1();
    for change in LIMITS {
        let mut limits = limits;
        *change(&mut limits) += 1;
        all.push(
            Rules::named("program-1", Schedule::v1(), limits, vec![syscall()])
                .with_polkavm(PolkaVmRules::v1()),
        );
    }
    assert_eq!(LIMITS.len(), limits.iter().count());
    let count = all.len();
    let mut ids: Vec<_> = all.iter().map(Rules::id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "two of them have one id");
}

const LIMITS: [fn(&mut Limits) -> &mut u64; 25] = [
    |limits| &mut limits.program_bytes,
    |limits| &mut limits.code_bytes,
    |limits| &mut limits.output_bytes,
    |limits| &mut limits.function_bytes,
    |limits| &mut limits.types,
    |limits| &mut limits.functions,
    |limits| &mut limits.imports,
    |limits| &mut limits.exports,
    |limits| &mut limits.params,
    |limits| &mut limits.results,
    |limits| &mut limits.locals,
    |limits| &mut limits.nesting,
    |limits| &mut limits.br_table_targets,
    |limits| &mut limits.globals,
    |limits| &mut limits.tables,
    |limits| &mut limits.table_elements,
    |limits| &mut limits.element_segments,
    |limits| &mut limits.segment_elements,
    |limits| &mut limits.data_segments,
    |limits| &mut limits.data_bytes,
    |limits| &mut limits.memory_pages,
    |limits| &mut limits.function_work,
    |limits| &mut limits.program_work,
    |limits| &mut limits.frame_bytes,
    |limits| &mut limits.stack_bytes,
];
