//! A host of scripts: programs that users publish and anybody runs, each in a nested VM.
//!
//! A script exports `main(length of the input)`. It can do what these imports do, of any module,
//! and nothing else:
//!
//! | import | |
//! |---|---|
//! | `input(to, capacity)` | copies the input into the script's memory, as far as there is room |
//! | `output(from, length)` | sets the output, at most 1,024 bytes |
//! | `load(slot, to)` | copies a value that the script keeps, 32 bytes; zeros at first |
//! | `store(slot, from)` | keeps a value, 32 bytes |
//! | `caller(to)` | copies the address of the account that runs the script, 32 bytes |
//!
//! A script has 64 slots of its own. A run that does not end well reverts, so nothing of it is
//! kept. The author can remove a script: then the contract stores nothing of it any more.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::{
    prelude::*,
    virtualization::{Execution, MemoryError, Module, Outcome, Request},
};

/// What a script may import, one name a line.
const IMPORTS: &str = "input\noutput\nload\nstore\ncaller";

/// The function of a script that runs.
const ENTRY: &str = "main";

/// The largest program, in bytes.
pub const PROGRAM_BYTES: u32 = 16_384;

/// The longest input or output of a run, in bytes.
pub const MESSAGE_BYTES: u32 = 1_024;

/// How many values a script can keep.
pub const SLOTS: u8 = 64;

/// What a script pays for an import that it calls: at least what this contract pays to answer it.
/// Otherwise a script could make its caller pay for more than the limit of the run.
pub const CALL_GAS: u64 = 50_000;

/// Programs of users, which anybody runs.
#[contract(events(Published, Ran, Removed))]
pub struct Scripts {
    next: Value<u64>,
    authors: Map<u64, Address>,
    programs: Map<u64, Bytes>,
    owned: Map<(Address, u64), ()>,
    slots: Map<(u64, u8), [u8; 32]>,
}

/// There is a new script.
#[event]
pub struct Published {
    /// The account that it is under.
    #[topic]
    pub author: Address,
    /// Its number.
    pub script: u64,
}

/// A script ran to its end.
#[event]
pub struct Ran {
    /// The script.
    #[topic]
    pub script: u64,
    /// Who ran it.
    pub caller: Address,
    /// The gas that it used, with what it paid for imports.
    pub gas: u64,
}

/// A script was removed, with all that it kept.
#[event]
pub struct Removed {
    /// The account that it was under.
    #[topic]
    pub author: Address,
    /// Its number, which no other script gets.
    pub script: u64,
}

/// Why nothing is done.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// There is no such script.
    #[message("there is no script {script}")]
    Unknown {
        /// The number.
        script: u64,
    },
    /// The script is under the account of somebody else.
    #[message("script {script} is not the caller's")]
    NotTheAuthor {
        /// The number.
        script: u64,
    },
    /// The program or the input is too large.
    #[message("at most {most} bytes are taken")]
    TooLarge {
        /// The most bytes.
        most: u32,
    },
    /// The rules refuse the program, it imports what scripts cannot have, or it has no `main` with
    /// integers as parameters.
    NotAScript,
    /// There is no room for the memory that the script declares.
    NoRoom,
    /// The script used up its gas.
    OutOfGas,
    /// The script trapped.
    Trapped,
    /// The script called an import with a slot, an address or a length that is none.
    #[message("the script called {import} with arguments that it does not take")]
    BadCall {
        /// The import.
        import: String,
    },
}

#[methods(unless_feature = "library")]
impl Scripts {
    /// Publishes a script under the caller's account, and returns its number.
    pub fn publish(&mut self, program: Bytes) -> Result<u64, Error> {
        at_most(PROGRAM_BYTES, &program)?;
        // What cannot run is not stored.
        let _ = prepared(&program)?;
        let (author, script) = (env::caller(), self.next.get_or_default());
        self.next.set(&(script + 1));
        self.authors.set(&script, &author);
        self.programs.set(&script, &program);
        self.owned.set(&(author, script), &());
        self.emit(Published { author, script });
        Ok(script)
    }

    /// Runs a script with at most so much gas, which the caller pays, and returns its output.
    pub fn run(&mut self, script: u64, input: Bytes, gas: u64) -> Result<Bytes, Error> {
        let length = at_most(MESSAGE_BYTES, &input)?;
        let program = self
            .programs
            .get(&script)
            .ok_or(Error::Unknown { script })?;
        let mut execution = prepared(&program)?;
        let limit = gas.min(i64::MAX.unsigned_abs());
        let mut run = Run {
            slots: &mut self.slots,
            script,
            input,
            output: Bytes::default(),
        };
        let (mut gas, mut a0) = (limit, u64::from(length));
        let left = loop {
            match execution.run(gas, a0) {
                Outcome::Finished { gas_left, .. } => break gas_left,
                Outcome::Syscall {
                    execution: mut waits,
                    request,
                    gas_left,
                } => {
                    gas = gas_left.checked_sub(CALL_GAS).ok_or(Error::OutOfGas)?;
                    if let Err(Refused) = run.answer(&request, &mut waits) {
                        let import = request.symbol.as_bytes().to_vec();
                        let import = String::from_utf8(import).unwrap_or_default();
                        return Err(Error::BadCall { import });
                    }
                    // An import has no result.
                    (execution, a0) = (waits, 0);
                }
                Outcome::OutOfGas { .. } => return Err(Error::OutOfGas),
                Outcome::Trapped { .. } => return Err(Error::Trapped),
            }
        };
        let output = run.output;
        self.emit(Ran {
            script,
            caller: env::caller(),
            gas: limit - left,
        });
        Ok(output)
    }

    /// Removes a script of the caller, with the values that it keeps. On a chain that demands a
    /// deposit for storage, what covered the script covers other scripts of this contract then.
    pub fn remove(&mut self, script: u64) -> Result<(), Error> {
        let author = self.author_of(script)?;
        if author != env::caller() {
            return Err(Error::NotTheAuthor { script });
        }
        self.authors.remove(&script);
        self.programs.remove(&script);
        self.owned.remove(&(author, script));
        let kept = self.slots.from(&(script, 0)).map(|(slot, _)| slot);
        // Read to the end before the first is removed. A script has at most `SLOTS` of them.
        let kept: Vec<_> = kept.take_while(|(of, _)| *of == script).collect();
        for slot in &kept {
            self.slots.remove(slot);
        }
        self.emit(Removed { author, script });
        Ok(())
    }

    /// The account that a script is under.
    pub fn author_of(&self, script: u64) -> Result<Address, Error> {
        self.authors.get(&script).ok_or(Error::Unknown { script })
    }

    /// The scripts of an account from a number on, in order, at most so many.
    pub fn scripts_of(&self, account: Address, first: u64, most: u32) -> Vec<u64> {
        let owned = self.owned.from(&(account, first));
        let owned = owned.take_while(|((author, _), ())| *author == account);
        let scripts = owned.map(|((_, script), ())| script);
        scripts
            .take(usize::try_from(most).unwrap_or(usize::MAX))
            .collect()
    }

    /// A value that a script keeps.
    pub fn value_of(&self, script: u64, slot: u8) -> [u8; 32] {
        self.slots.get_or_default(&(script, slot))
    }
}

/// A script while it runs: what it can reach.
struct Run<'a> {
    slots: &'a mut Map<(u64, u8), [u8; 32]>,
    script: u64,
    input: Bytes,
    output: Bytes,
}

/// The script passed arguments that an import does not take.
struct Refused;

impl From<MemoryError> for Refused {
    fn from(_: MemoryError) -> Self {
        Self
    }
}

impl Run<'_> {
    /// Answers an import. The script chose the arguments, also how many bits they have.
    ///
    /// It allocates nothing that a script could have it do again and again: memory of a call is not
    /// freed before its end.
    fn answer(&mut self, request: &Request, script: &mut Execution) -> Result<(), Refused> {
        let [first, second, ..] = request.args;
        match request.symbol.as_bytes() {
            b"input" => {
                let capacity = usize::try_from(second).map_err(|_| Refused)?;
                let input = &self.input.0;
                let copied = input.get(..capacity).unwrap_or(input);
                script.write_memory(address(first)?, copied)?;
            }
            b"output" => {
                let length = usize::try_from(second).map_err(|_| Refused)?;
                // Before there is room for it.
                if second > MESSAGE_BYTES.into() {
                    return Err(Refused);
                }
                self.output.0.resize(length, 0);
                script.read_memory(address(first)?, &mut self.output.0)?;
            }
            b"load" => {
                let value = self.slots.get_or_default(&self.slot(first)?);
                script.write_memory(address(second)?, &value)?;
            }
            b"store" => {
                let (slot, mut value) = (self.slot(first)?, [0; 32]);
                script.read_memory(address(second)?, &mut value)?;
                self.slots.set(&slot, &value);
            }
            b"caller" => script.write_memory(address(first)?, env::caller().as_bytes())?,
            _ => return Err(Refused),
        }
        Ok(())
    }

    /// The key of a slot: a script has no other script's.
    fn slot(&self, slot: u64) -> Result<(u64, u8), Refused> {
        match u8::try_from(slot) {
            Ok(slot) if slot < SLOTS => Ok((self.script, slot)),
            _ => Err(Refused),
        }
    }
}

/// An instance of a script, at its beginning.
fn prepared(program: &Bytes) -> Result<Execution, Error> {
    env::restrict_imports(IMPORTS);
    let module = Module::compile(&program.0).map_err(|_| Error::NotAScript)?;
    let instance = module.instantiate().map_err(|_| Error::NoRoom)?;
    instance.prepare(ENTRY).map_err(|_| Error::NotAScript)
}

/// The length of bytes that callers pass, within a limit.
fn at_most(most: u32, bytes: &Bytes) -> Result<u32, Error> {
    match u32::try_from(bytes.0.len()) {
        Ok(length) if length <= most => Ok(length),
        _ => Err(Error::TooLarge { most }),
    }
}

/// An address in the memory of a script.
fn address(argument: u64) -> Result<u32, Refused> {
    u32::try_from(argument).map_err(|_| Refused)
}
