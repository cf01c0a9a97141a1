//! Syscalls of 0 to 16 parameters of all numeric types: every lane passes the same bits.

use fusee_conformance::{agreed, lanes};
use fusee_engine::{Gas, Host, MAX_SYSCALL_ARGS, Stop, Syscall, Value, ValueType};
use fusee_executor::{Caller, Linker, Outcome};
use fusee_instrument::{Floats, PolkaVmRules, Rule, Rules, SyscallPrice, SyscallRule};

const GAS: Gas = Gas::new(10_000_000);

const TYPES: [ValueType; 4] = [
    ValueType::I32,
    ValueType::I64,
    ValueType::F32,
    ValueType::F64,
];

/// The type and the bits of the parameter at a position, of which some are NaNs, infinities and
/// zeros with a sign.
fn param(signature: usize, position: usize) -> (ValueType, u64) {
    let value_type = TYPES[(signature + position) % TYPES.len()];
    let pattern = [
        0x8000_0001_8000_0001,
        0x7ff0_0000_7f80_0000,
        0xfff8_0000_ffc0_0000,
        0x8000_0000_8000_0000,
        u64::MAX,
        0x3ff8_0000_3fc0_0000,
    ][(signature * 7 + position * 5) % 6];
    let bits = match value_type {
        ValueType::I32 | ValueType::F32 => pattern & u64::from(u32::MAX),
        ValueType::I64 | ValueType::F64 => pattern,
    };
    (value_type, bits)
}

/// An expression with these bits.
fn constant(value_type: ValueType, bits: u64) -> String {
    let (low, whole) = (bits & u64::from(u32::MAX), bits);
    match value_type {
        ValueType::I32 => format!("(i32.const {low:#x})"),
        ValueType::I64 => format!("(i64.const {whole:#x})"),
        ValueType::F32 => format!("(f32.reinterpret_i32 (i32.const {low:#x}))"),
        ValueType::F64 => format!("(f64.reinterpret_i64 (i64.const {whole:#x}))"),
    }
}

/// What the host answers, whose bits are those of a NaN with a payload where it is a number.
const REPLY: u64 = 0x7ff4_0000_7fa0_0001;

fn value(value_type: ValueType, bits: u64) -> Value {
    let low = u32::try_from(bits & u64::from(u32::MAX)).unwrap();
    match value_type {
        ValueType::I32 => Value::I32(low.cast_signed()),
        ValueType::I64 => Value::I64(bits.cast_signed()),
        ValueType::F32 => Value::F32(low),
        ValueType::F64 => Value::F64(bits),
    }
}

fn rule(signature: usize, params: usize, may_suspend: bool) -> SyscallRule {
    SyscallRule {
        module: "env".to_owned(),
        name: "f".to_owned(),
        number: 5,
        params: (0..params).map(|at| param(signature, at).0).collect(),
        result: (signature < TYPES.len()).then(|| TYPES[signature]),
        may_suspend,
        price: SyscallPrice::FREE,
    }
}

fn guest(signature: usize, rule: &SyscallRule) -> Vec<u8> {
    let params: Vec<_> = rule.params.iter().map(ToString::to_string).collect();
    let args: Vec<_> = (0..params.len())
        .map(|at| param(signature, at))
        .map(|(value_type, bits)| constant(value_type, bits))
        .collect();
    let result = rule.result.map(|result| format!("(result {result})"));
    let result = result.unwrap_or_default();
    let (params, args) = (params.join(" "), args.join(" "));
    wat::parse_str(format!(
        r#"(module
          (import "env" "f" (func $f (param {params}) {result}))
          (func (export "go") {result} (call $f {args})))"#
    ))
    .unwrap()
}

/// Notes what it is asked, and answers at once or suspends.
struct Notes {
    suspends: bool,
    asked: Vec<(u32, Vec<u64>)>,
}

impl Host for Notes {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let args = (0..MAX_SYSCALL_ARGS).map(|at| call.arg(at));
        let args: Vec<u64> = args.collect();
        assert_eq!(call.request.args[..], args[..6]);
        assert_eq!(call.arg(MAX_SYSCALL_ARGS), 0);
        self.asked.push((call.request.number, args));
        match self.suspends {
            true => Err(Stop::Suspend),
            false => Ok(REPLY),
        }
    }
}

#[test]
fn sixteen_parameters_of_any_type_arrive_on_every_lane() {
    let lanes = lanes();
    for params in 0..=MAX_SYSCALL_ARGS {
        for signature in 0..=TYPES.len() {
            for (may_suspend, suspends) in [(false, false), (true, false), (true, true)] {
                let rule = rule(signature, params, may_suspend);
                let wasm = guest(signature, &rule);
                let rules = Rules::v1(vec![rule.clone()]).with_floats(Floats::Canonical);
                let (values, _, asked) = agreed(&lanes, |lane| {
                    let program = lane.executor.prepare(&wasm, &rules).unwrap();
                    let host = Notes {
                        suspends,
                        asked: Vec::new(),
                    };
                    let request = lane.request("go", &[], GAS);
                    let mut outcome = lane.executor.run(&program, request, host).unwrap();
                    if let Outcome::Syscall(suspended) = outcome {
                        assert!(suspends);
                        let args = (0..MAX_SYSCALL_ARGS).map(|at| suspended.arg(at));
                        let args = (suspended.request().number, args.collect());
                        assert_eq!(args, suspended.host().asked[0]);
                        outcome = suspended.resume(REPLY).unwrap();
                    }
                    let values = outcome.values().to_vec();
                    (values, outcome.gas_used(), outcome.into_host().asked)
                });
                let result = rule.result.map(|result| value(result, REPLY));
                assert_eq!(values, Vec::from_iter(result), "{rule}");
                let mut args = [0; MAX_SYSCALL_ARGS];
                for (at, arg) in args.iter_mut().enumerate().take(params) {
                    *arg = param(signature, at).1;
                }
                assert_eq!(asked, [(5, args.to_vec())], "{rule}");
            }
        }
    }
}

#[test]
fn a_syscall_of_more_parameters_than_engines_pass_is_refused() {
    let params = MAX_SYSCALL_ARGS + 1;
    let rule = rule(0, params, false);
    let wasm = guest(0, &rule);
    let rules = Rules::v1(vec![rule]).with_floats(Floats::Canonical);
    for lane in lanes() {
        let refused = lane.executor.prepare(&wasm, &rules).unwrap_err();
        let message = refused.to_string();
        assert!(message.contains("at most 16 parameters"), "{message}");
    }
}

#[test]
fn a_polkavm_program_names_the_syscall_that_has_too_many_parameters() {
    let counter = include_bytes!("../../../../guests/polkavm/counter.polkavm");
    let names = [
        "storage_read",
        "storage_write",
        "event_emit",
        "output_write",
        "input_read",
        "revert",
    ];
    let rules = |params: usize| {
        let rule = |(number, name): (u32, &str)| SyscallRule {
            name: name.to_owned(),
            number,
            params: vec![ValueType::I64; params],
            ..rule(0, 0, false)
        };
        Rules::v1((0..).zip(names).map(rule).collect()).with_polkavm(PolkaVmRules::v1())
    };
    fusee_instrument::prepare(counter, &rules(6)).unwrap();
    let refusal = fusee_instrument::prepare(counter, &rules(7)).unwrap_err();
    assert_eq!(refusal.rule, Rule::ImportSignature);
    let message = refusal.to_string();
    assert!(
        message.contains("takes 7 arguments") && message.contains("at most 6"),
        "{message}"
    );
}

#[test]
fn a_linked_function_takes_sixteen_numbers() {
    let mut linker = Linker::<Vec<u64>>::new();
    linker
        .func(
            "env",
            "f",
            SyscallPrice::FREE,
            |caller: &mut Caller<'_, '_, Vec<u64>>,
             a: f32,
             b: f64,
             c: i32,
             d: u32,
             e: i64,
             f: u64,
             g: f32,
             h: f64,
             i: i32,
             j: u32,
             k: i64,
             l: u64,
             m: f32,
             n: f64,
             o: i32,
             p: u32| {
                let floats = f64::from(a) + b + f64::from(g) + h + f64::from(m) + n;
                let narrow = i64::from(c) + i64::from(d) + i64::from(i) + i64::from(j);
                let wide = e + k + i64::from(o) + i64::from(p);
                caller
                    .data_mut()
                    .extend([f, l, narrow.cast_unsigned(), wide.cast_unsigned()]);
                floats
            },
        )
        .unwrap();
    let rules = Rules::v1(linker.syscalls()).with_floats(Floats::Canonical);
    let wasm = wat::parse_str(
        r#"(module
          (import "env" "f" (func $f (param f32 f64 i32 i32 i64 i64 f32 f64 i32 i32 i64 i64 f32 f64 i32 i32) (result f64)))
          (func (export "go") (result f64)
            (call $f (f32.const 0.5) (f64.const 1) (i32.const -3) (i32.const 4) (i64.const -5) (i64.const 6)
              (f32.const 2) (f64.const 4) (i32.const -9) (i32.const 10) (i64.const -11) (i64.const 12)
              (f32.const 8) (f64.const 16) (i32.const -15) (i32.const 16))))"#,
    )
    .unwrap();
    let found = agreed(&lanes(), |lane| {
        let program = lane.executor.prepare(&wasm, &rules).unwrap();
        let host = linker.host(Vec::new());
        let request = lane.request("go", &[], GAS);
        let outcome = lane.executor.run(&program, request, host).unwrap();
        let values = outcome.values().to_vec();
        (values, outcome.into_host().into_data())
    });
    let seen = [6, 12, 2, (-15_i64).cast_unsigned()].to_vec();
    assert_eq!(found, (vec![Value::from(31.5)], seen));
}
