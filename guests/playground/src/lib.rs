//! The playground guest: a contract that runs what its users publish, each script a program of its
//! own.
//!
//! A script is WebAssembly or PolkaVM. It has numbers under numbers, and may ask for nothing but
//! `get(key) -> number`, `set(key, number)` and `publisher(part) -> number`. It cannot reach
//! another script's numbers, nor the contract's; the caller pays for it, and stopped
//! where the gas ends that it was given: nothing that it does stops the contract.
//!
//! Exports carry their plain names, which is the `unsafe` of their attribute: no two may be alike.
#![no_std]

use fusee_abi::virtualization::wire::{ExecError, ExecStatus, ModuleError};
use fusee_guest::{
    Buffer, Input, caller,
    children::{Child, Module, Run},
    concat, emit, gas_left, load, output, restrict_imports, revert, store,
};

fusee_guest::methods!(publish, run, number);

/// The longest input, on a stack of 60 KiB: the largest script, with its name.
const BUFFER_BYTES: usize = 48 * 1024;

/// The function of a script that is run.
const ENTRY: &[u8] = b"main";

/// What a script may ask for.
const SYMBOLS: &[u8] = b"get\nset\npublisher";

/// How a script ended.
const FINISHED: u8 = 0;
const TRAPPED: u8 = 1;
const OUT_OF_GAS: u8 = 2;
const ASKED_TOO_MUCH: u8 = 3;

/// The name of a script: at most so many bytes, and zeros behind it.
type Name = [u8; NAME_BYTES];

const NAME_BYTES: usize = 16;

/// `publish(name: String, program: Vec<u8>)`: keeps a script, if it is one and the name is free.
/// The caller is its publisher.
#[unsafe(no_mangle)]
extern "C" fn publish() {
    let mut buffer = Buffer::<BUFFER_BYTES>::new();
    let mut input = Input::new(buffer.input());
    let name = input.name();
    let program = input.bytes();
    input.end();

    let publisher_key = key(b"publisher/", &name, 0);
    if load(&publisher_key) != 0 {
        revert("there is a script of this name");
    }
    store(&publisher_key, &1u64.to_le_bytes());
    for (part, bytes) in (1..).zip(caller().chunks(8)) {
        store(&key(b"publisher/", &name, part), bytes);
    }
    store(&key(b"program/..", &name, 0), program);
    drop(open(&name));
    emit("publish", &name);
}

/// `run(name: String, argument: u64, gas: u64) -> (ending: u8, gas used: u64, last number set:
/// u64)`: runs the script's `main` with the argument and at most so much gas. The gas used is what
/// the run took of this call's, with the answers. What it set stays if it finished (0); it did not
/// if it trapped (1), used up its gas (2), or asked for something with a number that is none (3).
#[unsafe(no_mangle)]
extern "C" fn run() {
    let (name, argument, gas) =
        fusee_guest::arguments(|input| (input.name(), input.u64(), input.u64()));
    let mut script = Script {
        name,
        written: [(0, 0); MOST_WRITTEN],
        count: 0,
    };
    let mut child = open(&name);
    let before = gas_left();
    let ending = script.play(&mut child, argument, i64::try_from(gas).unwrap_or(i64::MAX));
    let used = before.saturating_sub(gas_left());
    let last = match script.writes().last() {
        Some((_, number)) if ending == FINISHED => *number,
        _ => 0,
    };
    if ending == FINISHED {
        script.keep();
    }
    let answer: [u8; 17] = concat(&[&[ending], &used.to_le_bytes(), &last.to_le_bytes()]);
    output(&answer);
}

/// `number(name: String, key: u64) -> u64`: a number that a script has set, or 0.
#[unsafe(no_mangle)]
extern "C" fn number() {
    let (name, number) = fusee_guest::arguments(|input| (input.name(), input.u64()));
    output(&load(&key(b"number/...", &name, number)).to_le_bytes());
}

/// The most numbers that a run sets.
const MOST_WRITTEN: usize = 16;

/// A script while it runs: what it set is written when it has finished.
struct Script {
    name: Name,
    written: [(u64, u64); MOST_WRITTEN],
    count: usize,
}

impl Script {
    /// Runs the child to its end, and answers what it asks. How it ended.
    fn play(&mut self, child: &mut Child, argument: u64, gas: i64) -> u8 {
        let (mut gas, mut a0) = (gas, argument);
        loop {
            let ran = match child.run(gas, a0) {
                Ok(ran) => ran,
                Err(ExecError::OutOfGas) => return OUT_OF_GAS,
                Err(_) => return TRAPPED,
            };
            gas = ran.gas_left;
            if ran.status == ExecStatus::Finished {
                return FINISHED;
            }
            match self.answer(&ran) {
                Some(answer) => a0 = answer,
                None => return ASKED_TOO_MUCH,
            }
        }
    }

    fn answer(&mut self, asked: &Run) -> Option<u64> {
        let [first, second, ..] = asked.args();
        match asked.symbol() {
            b"get" => Some(self.get(first)),
            b"set" => self.set(first, second).map(|()| 0),
            b"publisher" if first < 4 => Some(load(&key(b"publisher/", &self.name, first + 1))),
            _ => None,
        }
    }

    fn get(&self, number: u64) -> u64 {
        let written = self.writes().iter().rev();
        match written.clone().find(|(key, _)| *key == number) {
            Some((_, value)) => *value,
            None => load(&key(b"number/...", &self.name, number)),
        }
    }

    fn set(&mut self, key: u64, number: u64) -> Option<()> {
        *self.written.get_mut(self.count)? = (key, number);
        self.count += 1;
        Some(())
    }

    fn writes(&self) -> &[(u64, u64)] {
        self.written.get(..self.count).unwrap_or(&[])
    }

    fn keep(&self) {
        for (number, value) in self.writes() {
            store(
                &key(b"number/...", &self.name, *number),
                &value.to_le_bytes(),
            );
        }
    }
}

/// An instance of a script, ready to run; reverts if there is none of this name, or it is no
/// script.
fn open(name: &Name) -> Child {
    restrict_imports(SYMBOLS);
    let module = match Module::stored(&key(b"program/..", name, 0)) {
        Ok(module) => module,
        Err(ModuleError::InvalidImage) => revert(
            "this is no script: no valid program, or it imports more than get, set and publisher",
        ),
        Err(_) => revert("there is no script of this name"),
    };
    let Ok(mut child) = module.instantiate() else {
        revert("there is no room for a script");
    };
    match child.prepare(ENTRY) {
        Ok(()) => child,
        Err(_) => revert("this is no script: it has no function `main`"),
    }
}

/// A key in the contract's storage.
fn key(kind: &[u8; 10], name: &Name, number: u64) -> [u8; 34] {
    concat(&[kind, name, &number.to_le_bytes()])
}

trait TakeName {
    fn name(&mut self) -> Name;
}

impl TakeName for Input<'_> {
    fn name(&mut self) -> Name {
        let given = self.bytes();
        let mut name = [0; NAME_BYTES];
        match name.get_mut(..given.len()) {
            Some(place) => place.copy_from_slice(given),
            None => revert("the name of a script has at most 16 bytes"),
        }
        name
    }
}
