//! PolkaVM programs: outcome, gas and memory are the same on every backend, with every slice.

use std::{panic::catch_unwind, sync::Arc};

use fusee_abi as abi;
use fusee_conformance::{Ending, Lane, Verdict, agreed, lanes, polkavm_lanes, process_lanes};
use fusee_engine::{
    EngineError, Format, Gas, GuestMemory, Host, Interrupt, OutOfGasPolicy, Rate, Stop, Syscall,
    SyscallRequest, Trap, Value,
};
use fusee_executor::{
    Executor, LiveInstance, Outcome, PrepareError, PreparedProgram, RunError, RunRequest,
};
use fusee_instrument::{PolkaVmRules, Rule, Rules, SyscallRule};
use polkavm_common::{
    program::{Instruction, InstructionSetKind, Reg, asm},
    writer::ProgramBlobBuilder,
};

use crate::contract::{Contract, contract_rules};

const COMPUTE: &[u8] = include_bytes!("../../../../guests/polkavm/compute.polkavm");
const COUNTER: &[u8] = include_bytes!("../../../../guests/polkavm/counter.polkavm");
const TOKEN: &[u8] = include_bytes!("../../../../guests/polkavm/token.polkavm");
const TOKEN_IN_WASM: &[u8] = include_bytes!("../../../../guests/wasm/token.wasm");
const REGISTERS: &[u8] = include_bytes!("../../../../guests/polkavm/registers.polkavm");
const TINY: &[u8] = include_bytes!("../../../../guests/polkavm/hostile_export_no_name.polkavm");
const GAS: u64 = 20_000_000;

fn rules() -> Rules {
    contract_rules().with_polkavm(PolkaVmRules::v1())
}

fn at(gas: u32, units: u32) -> Rules {
    let rate = Rate::new(gas.try_into().unwrap(), units.try_into().unwrap());
    contract_rules().with_polkavm(PolkaVmRules {
        version: 9,
        rate,
        code_instruction: 0,
        code_block: 0,
        ..PolkaVmRules::v1()
    })
}

fn prepare(lane: &Lane, rules: &Rules) -> Arc<PreparedProgram> {
    lane.executor.prepare(COMPUTE, rules).unwrap()
}

fn values(args: &[i64]) -> Vec<Value> {
    args.iter().map(|arg| Value::I64(*arg)).collect()
}

/// Runs an export of the computing guest in a fresh instance.
fn fresh(lane: &Lane, rules: &Rules, entry: &str, args: &[i64], gas: u64) -> Outcome<()> {
    let args = values(args);
    let request = lane.request(entry, &args, Gas::new(gas));
    let prepared = prepare(lane, rules);
    lane.executor.run(&prepared, request, ()).unwrap()
}

fn run(entry: &str, args: &[i64], gas: u64) -> Verdict {
    agreed(&polkavm_lanes(), |lane| {
        Verdict::of(fresh(lane, &rules(), entry, args, gas))
    })
}

fn finished(result: i64) -> Ending {
    Ending::Finished(vec![Value::I64(result)])
}

fn memory(live: &mut LiveInstance) -> Vec<Vec<u8>> {
    let mut memory = live.memory();
    let ranges = memory.ranges().into_iter();
    ranges
        .map(|range| {
            let length = range.end - range.start;
            memory.read(range.start, length).unwrap().into_owned()
        })
        .collect()
}

#[test]
fn the_first_bytes_tell_the_format() {
    assert_eq!(Format::of(COMPUTE), Format::PolkaVm);
    assert_eq!(Format::of(b"\0asm\x01\0\0\0"), Format::Wasm);
    assert_eq!(Format::of(b"PVM"), Format::Wasm);
    assert_eq!(Format::of(b""), Format::Wasm);
}

#[test]
fn exports_compute_with_up_to_six_arguments() {
    assert_eq!(run("add", &[40, 2], GAS).ending, finished(42));
    assert_eq!(run("add", &[40], GAS).ending, finished(40));
    assert_eq!(
        run("six", &[1, 2, 3, 4, 5, 6], GAS).ending,
        finished(654_321)
    );
    assert_eq!(run("fib", &[15], GAS).ending, finished(610));
    assert_eq!(run("primes", &[1_000], GAS).ending, finished(168));
    assert_eq!(run("fixed", &[], GAS).ending, finished(7));
    for lane in polkavm_lanes() {
        for args in [&[Value::I64(0); 7][..], &[Value::I32(0)]] {
            let request = lane.request("add", args, Gas::new(GAS));
            let prepared = prepare(&lane, &rules());
            let refused = lane.executor.run(&prepared, request, ());
            assert!(matches!(refused, Err(RunError::Arguments { .. })));
        }
    }
}

#[test]
fn gas_is_the_same_for_every_limit_that_suffices() {
    let used = run("mix", &[1_000], GAS);
    assert_eq!(run("mix", &[1_000], GAS / 2), used);
    assert_eq!(run("mix", &[1_000], used.gas_used), used);
    let short = run("mix", &[1_000], used.gas_used - 1);
    assert_eq!(short.ending, Ending::OutOfGas);
    assert_eq!(short.gas_used, used.gas_used - 1);
    let more = run("mix", &[2_000], GAS).gas_used;
    assert!(more > used.gas_used + 1_000, "{more} against {used:?}");
}

#[test]
fn a_rate_is_rounded_once_whatever_the_slices() {
    let instance = |rules: &Rules| -> u64 {
        let prepared = fusee_instrument::prepare(COMPUTE, rules).unwrap();
        prepared.instantiation_gas.units()
    };
    let lanes = polkavm_lanes();
    let used = |rules: &Rules, gas| {
        agreed(&lanes, |lane| {
            Verdict::of(fresh(lane, rules, "mix", &[333], gas))
        })
    };
    let units = used(&at(1, 1), GAS).gas_used - instance(&at(1, 1));
    let priced = used(&rules(), GAS).gas_used - instance(&rules());
    assert_eq!(priced, 16 * units);
    for (gas, per) in [(1, 7), (3, 2), (5, 1), (2, 1_000)] {
        let rules = at(gas, per);
        let price = (units * u64::from(gas)).div_ceil(u64::from(per));
        let exact = price + instance(&rules);
        assert_eq!(used(&rules, GAS).gas_used, exact, "{gas} for {per}");
        assert_eq!(used(&rules, exact).ending, used(&rules, GAS).ending);
        assert_eq!(used(&rules, exact - 1).ending, Ending::OutOfGas);
    }
}

#[test]
fn an_endless_loop_runs_out_of_gas() {
    let verdict = run("forever", &[], 200_000);
    assert_eq!(verdict.ending, Ending::OutOfGas);
    assert_eq!(verdict.gas_used, 200_000);
    assert_eq!(run("deeper", &[0], GAS).ending, finished(0));
}

#[test]
fn traps_say_what_the_guest_did_and_cost_what_it_used() {
    let above = 0xffff_f000;
    for (entry, args, trap) in [
        ("fail", &[][..], Trap::Unreachable),
        ("load", &[0], Trap::MemoryOutOfBounds),
        ("load", &[above], Trap::MemoryOutOfBounds),
        ("store", &[8, 8], Trap::MemoryOutOfBounds),
        ("store", &[0x10000, 8], Trap::MemoryOutOfBounds),
        ("jump", &[0], Trap::TableOutOfBounds),
        ("jump", &[0x7fff_fffe], Trap::TableOutOfBounds),
        ("deeper", &[1], Trap::MemoryOutOfBounds),
    ] {
        let verdict = run(entry, args, GAS);
        assert_eq!(verdict.ending, Ending::Trapped(trap), "{entry} {args:?}");
        assert!(verdict.gas_used < GAS / 2, "{entry} {verdict:?}");
    }
}

#[test]
fn an_instance_keeps_its_memory_and_a_fresh_one_has_none_of_it() {
    let seen = agreed(&polkavm_lanes(), |lane| {
        let mut seen = Vec::new();
        let Outcome::Finished(first) = fresh(lane, &rules(), "keep", &[3], GAS) else {
            panic!("it adds");
        };
        assert_eq!(first.values(), [Value::I64(8)]);
        let mut live = first.into_instance().0.unwrap();
        seen.push((0, memory(&mut live)));
        let args = values(&[7]);
        let again = lane.request("keep", &args, Gas::new(GAS));
        let Outcome::Finished(second) = live.run(again, ()).unwrap() else {
            panic!("it adds again");
        };
        assert_eq!(second.values(), [Value::I64(15)]);
        let gas = second.gas_used().units();
        seen.push((gas, memory(&mut second.into_instance().0.unwrap())));
        let other = Verdict::of(fresh(lane, &rules(), "keep", &[1], GAS));
        assert_eq!(other.ending, finished(6));
        seen
    });
    assert_ne!(seen[0].1, seen[1].1);
}

#[test]
fn a_guest_that_is_parked_for_gas_goes_on_with_more() {
    let whole = run("mix", &[500], GAS);
    let parks = agreed(&polkavm_lanes(), |lane| {
        let args = values(&[500]);
        let prepared = prepare(lane, &rules());
        let first = prepared.program().instantiation_gas.units() + 10;
        let request = RunRequest {
            out_of_gas_policy: OutOfGasPolicy::Suspend,
            ..lane.request("mix", &args, Gas::new(first))
        };
        let mut outcome = lane.executor.run(&prepared, request, ()).unwrap();
        let mut parks = 0;
        while let Outcome::GasEnd(ended) = outcome {
            parks += 1;
            outcome = ended.resume_with(Gas::new(100)).unwrap();
        }
        assert_eq!(Verdict::of(outcome), whole, "{}", lane.name);
        parks
    });
    assert!(parks > 3, "{parks}");
}

#[test]
fn a_run_is_interrupted_where_its_slice_ends() {
    for lane in polkavm_lanes() {
        let interrupt = Interrupt::new();
        interrupt.trigger();
        let request = RunRequest {
            interrupt: Some(&interrupt),
            ..lane.request("forever", &[], Gas::MAX)
        };
        let prepared = prepare(&lane, &rules());
        let ended = lane.executor.run(&prepared, request, ());
        let is_interrupted = matches!(ended, Err(RunError::Engine(EngineError::Interrupted)));
        assert!(is_interrupted, "{}: {ended:?}", lane.name);
        let after = fresh(&lane, &rules(), "add", &[1, 1], GAS);
        assert_eq!(Verdict::of(after).ending, finished(2));
    }
}

/// What a guest asked, with what gas it had and what its memory was.
type Asked = (SyscallRequest, u64, Vec<u8>);

/// Answers the counter from a stored number and records the requests, or suspends the guest.
#[derive(Debug, Default)]
struct Notes {
    number: u64,
    asked: Vec<Asked>,
    parks: bool,
}

impl Notes {
    fn answer(&mut self, request: &SyscallRequest, gas: Gas, memory: &mut GuestMemory<'_>) -> u64 {
        let mut bytes = Vec::new();
        for range in memory.ranges() {
            let length = range.end - range.start;
            bytes.extend_from_slice(&memory.read(range.start, length).unwrap());
        }
        self.asked.push((*request, gas.units(), bytes));
        match request.number {
            abi::STORAGE_READ => {
                memory
                    .write(request.args[2], &self.number.to_le_bytes())
                    .unwrap();
                8
            }
            abi::STORAGE_WRITE => {
                assert_eq!(&*memory.read(request.args[0], 5).unwrap(), b"count");
                self.number = u64::from_le_bytes(memory.read_array(request.args[2]).unwrap());
                0
            }
            _ => 0,
        }
    }
}

impl Host for Notes {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        if self.parks {
            return Err(Stop::Suspend);
        }
        call.charge(Gas::new(11))?;
        let left = call.gas_left();
        Ok(self.answer(call.request, left, &mut call.memory))
    }
}

/// Runs the counter's increment, with syscalls answered inline or by resuming the guest.
fn increment(lane: &Lane, parks: bool, gas: u64) -> (Verdict, Vec<Asked>) {
    let suspending = |signature: &SyscallRule| SyscallRule {
        may_suspend: true,
        ..signature.clone()
    };
    let syscalls = contract_rules().syscalls().iter().map(suspending).collect();
    let rules = Rules::v1(syscalls).with_polkavm(PolkaVmRules::v1());
    let prepared = lane.executor.prepare(COUNTER, &rules).unwrap();
    let host = Notes {
        number: 41,
        parks,
        ..Notes::default()
    };
    let request = lane.request("increment", &[], Gas::new(gas));
    let mut outcome = lane.executor.run(&prepared, request, host).unwrap();
    let mut notes = Notes {
        number: 41,
        ..Notes::default()
    };
    while let Outcome::Syscall(mut suspended) = outcome {
        let asked = suspended.request();
        outcome = if suspended.charge(Gas::new(11)).is_err() {
            suspended.out_of_gas()
        } else {
            let left = suspended.gas_left();
            let reply = notes.answer(&asked, left, &mut suspended.memory());
            suspended.resume(reply).unwrap()
        };
    }
    let verdict = Verdict::on(&outcome);
    assert_ne!(verdict.ending, Ending::Parked);
    if !parks {
        notes = outcome.into_host();
    }
    (verdict, notes.asked)
}

#[test]
fn syscalls_have_equal_gas_and_memory_inline_and_parked() {
    let lanes = polkavm_lanes();
    let inline = agreed(&lanes, |lane| increment(lane, false, GAS));
    let parked = agreed(&lanes, |lane| increment(lane, true, GAS));
    assert_eq!(inline, parked);
    let (verdict, asked) = inline;
    assert!(matches!(verdict.ending, Ending::Finished(_)), "{verdict:?}");
    let numbers: Vec<u32> = asked.iter().map(|(request, ..)| request.number).collect();
    let (read, write) = (abi::STORAGE_READ, abi::STORAGE_WRITE);
    assert_eq!(numbers, [read, write, abi::EVENT_EMIT, abi::OUTPUT_WRITE]);
    // Lengths are 32 bits wide, and what a register has above them does not reach the host.
    assert_eq!((asked[0].0.args[1], asked[0].0.args[3]), (5, 8));

    // Wherever its gas ends, it ends alike.
    let most = verdict.gas_used;
    for gas in [0, 1, 12, 40].map(|missing| most.saturating_sub(missing)) {
        let inline = agreed(&lanes, |lane| increment(lane, false, gas));
        assert_eq!(inline, agreed(&lanes, |lane| increment(lane, true, gas)));
        assert_eq!(inline.0.ending == Ending::OutOfGas, gas < most, "{gas}");
    }
}

/// Compares the outcome of the register guest with the expected one.
fn registers(lane: &Lane) -> Vec<Verdict> {
    let absent = i64::from(abi::status::ABSENT);
    let prepared = lane.executor.prepare(REGISTERS, &rules()).unwrap();
    [
        ("absent", absent, &b""[..]),
        ("nothing", 0, b""),
        ("above", absent, b"registers"),
    ]
    .map(|(entry, result, output)| {
        let request = lane.request(entry, &[], Gas::new(GAS));
        let host = Contract::default();
        let outcome = lane.executor.run(&prepared, request, host).unwrap();
        let verdict = Verdict::on(&outcome);
        assert_eq!(verdict.ending, finished(result), "{entry} on {}", lane.name);
        let Outcome::Finished(ended) = outcome else {
            panic!("{entry}: {verdict:?}");
        };
        assert_eq!(ended.host().output, output);
        verdict
    })
    .into()
}

#[test]
fn a_syscall_reads_low_halves_and_answers_with_a_sign() {
    agreed(&polkavm_lanes(), registers);
}

#[test]
fn a_process_of_its_own_comes_to_the_same() {
    let lanes = process_lanes();
    for (entry, args, gas) in [
        ("mix", &[300][..], GAS),
        ("mix", &[300], 90_000),
        ("keep", &[7], GAS),
        ("primes", &[500], GAS),
        ("forever", &[], 150_000),
        ("fail", &[], GAS),
        ("load", &[0], GAS),
        ("store", &[8, 8], GAS),
        ("jump", &[0], GAS),
        ("deeper", &[1], GAS),
    ] {
        agreed(&lanes, |lane| {
            Verdict::of(fresh(lane, &rules(), entry, args, gas))
        });
    }
    let inline = agreed(&lanes, |lane| increment(lane, false, GAS));
    assert_eq!(inline, agreed(&lanes, |lane| increment(lane, true, GAS)));
    agreed(&lanes, |lane| token(lane, TOKEN, GAS));
    agreed(&lanes, registers);
}

#[test]
fn the_counter_counts_as_the_one_in_wasm_does() {
    agreed(&polkavm_lanes(), |lane| {
        let prepared = lane.executor.prepare(COUNTER, &rules()).unwrap();
        let mut host = Contract::default();
        let mut gas = Vec::new();
        for (entry, input) in [
            ("deploy", Vec::new()),
            ("add", 8_u64.to_le_bytes().to_vec()),
            ("increment", Vec::new()),
            ("add", vec![1, 2]),
            ("value", Vec::new()),
        ] {
            host.input = input;
            host.has_reverted = false;
            let request = lane.request(entry, &[], Gas::new(GAS));
            let outcome = lane.executor.run(&prepared, request, host).unwrap();
            let Outcome::Finished(finished) = outcome else {
                panic!("{entry}: {outcome:?}");
            };
            gas.push(finished.gas_used());
            host = finished.into_host();
            assert_eq!(host.has_reverted, gas.len() == 4);
        }
        assert_eq!(host.output, 9_u64.to_le_bytes());
        gas
    });
}

/// What the token does on one lane, call by call: how each ends, what it used, what it left.
fn token(lane: &Lane, code: &[u8], gas: u64) -> Vec<(Verdict, Option<Contract>)> {
    let prepared = lane.executor.prepare(code, &rules()).unwrap();
    let amount = |units: u64| units.to_le_bytes().to_vec();
    // The host says that the caller is this.
    let (caller, other) = (vec![0xca; 32], vec![0x0b; 32]);
    let mut host = Contract::default();
    let calls = [
        ("deploy", amount(1_000)),
        ("transfer", [other.clone(), amount(250)].concat()),
        ("transfer", [other.clone(), amount(800)].concat()),
        ("transfer", other.clone()),
        ("approve", [caller.clone(), amount(40)].concat()),
        (
            "transfer_from",
            [caller.clone(), other.clone(), amount(30)].concat(),
        ),
        (
            "transfer_from",
            [caller.clone(), other.clone(), amount(30)].concat(),
        ),
        ("allowance", [caller.clone(), caller.clone()].concat()),
        ("balance_of", other),
        ("total_supply", Vec::new()),
    ];
    let mut ends = Vec::new();
    for (entry, input) in calls {
        let before = host.clone();
        host.input = input;
        host.output.clear();
        host.has_reverted = false;
        let request = lane.request(entry, &[], Gas::new(gas));
        let run = lane.executor.run(&prepared, request, host);
        let outcome = run.unwrap();
        let verdict = Verdict::on(&outcome);
        host = before;
        let mut left = None;
        if let Outcome::Finished(finished) = outcome {
            host = finished.into_host();
            left = Some(host.clone());
        }
        ends.push((verdict, left));
    }
    ends
}

#[test]
fn a_contract_in_rust_does_as_it_does_in_wasm() {
    let whole = agreed(&polkavm_lanes(), |lane| token(lane, TOKEN, GAS));
    let left = |ends: &[(Verdict, Option<Contract>)]| -> Vec<_> {
        ends.iter()
            .map(|(_, left)| {
                let left = left.clone().unwrap();
                (left.output, left.has_reverted, left.storage)
            })
            .collect()
    };
    let wasm = agreed(&lanes(), |lane| token(lane, TOKEN_IN_WASM, GAS));
    assert_eq!(left(&whole), left(&wasm));
    let reverted: Vec<bool> = left(&whole)
        .iter()
        .map(|(_, reverted, _)| *reverted)
        .collect();
    let as_expected = [2, 3, 6].map(|at| reverted[at]);
    assert_eq!(as_expected, [true; 3]);
    assert_eq!(reverted.iter().filter(|reverted| **reverted).count(), 3);
    assert_eq!(left(&whole)[8].0, 280_u64.to_le_bytes());

    // Wherever its gas ends, it ends alike.
    let most = whole
        .iter()
        .map(|(verdict, _)| verdict.gas_used)
        .max()
        .unwrap();
    for gas in (0..8).map(|part| most / 8 * part).chain([most - 1]) {
        let ends = agreed(&polkavm_lanes(), |lane| token(lane, TOKEN, gas));
        let is_short = |(verdict, _): &(Verdict, _)| verdict.ending == Ending::OutOfGas;
        assert!(ends.iter().any(is_short), "{gas}");
    }
}

#[test]
fn an_instance_costs_its_memory_and_its_code() {
    let instance = |bytes: &[u8], rules: &Rules| {
        let program = fusee_instrument::prepare(bytes, rules).unwrap();
        (
            program.instantiation_gas.units(),
            program.maximum_memory_pages(),
        )
    };
    let prices = contract_rules().schedule().instance;
    let (free, pages) = instance(COMPUTE, &at(1, 1));
    let least = u64::from(prices.base)
        + u64::from(prices.memory)
        + u64::from(prices.far_page) * u64::from(pages);
    assert!((least..least + 100).contains(&free), "{free}");
    // Six instructions in three blocks, and the block that would begin behind them, whether or not
    // they are reached.
    let code = [
        asm::move_reg(Reg::A0, Reg::A1),
        asm::fallthrough(),
        asm::move_reg(Reg::A0, Reg::A1),
        asm::ret(),
        asm::move_reg(Reg::A0, Reg::A1),
        asm::trap(),
    ];
    let program = assembled(InstructionSetKind::ReviveV1, &code);
    let translated = instance(&program, &rules()).0 - instance(&program, &at(1, 1)).0;
    assert_eq!(translated, 6 * 125 + 4 * 250);
    // What the rules count is what the instance has, in pages that are smaller.
    let bytes = agreed(&polkavm_lanes(), |lane| {
        let Outcome::Finished(finished) = fresh(lane, &rules(), "nothing", &[], GAS) else {
            panic!("it does nothing");
        };
        finished.into_instance().0.unwrap().memory().bytes()
    });
    assert_eq!(bytes.div_ceil(65_536), u64::from(pages));
}

#[test]
fn a_stack_is_equally_large_everywhere() {
    // The bytes of the stack's size, 16,384, as the program's second section has them.
    let at = 17;
    assert_eq!(COMPUTE[at..at + 3], [0xc0, 0x00, 0x40]);
    let depths: Vec<u64> = [
        (0x4000, 0x4000),
        (0x5000, 0x8000),
        (0x8001, 0x10000),
        (0x14000, 0x20000),
    ]
    .into_iter()
    .map(|(asked, given): (u32, u64)| {
        let mut program = COMPUTE.to_vec();
        let [low, middle, high, _] = asked.to_le_bytes();
        program[at..at + 3].copy_from_slice(&[0xc0 | high, low, middle]);
        let (verdict, bytes) = agreed(&polkavm_lanes(), |lane| {
            let prepared = lane.executor.prepare(&program, &rules()).unwrap();
            let run = |entry, args: &[i64]| {
                let args = values(args);
                let request = lane.request(entry, &args, Gas::new(GAS));
                lane.executor.run(&prepared, request, ()).unwrap()
            };
            let Outcome::Finished(finished) = run("nothing", &[]) else {
                panic!("it does nothing");
            };
            let bytes = finished.into_instance().0.unwrap().memory().bytes();
            (Verdict::of(run("deeper", &[1])), bytes)
        });
        assert_eq!(verdict.ending, Ending::Trapped(Trap::MemoryOutOfBounds));
        // And a page of data.
        assert_eq!(bytes, given + 0x1000, "{asked:#x}");
        verdict.gas_used
    })
    .collect();
    assert!(depths.is_sorted_by(|less, more| less < more), "{depths:?}");
}

#[test]
fn rules_refuse_what_they_do_not_admit() {
    let refused =
        |bytes: &[u8], rules: &Rules| fusee_instrument::prepare(bytes, rules).unwrap_err();
    assert_eq!(refused(COMPUTE, &contract_rules()).rule, Rule::Format);
    let none = Rules::v1(Vec::new()).with_polkavm(PolkaVmRules::v1());
    let unknown = refused(COUNTER, &none);
    assert_eq!(unknown.rule, Rule::UnknownImport);
    for name in ["input_read", "storage_write", "revert"] {
        assert!(unknown.message.contains(&format!("`{name}`")), "{unknown}");
    }
    assert_eq!(refused(b"PVM\0", &rules()).rule, Rule::Valid);
    assert_ne!(rules().id(), contract_rules().id());
    assert_ne!(at(1, 1).id(), at(2, 1).id());
}

/// A program with 64 KiB of data and one export, `run`, which is its first block.
fn assembled(isa: InstructionSetKind, code: &[Instruction]) -> Vec<u8> {
    importing(isa, &[], code)
}

/// The same, with these imports.
pub(crate) fn importing(
    isa: InstructionSetKind,
    imports: &[&str],
    code: &[Instruction],
) -> Vec<u8> {
    let mut program = ProgramBlobBuilder::new(isa);
    program.set_rw_data_size(0x10000);
    imports
        .iter()
        .for_each(|import| program.add_import(import.as_bytes()));
    program.add_export_by_basic_block(0, b"run");
    program.set_code(code, &[]);
    program.into_vec().unwrap()
}

#[test]
fn only_the_instruction_set_that_never_changes_is_admitted() {
    use InstructionSetKind::{JamV1, Latest32, Latest64, ReviveV1};
    let prepared = |isa, code: &[Instruction]| {
        let program = assembled(isa, code);
        fusee_instrument::prepare(&program, &rules())
    };
    assert!(prepared(ReviveV1, &[asm::ret()]).is_ok());
    for isa in [JamV1, Latest32, Latest64] {
        let refused = prepared(isa, &[asm::ret()]).unwrap_err();
        assert_eq!(refused.rule, Rule::InstructionSet, "{isa:?}");
    }
    // `memset` counts a unit for each byte, so that its gas ends in the middle of a block, where
    // backends differ.
    let memset = prepared(Latest64, &[asm::memset(), asm::ret()]);
    assert_eq!(memset.unwrap_err().rule, Rule::InstructionSet);
}

#[test]
fn an_executor_runs_each_format_on_its_engine() {
    let wasm = wat::parse_str(r#"(module (func (export "add") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1))))"#).unwrap();
    let wasmi = || Arc::new(fusee_engine_wasmi::WasmiEngine::new());
    let polkavm = Arc::new(fusee_engine_polkavm::PolkaVmEngine::new().unwrap());
    let both = Executor::builder(wasmi()).engine(polkavm).build();
    for program in [&wasm, COMPUTE] {
        let prepared = both.prepare(program, &rules()).unwrap();
        let args = values(&[20, 22]);
        let request = RunRequest::new("add", &args, Gas::new(GAS));
        let outcome = both.run(&prepared, request, ()).unwrap();
        assert_eq!(Verdict::of(outcome).ending, finished(42));
    }
    let only = Executor::builder(wasmi()).build();
    assert!(matches!(
        only.prepare(COMPUTE, &rules()),
        Err(PrepareError::Engine(EngineError::NoEngine {
            format: Format::PolkaVm
        }))
    ));
}

/// Prepares damaged bytes, and runs them if they are admitted. The outcome is the same on all
/// lanes, and nothing panics.
fn survive(lanes: &[Lane], bytes: &[u8]) -> bool {
    let Ok(program) = fusee_instrument::prepare(bytes, &rules()) else {
        return false;
    };
    let entries: Vec<String> = program
        .exports
        .into_iter()
        .map(|export| export.name)
        .collect();
    agreed(lanes, |lane| {
        let prepared = lane.executor.prepare(bytes, &rules()).unwrap();
        let run = |entry: &String| {
            let args = values(&[3, 5]);
            let request = lane.request(entry, &args, Gas::new(300_000));
            let host = Contract::default();
            Verdict::of(lane.executor.run(&prepared, request, host).unwrap())
        };
        entries.iter().map(run).collect::<Vec<_>>()
    });
    true
}

#[test]
fn damaged_programs_are_refused_or_run_alike() {
    // Two lanes of each kind would be slow, and the process sandbox is no other compiler. A module
    // in the generic sandbox takes 32 GiB of addresses, so that caches with some thousands of them
    // leave none.
    let fresh = || {
        let mut lanes = polkavm_lanes();
        lanes.retain(|lane| ["interpreter", "generic sandbox"].contains(&lane.name));
        lanes
    };
    let mut lanes = fresh();
    let mut admitted = 0;
    // Every bit of the smaller ones; of a larger one those that change the most.
    let all: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7];
    for (whole, bits) in [(COMPUTE, &[0, 3, 7][..]), (COUNTER, all), (TINY, all)] {
        for length in 0..whole.len() {
            let cut = whole[..length].to_vec();
            assert!(!catch_unwind(|| survive(&[], &cut)).unwrap(), "{length}");
            // The same with a length in the program that is true: it is read until where it ends.
            let mut cut = cut;
            if let Some(told) = cut.get_mut(5..13) {
                told.copy_from_slice(&u64::try_from(length).unwrap().to_le_bytes());
            }
            assert!(!survive(&lanes, &cut), "{length}");
        }
        for at in 0..whole.len() {
            if at % 256 == 0 {
                lanes = fresh();
            }
            for bit in bits {
                let mut flipped = whole.to_vec();
                flipped[at] ^= 1 << bit;
                admitted += u32::from(survive(&lanes, &flipped));
            }
        }
    }
    assert!(admitted > 100, "{admitted}");
}
