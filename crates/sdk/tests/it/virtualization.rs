//! Nested VMs: what the functions are passed, and what becomes of their answers.
#![allow(unreachable_pub, reason = "the methods of a contract are public")]

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use fusee_sdk::{
    abi::{
        INPUT_READ, OUTPUT_WRITE, REVERT,
        virtualization::{
            functions::{
                COMPILE, DESTROY, INSTANTIATE, LOOKUP, PREPARE, READ_MEMORY, RUN, WRITE_MEMORY,
            },
            wire::ExecBuffer,
        },
    },
    contract::Contract,
    native::{Argument, End, Machine, end, run},
    prelude::*,
    virtualization::{Execution, Module, Outcome, SyscallSymbol},
};

/// Runs a program.
#[contract]
pub struct Owner {}

#[methods]
impl Owner {
    /// Runs `main` of a program, which calls one import, twice.
    pub fn twice(&mut self) -> u64 {
        let module = Module::compile(b"program").unwrap();
        let execution = module.instantiate().unwrap().prepare("main").unwrap();
        let Outcome::Syscall {
            mut execution,
            request,
            gas_left: 60,
        } = execution.run(100, 7)
        else {
            panic!("it calls an import");
        };
        assert_eq!(request.symbol.as_bytes(), b"ask");
        assert_eq!(request.args, [1, 2, 3, 4, 5, 6]);
        let mut read = [0; 3];
        execution.read_memory(16, &mut read).unwrap();
        execution.write_memory(32, &read).unwrap();
        let Outcome::Finished { instance, gas_left } = execution.run(60, 9) else {
            panic!("it returns");
        };
        // More than the wire has.
        let execution = instance.prepare("main").unwrap();
        let Outcome::OutOfGas { instance } = execution.run(u64::MAX, 0) else {
            panic!("it is out of gas");
        };
        let execution = instance.prepare("main").unwrap();
        assert!(matches!(execution.run(1, 0), Outcome::Trapped { .. }));
        gas_left
    }

    /// Asks for what there is not.
    pub fn fail(&mut self) -> Vec<String> {
        let module = Module::compile_as(b"id", b"program").unwrap();
        [
            Module::compile(b"").unwrap_err().to_string(),
            Module::lookup(b"other").unwrap_err().to_string(),
            module.instantiate().unwrap_err().to_string(),
            prepared(module, "none").unwrap_err(),
            prepared(module, "main")
                .unwrap()
                .read_memory(0, &mut [])
                .unwrap_err()
                .to_string(),
        ]
        .to_vec()
    }

    /// Reverts while there is an instance.
    pub fn give_up(&mut self) {
        let _instance = Module::compile(b"program").unwrap().instantiate().unwrap();
        revert("as asked")
    }

    /// Compiles a program.
    pub fn compile(&mut self) -> bool {
        Module::compile(b"program").is_ok()
    }
}

fn prepared(module: Module, function: &str) -> Result<Execution, String> {
    let instance = module.instantiate().map_err(|error| error.to_string())?;
    instance
        .prepare(function)
        .map_err(|error| error.to_string())
}

/// A function that has to be called, with its arguments as text; its answer, and what it writes.
type Expected = (u32, &'static str, i64, Vec<u8>);

#[derive(Default)]
struct World {
    expected: VecDeque<Expected>,
    output: Vec<u8>,
    message: Vec<u8>,
}

struct Test(Rc<RefCell<World>>);

impl Machine for Test {
    fn syscall(&mut self, number: u32, arguments: &mut [Argument<'_>]) -> u64 {
        let mut world = self.0.borrow_mut();
        match (number, &*arguments) {
            (INPUT_READ, _) => return 0,
            (OUTPUT_WRITE, [Argument::Bytes(output)]) => {
                world.output = output.to_vec();
                return 0;
            }
            (REVERT, [Argument::Bytes(message)]) => {
                world.message = message.to_vec();
                drop(world);
                end()
            }
            _ => {}
        }
        let passed: Vec<_> = arguments.iter().map(text).collect();
        let passed = passed.join(" ");
        let next = world.expected.pop_front();
        let (function, expected, answer, written) = next.expect("a function is called");
        assert_eq!((number, passed.as_str()), (function, expected));
        for argument in arguments {
            if let Argument::Array(room) | Argument::RangeRoom(room) = argument
                && !written.is_empty()
            {
                room.copy_from_slice(&written);
            }
        }
        answer.cast_unsigned()
    }
}

fn text(argument: &Argument<'_>) -> String {
    match argument {
        Argument::Range(bytes) => format!("'{}'", String::from_utf8_lossy(bytes)),
        Argument::RangeRoom(room) => format!("room {}", room.len()),
        Argument::Array(room) => format!("array {}", room.len()),
        Argument::Word(number) => format!("{number}"),
        Argument::Long(number) => format!("{number}"),
        Argument::Bytes(_) | Argument::Fixed(_) | Argument::Room(_) => {
            panic!("no function takes it: {argument:?}")
        }
    }
}

/// Calls a method, which calls all of these functions.
fn call(method: &str, expected: impl IntoIterator<Item = Expected>) -> (End, Rc<RefCell<World>>) {
    let world = Rc::<RefCell<World>>::default();
    world.borrow_mut().expected.extend(expected);
    let method = Owner::METHODS.iter().find(|(name, _)| *name == method);
    let (end, _) = run(Box::new(Test(Rc::clone(&world))), method.unwrap().1);
    let left = world.borrow().expected.clone();
    assert!(left.is_empty(), "{left:?}");
    (end, world)
}

#[test]
fn a_program_runs_and_its_import_is_answered() {
    let waits = ExecBuffer {
        gas_left: 60,
        symbol: SyscallSymbol::new(b"ask").unwrap(),
        args: [1, 2, 3, 4, 5, 6],
    };
    let finished = ExecBuffer {
        gas_left: 11,
        ..ExecBuffer::default()
    };
    let (waits, finished) = (waits.encode().to_vec(), finished.encode().to_vec());
    let (end, world) = call(
        "twice",
        [
            (COMPILE, "'program' ''", 1 << 32 | 5, vec![]),
            (INSTANTIATE, "5", 3, vec![]),
            (PREPARE, "3 'main'", 0, vec![]),
            (RUN, "3 100 7 array 96", 1, waits),
            (READ_MEMORY, "3 16 room 3", 0, b"abc".to_vec()),
            (WRITE_MEMORY, "3 32 'abc'", 0, vec![]),
            (RUN, "3 60 9 array 96", 0, finished),
            (PREPARE, "3 'main'", 0, vec![]),
            (RUN, "3 9223372036854775807 0 array 96", -3, vec![]),
            (PREPARE, "3 'main'", 0, vec![]),
            (RUN, "3 1 0 array 96", -4, vec![]),
            // Once, at its end.
            (DESTROY, "3", 0, vec![]),
        ],
    );
    assert!(matches!(end, End::Returned), "{end:?}");
    assert_eq!(world.borrow().output, 11_u64.to_le_bytes());
}

#[test]
fn errors_of_the_functions_are_values() {
    let (end, world) = call(
        "fail",
        [
            (COMPILE, "'program' 'id'", 5, vec![]),
            (COMPILE, "'' ''", -1, vec![]),
            (LOOKUP, "'other'", -2, vec![]),
            (INSTANTIATE, "5", -1, vec![]),
            (INSTANTIATE, "5", 3, vec![]),
            (PREPARE, "3 'none'", -2, vec![]),
            (DESTROY, "3", 0, vec![]),
            (INSTANTIATE, "5", 4, vec![]),
            (PREPARE, "4 'main'", 0, vec![]),
            (READ_MEMORY, "4 0 room 0", -2, vec![]),
            (DESTROY, "4", 0, vec![]),
        ],
    );
    assert!(matches!(end, End::Returned), "{end:?}");
    let told: Vec<String> = fusee_sdk::codec::from_slice(&world.borrow().output).unwrap();
    assert_eq!(
        told,
        [
            "the rules refuse the program",
            "no module is cached under the identifier",
            "the limit of instances or of their memory is reached",
            "the program has no such function",
            "memory access out of range",
        ]
    );
}

/// A guest that reverts is gone, with its instances: nothing more is asked for them.
#[test]
fn a_revert_ends_a_run_that_has_an_instance() {
    let functions = [
        (COMPILE, "'program' ''", 5, vec![]),
        (INSTANTIATE, "5", 3, vec![]),
    ];
    let (end, world) = call("give_up", functions);
    assert!(matches!(end, End::Ended), "{end:?}");
    assert_eq!(world.borrow().message, b"as asked");
}

/// No host answers so, and a contract that meets one does not go on.
#[test]
fn a_malformed_answer_reverts() {
    for answer in [-4, i64::MIN, 2 << 32, 1 << 40, i64::MAX] {
        let (end, world) = call("compile", [(COMPILE, "'program' ''", answer, vec![])]);
        assert!(matches!(end, End::Ended), "{answer}: {end:?}");
        let world = world.borrow();
        assert_eq!(world.message, b"the answer of the host is malformed");
    }
}
