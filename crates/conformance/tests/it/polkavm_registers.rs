//! The register convention of PolkaVM's syscalls: an `i32` argument is the low half of a register,
//! and an `i32` result is sign-extended.

use std::sync::Arc;

use fusee_conformance::{Lane, agreed, polkavm_lanes};
use fusee_engine::{EngineError, Gas, Host, Stop, Syscall, SyscallRequest, Value, ValueType};
use fusee_executor::{Outcome, PreparedProgram, RunError};
use fusee_instrument::{PolkaVmRules, Rules, SyscallPrice, SyscallRule};
use polkavm_common::program::{Instruction, InstructionSetKind, Reg, asm};

use crate::polkavm::importing;

const GAS: Gas = Gas::new(20_000_000);
const NUMBER: u32 = 7;

/// Answers with a value, or suspends the guest.
#[derive(Debug)]
struct Answers {
    answer: Option<u64>,
    asked: Option<SyscallRequest>,
}

impl Host for Answers {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        self.asked = Some(*call.request);
        self.answer.ok_or(Stop::Suspend)
    }
}

/// Rules with one function to import, `ask`.
fn rules(params: &[ValueType], result: Option<ValueType>, may_suspend: bool) -> Rules {
    let ask = SyscallRule {
        module: "env".to_owned(),
        name: "ask".to_owned(),
        number: NUMBER,
        params: params.to_vec(),
        result,
        may_suspend,
        price: SyscallPrice::FREE,
    };
    Rules::v1(vec![ask]).with_polkavm(PolkaVmRules::v1())
}

fn prepare(lane: &Lane, rules: &Rules, code: &[Instruction]) -> Arc<PreparedProgram> {
    let program = importing(InstructionSetKind::ReviveV1, &["ask"], code);
    lane.executor.prepare(&program, rules).unwrap()
}

/// Asks once, and returns what it was answered: what the host saw, and what was returned.
fn ask(
    lane: &Lane,
    rules: &Rules,
    code: &[Instruction],
    answer: u64,
    parks: bool,
) -> (SyscallRequest, Value) {
    let prepared = prepare(lane, rules, code);
    let host = Answers {
        answer: (!parks).then_some(answer),
        asked: None,
    };
    let request = lane.request("run", &[], GAS);
    let mut outcome = lane.executor.run(&prepared, request, host).unwrap();
    let mut seen = None;
    if let Outcome::Syscall(suspended) = outcome {
        assert!(parks);
        seen = Some(suspended.request());
        outcome = suspended.resume(answer).unwrap();
    }
    let Outcome::Finished(finished) = outcome else {
        panic!("{outcome:?}");
    };
    let [returned] = *finished.values() else {
        panic!("one value");
    };
    let host = finished.into_host();
    if let Some(seen) = seen {
        assert_eq!(host.asked, Some(seen));
    }
    (host.asked.unwrap(), returned)
}

/// The same for inline answers and for suspended guests, on every lane.
fn asked(rules: &Rules, code: &[Instruction], answer: u64) -> (SyscallRequest, Value) {
    let lanes = polkavm_lanes();
    let [inline, parked] =
        [false, true].map(|parks| agreed(&lanes, |lane| ask(lane, rules, code, answer, parks)));
    assert_eq!(inline, parked);
    inline
}

#[test]
fn dirty_high_halves_of_an_i32_do_not_reach_the_host() {
    use ValueType::{I32, I64};
    let dirty = |register, low: u64| asm::load_imm64(register, 0xdead_beef_0000_0000 | low);
    let code = [
        dirty(Reg::A0, 0x8000_0001),
        dirty(Reg::A1, 2),
        dirty(Reg::A2, 3),
        dirty(Reg::A3, 0xffff_ffff),
        // These it does not take.
        dirty(Reg::A4, 5),
        dirty(Reg::A5, 6),
        asm::ecalli(0),
        asm::ret(),
    ];
    let rules = rules(&[I32, I32, I64, I32], Some(I64), true);
    let (request, _) = asked(&rules, &code, 0);
    assert_eq!(request.number, NUMBER);
    let whole = 0xdead_beef_0000_0003;
    assert_eq!(request.args, [0x8000_0001, 2, whole, 0xffff_ffff, 0, 0]);
}

#[test]
fn an_i32_result_fills_its_register_with_its_sign() {
    let code = [
        asm::load_imm64(Reg::A0, 0x1234_5678_9abc_def0),
        asm::ecalli(0),
        asm::ret(),
    ];
    let result = |result, answer| asked(&rules(&[], result, true), &code, answer).1;
    for (answer, filled) in [
        (0, 0),
        (0x7fff_ffff, 0x7fff_ffff),
        (0x8000_0000, -0x8000_0000),
        (0xffff_ffff, -1),
        // The high half of the host's result is ignored.
        (0x1_0000_0005, 5),
        (0xffff_ffff_0000_0005, 5),
        (0x7fff_ffff_8000_0000, -0x8000_0000),
    ] {
        let returned = result(Some(ValueType::I32), answer);
        assert_eq!(returned, Value::I64(filled), "{answer:#x}");
    }
    let whole = 0x7fff_ffff_8000_0000;
    assert_eq!(
        result(Some(ValueType::I64), whole),
        Value::I64(0x7fff_ffff_8000_0000)
    );
    // Without a result, nothing of the host's and nothing of the guest's.
    assert_eq!(result(None, whole), Value::I64(0));
}

#[test]
fn a_host_that_suspends_where_it_may_not_is_an_error_of_the_host() {
    let code = [asm::ecalli(0), asm::ret()];
    let rules = rules(&[], Some(ValueType::I64), false);
    for lane in polkavm_lanes() {
        let prepared = prepare(&lane, &rules, &code);
        let run = |answer| {
            let host = Answers {
                answer,
                asked: None,
            };
            let request = lane.request("run", &[], GAS);
            lane.executor.run(&prepared, request, host)
        };
        let refused = run(None);
        let RunError::Engine(EngineError::CannotSuspend { number }) = refused.unwrap_err() else {
            panic!("{}", lane.name);
        };
        assert_eq!(number, NUMBER);
        assert!(matches!(run(Some(3)), Ok(Outcome::Finished(_))));
    }
}
