//! `run`: runs a function of a program on every engine, and compares the results.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use fusee::chain::ContractRules;
use fusee::sandbox::{
    EndReason, Executor, Export, Format, Gas, MAX_REGISTER_ARGS, Outcome, Program, Rule, Rules,
    RunRequest, Trap, Value, ValueType,
};
use serde::Serialize;

use crate::{
    args::RunArgs,
    engines::{self, On},
    failure::{Exit, Failure},
    names,
    numbers::{grouped, parse_value},
    output::{self, Output},
    program,
    table::table,
};

/// The call: resolved flags.
struct Entry<'a> {
    wasm: &'a [u8],
    rules: &'a Rules,
    name: &'a str,
    args: &'a [Value],
    gas: Gas,
}

/// The result on one engine.
#[derive(Debug)]
struct Answer {
    ending: Ending,
    gas_used: Gas,
    prepare: Duration,
    run: Duration,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Finished(Vec<Value>),
    Trapped(Trap),
    OutOfGas,
}

/// The same as JSON.
#[derive(Serialize)]
struct AnswerJson {
    engine: &'static str,
    outcome: &'static str,
    gas_used: u64,
    values: Vec<ValueJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trap: Option<&'static str>,
    prepare_microseconds: u128,
    run_microseconds: u128,
}

/// Integers are numbers. Floating-point numbers are text, because JSON has no infinities and no
/// NaNs, and its readers round.
#[derive(Serialize)]
#[serde(untagged)]
enum ValueJson {
    Integer(i64),
    Float(String),
}

pub(crate) fn run(args: &RunArgs, output: &mut Output) -> Result<Exit, Failure> {
    let wasm = program::read(&args.file)?;
    let rules = Rules::v1_of_all_formats(Vec::new()).with_floats(args.floats.rule());
    let program = prepare(&args.file, &wasm, &rules)?;
    let export = find_export(&program, args.invoke.as_deref())?;
    let values = parse_args(&program, export, &args.args)?;
    let entry = Entry {
        wasm: &wasm,
        rules: &rules,
        name: &export.name,
        args: &values,
        gas: args.gas,
    };
    let executors = engines::executors(args.engine, None)?;
    let executors = engines::that_differ(executors, program.format);
    let answers: Vec<_> = executors
        .iter()
        .map(|on| {
            Ok(On {
                engine: on.engine,
                it: entry.run(&on.it)?,
            })
        })
        .collect::<Result<_, Failure>>()?;

    let listed: Vec<_> = answers.iter().map(Answer::json).collect();
    output.answer(&listed, || text(&answers))?;
    if !engines::agree(&answers, |one, other| {
        one.ending == other.ending && one.gas_used == other.gas_used
    }) {
        let failure = engines::disagreement(&answers, |answer| {
            format!("{}, {} gas used", answer.ending.shown(), answer.gas_used)
        });
        output::complain(&failure.text());
        return Ok(failure.exit());
    }
    let finished = answers
        .iter()
        .all(|answer| matches!(answer.it.ending, Ending::Finished(_)));
    Ok(if finished {
        Exit::Success
    } else {
        Exit::Unsuccessful
    })
}

fn prepare(path: &Path, wasm: &[u8], rules: &Rules) -> Result<Program, Failure> {
    match fusee::sandbox::prepare(wasm, rules) {
        Err(refusal) if refusal.rule == Rule::UnknownImport => {
            // If it is invalid as a contract as well, that reason is more specific.
            let contract = ContractRules::latest().program.with_floats(rules.floats());
            program::prepare(path, wasm, &contract)?;
            Err(Failure::refused(path.display(), refusal)
                .next("this is a contract: run it with `fusee deploy` and `fusee call`"))
        }
        Err(refusal) => Err(program::refused(path, wasm, refusal)),
        Ok(program) => Ok(program),
    }
}

/// The export with this name, or the only one.
pub(super) fn find_export<'a>(
    program: &'a Program,
    name: Option<&str>,
) -> Result<&'a Export, Failure> {
    let listed = || match &*program.exports {
        [] => "export a function, and build the program again".to_owned(),
        exports => format!(
            "the program exports {}",
            exports
                .iter()
                .map(|export| program::signature(program, export))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    match (name, &*program.exports) {
        (Some(name), exports) => program.export(name).ok_or_else(|| {
            let near = names::nearest(name, exports.iter().map(|export| export.name.as_str()));
            let near = near
                .map(|near| format!("did you mean `{near}`? If not, "))
                .unwrap_or_default();
            Failure::usage(format!("the program exports no function `{name}`"))
                .next(format!("{near}{}", listed()))
        }),
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::usage("the program exports no functions").next(listed())),
        (None, _) => Err(Failure::usage("the program exports several functions")
            .next(format!("choose one with --invoke: {}", listed()))),
    }
}

/// Parses the arguments by the signature of the export. PolkaVM programs have no signatures: their
/// arguments are 64-bit integers, limited by the number of argument registers.
pub(super) fn parse_args(
    program: &Program,
    export: &Export,
    args: &[String],
) -> Result<Vec<Value>, Failure> {
    let refuse = |reason: String| {
        Failure::usage(reason).next(format!(
            "pass the arguments of `{}` in order",
            program::signature(program, export)
        ))
    };
    if program.format == Format::PolkaVm {
        if args.len() > MAX_REGISTER_ARGS {
            let given = args.len();
            let message = format!(
                "a PolkaVM program takes up to {MAX_REGISTER_ARGS} arguments, {given} given"
            );
            return Err(refuse(message));
        }
        let values = args.iter().map(|text| parse_value(text, ValueType::I64));
        return values.collect::<Result<_, _>>().map_err(refuse);
    }
    if args.len() != export.params.len() {
        let (takes, given) = (export.params.len(), args.len());
        return Err(refuse(format!(
            "`{}` takes {takes} arguments, {given} given",
            export.name
        )));
    }
    let typed = export.params.iter().zip(args);
    typed
        .map(|(value_type, text)| parse_value(text, *value_type).map_err(refuse))
        .collect()
}

impl Entry<'_> {
    #[allow(
        clippy::disallowed_methods,
        reason = "the duration is shown only, and changes no outcome"
    )]
    fn run(&self, executor: &Executor) -> Result<Answer, Failure> {
        let start = Instant::now();
        let prepared = executor.prepare(self.wasm, self.rules)?;
        executor.compile_for(&prepared, self.gas);
        let prepare = start.elapsed();
        let start = Instant::now();
        let request = RunRequest::new(self.name, self.args, self.gas);
        let outcome = executor.run(&prepared, request, ())?;
        let run = start.elapsed();
        let (ending, gas_used) = settle(outcome);
        Ok(Answer {
            ending,
            gas_used,
            prepare,
            run,
        })
    }
}

/// The outcome of a run without syscalls, and its gas.
pub(super) fn settle(outcome: Outcome<()>) -> (Ending, Gas) {
    // The rules list no syscalls.
    let end = match outcome.into_end() {
        Ok(end) => end,
        Err(suspended) => return settle(suspended.trap(Trap::SyscallRefused)),
    };
    let ending = match end.reason {
        EndReason::Finished => Ending::Finished(end.values().to_vec()),
        EndReason::Trapped(trap) => Ending::Trapped(trap),
        EndReason::OutOfGas => Ending::OutOfGas,
    };
    (ending, end.gas_used)
}

impl On<Answer> {
    fn line(&self) -> [String; 6] {
        let Answer {
            ending,
            gas_used,
            prepare,
            run,
        } = &self.it;
        let values = match ending {
            Ending::Finished(values) => values
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
            Ending::Trapped(trap) => trap.to_string(),
            Ending::OutOfGas => String::new(),
        };
        let values = if values.is_empty() {
            "-".to_owned()
        } else {
            values
        };
        [
            self.engine.to_owned(),
            ending.name().to_owned(),
            values,
            grouped(gas_used),
            milliseconds(*prepare),
            milliseconds(*run),
        ]
    }
}

impl Answer {
    fn json(on: &On<Answer>) -> AnswerJson {
        let Answer {
            ending,
            gas_used,
            prepare,
            run,
        } = &on.it;
        let (values, trap) = match ending {
            Ending::Finished(values) => (values.iter().map(ValueJson::of).collect(), None),
            Ending::Trapped(trap) => (Vec::new(), Some(trap.name())),
            Ending::OutOfGas => (Vec::new(), None),
        };
        AnswerJson {
            engine: on.engine,
            outcome: ending.name(),
            gas_used: gas_used.units(),
            values,
            trap,
            prepare_microseconds: prepare.as_micros(),
            run_microseconds: run.as_micros(),
        }
    }
}

impl Ending {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Ending::Finished(_) => "finished",
            Ending::Trapped(_) => "trapped",
            Ending::OutOfGas => "out_of_gas",
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Ending::Finished(values) => format!("finished with {values:?}"),
            Ending::Trapped(trap) => format!("trapped: {trap}"),
            Ending::OutOfGas => "out of gas".to_owned(),
        }
    }
}

fn text(answers: &[On<Answer>]) -> String {
    let head = ["engine", "outcome", "values", "gas used", "prepare", "run"].map(str::to_owned);
    let mut rows = vec![head];
    rows.extend(answers.iter().map(On::<Answer>::line));
    table(0, &rows)
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1_000.0)
}

impl ValueJson {
    fn of(value: &Value) -> Self {
        match value {
            Value::I32(value) => ValueJson::Integer(i64::from(*value)),
            Value::I64(value) => ValueJson::Integer(*value),
            Value::F32(_) | Value::F64(_) => ValueJson::Float(value.to_string()),
        }
    }
}
