//! Compilation in a thread of this process, or in a separate process.
//!
//! If compiling a program exceeds a limit, the program stays on the interpreter, where its gas is
//! the same. In a thread only the size of the output is limited. A separate process has limits of
//! time and memory too.

pub(crate) mod child;
pub(crate) mod command;

use std::panic::{AssertUnwindSafe, catch_unwind};

use fusee_engine::{Compiler, Effort, EngineError, Program};

use command::CompileCommand;

/// Where programs are compiled.
#[derive(Clone, Debug, Default)]
pub enum CompileIn {
    /// In a thread of this process, where nothing limits the time and memory of a compilation.
    ///
    /// The rules admit programs of a few kilobytes that take an optimising compiler a minute. So
    /// the background compiles without optimisation, and only programs whose work is small
    /// ([`CompileWork`](fusee_engine::CompileWork)), which excludes some large real ones.
    /// [`Executor::compile`](crate::Executor::compile) compiles any program that is not compiled
    /// yet, with optimisation.
    #[default]
    Thread,
    /// In a separate process for each program, with limits.
    Process(CompileCommand),
}

/// The calls that compiled code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// All of them.
    All,
    /// Those that grow their memory and compute little.
    Short,
}

/// What to compile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task<'a> {
    pub(crate) program: &'a Program,
    pub(crate) calls: Calls,
    /// Its [`work`](Compiler::work) with the compiler.
    work: u64,
}

/// Why a program was not compiled.
#[derive(Debug)]
pub(crate) struct CompileFailure {
    pub(crate) reason: String,
    /// Whether the program is the cause, so that another attempt would fail too.
    pub(crate) is_final: bool,
}

impl CompileFailure {
    fn of_the_program(reason: String) -> Self {
        Self {
            reason,
            is_final: true,
        }
    }

    pub(crate) fn of_the_machine(reason: String) -> Self {
        Self {
            reason,
            is_final: false,
        }
    }
}

/// The most work without optimisation ([`CompileWork`](fusee_engine::CompileWork)) that the
/// background compiles in a thread of this process ([`CompileIn::Thread`]).
pub const MOST_WORK_IN_A_THREAD: u64 = 3_000_000;

impl CompileIn {
    /// Why the background must not compile a program here. In a thread nothing ends a compilation
    /// that takes long.
    pub(crate) fn refuses(&self, program: &Program) -> Option<CompileFailure> {
        let work = program.compile_work.plain;
        let is_bounded = matches!(self, CompileIn::Process(_)) || work <= MOST_WORK_IN_A_THREAD;
        (!is_bounded).then(|| {
            CompileFailure::of_the_program(format!(
                "its compilation could take {work} units of work, and a thread has no limit of \
                 time: compile in a process (`CompileIn::Process`)"
            ))
        })
    }

    /// How much the background optimises here.
    pub(crate) const fn background_effort(&self) -> Effort {
        match self {
            CompileIn::Thread => Effort::Reduced,
            CompileIn::Process(_) => Effort::Full,
        }
    }

    /// Compiles a program. A process, which has a limit of time, optimises it whatever `most` is.
    pub(crate) fn compile(
        &self,
        compiler: &dyn Compiler,
        program: &Program,
        calls: Calls,
        most: Effort,
        most_bytes: u64,
    ) -> Result<Vec<u8>, CompileFailure> {
        let compiled = match self {
            CompileIn::Thread => in_this_process(compiler, program, most)?,
            CompileIn::Process(command) => {
                let work = compiler.work(program, Effort::Full);
                let task = Task {
                    program,
                    calls,
                    work,
                };
                command.run(task, most_bytes)?
            }
        };
        if is_within(&compiled, most_bytes) {
            Ok(compiled)
        } else {
            Err(CompileFailure::of_the_program(format!(
                "the compiled program has more than {most_bytes} bytes"
            )))
        }
    }
}

/// Catches panics of the compiler, so that the caller can fall back to the interpreter.
fn in_this_process(
    compiler: &dyn Compiler,
    program: &Program,
    most: Effort,
) -> Result<Vec<u8>, CompileFailure> {
    let compile = || compiler.precompile(program, most);
    catch_unwind(AssertUnwindSafe(compile))
        .map_err(|_| CompileFailure::of_the_machine("the compiler panicked".to_owned()))?
        .map_err(|error| CompileFailure::of_the_program(describe(&error)))
}

/// An error and its sources.
fn describe(error: &EngineError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn is_within(bytes: &[u8], most: u64) -> bool {
    u64::try_from(bytes.len()).is_ok_and(|length| length <= most)
}
