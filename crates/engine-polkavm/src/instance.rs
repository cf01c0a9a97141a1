//! PolkaVM instances, at rest and suspended.
//!
//! PolkaVM counts gas in units of its cost model, and stops before a block whose cost exceeds the
//! units left. This module then charges the block to the meter, whose balance may fall below zero
//! as in metered wasm, and `fusee_engine` decides how the run continues. So the slice affects only
//! how often the guest stops.

use std::fmt;

use fusee_engine::{
    DEFAULT_SLICE, EngineError, Entry, Gas, GuestMemory, Host, Instance, Low, Mode, Module, Pause,
    Run, SparseMemory, Step, Stop, Tally, Value,
};
use polkavm::{InterruptKind, Reg};

use crate::{
    NAME,
    link::{self, ARGS},
    memory::Memory,
    module::PolkaVmModule,
};

/// Units in a slice of compiled code: half a millisecond of computation.
const COMPILED_SLICE_UNITS: u64 = 5_000_000;

pub(crate) struct PolkaVmInstance {
    memory: Memory,
    module: PolkaVmModule,
    mode: Mode,
    /// The units that the current entry has used.
    tally: Tally,
    /// Units that are paid for but not used yet: those of the block at which the guest stopped.
    prepaid: u64,
    guest: Guest,
}

/// The state of the guest.
#[derive(Clone, Copy, Debug)]
enum Guest {
    /// At rest: not in a call.
    AtRest,
    /// Suspended in the middle of a call.
    Suspended(Suspension),
    /// Stopped, or in a call. It cannot be entered before that call is abandoned.
    Gone,
}

#[derive(Clone, Copy, Debug)]
enum Suspension {
    /// The import at this position.
    Syscall {
        import: usize,
    },
    Gas,
}

impl PolkaVmInstance {
    fn new(memory: Memory, module: PolkaVmModule, mode: Mode) -> Self {
        let tally = Tally::new(module.program().rate);
        Self {
            memory,
            module,
            mode,
            tally,
            prepaid: 0,
            guest: Guest::AtRest,
        }
    }

    /// Runs the guest until it ends, is suspended, or is out of gas.
    fn go(&mut self, run: &mut Run, host: &mut (dyn Host + 'static)) -> Result<Step, EngineError> {
        loop {
            let counter = run.meter.counter();
            if counter < 0 {
                match run.low(counter, 0) {
                    Low::Continue(_) => continue,
                    Low::Suspend => {
                        self.guest = Guest::Suspended(Suspension::Gas);
                        return Ok(Step::Suspended(Pause::Gas));
                    }
                    Low::Stop(stop) => return Ok(Step::Stopped(stop)),
                }
            }
            match self.advance(run) {
                Ok(InterruptKind::NotEnoughGas) => self.pay_block(run)?,
                Ok(InterruptKind::Finished) => {
                    run.values.clear();
                    let result = self.memory.raw.reg(Reg::A0);
                    run.values.push(Value::I64(result.cast_signed()));
                    self.memory.raw.set_clean(!self.memory.is_broken);
                    self.guest = Guest::AtRest;
                    return Ok(Step::Returned);
                }
                Ok(InterruptKind::Trap) => {
                    let trap = self.module.trap_at(self.memory.raw.program_counter());
                    return Ok(Step::Stopped(Stop::Trap(trap)));
                }
                Ok(InterruptKind::Ecalli(import)) => {
                    let import = usize::try_from(import).unwrap_or(usize::MAX);
                    match self.syscall(run, host, import) {
                        Ok(()) => {}
                        Err(Stop::Suspend) => {
                            self.guest = Guest::Suspended(Suspension::Syscall { import });
                            return Ok(Step::Suspended(Pause::Syscall));
                        }
                        Err(stop) => {
                            if matches!(stop, Stop::Return) {
                                self.guest = Guest::AtRest;
                            }
                            return Ok(Step::Stopped(stop));
                        }
                    }
                }
                Ok(InterruptKind::Segfault(_) | InterruptKind::Step) => {
                    return Err(failed(&"the guest was stopped for what is switched off"));
                }
                Err(error) => return Err(failed(&error)),
            }
        }
    }

    /// Runs the guest until it stops, and charges the units that it used.
    fn advance(&mut self, run: &mut Run) -> Result<InterruptKind, polkavm::Error> {
        let allowance = self.tally.allowance(Gas::from_counter(run.meter.counter()));
        let given = allowance.saturating_add(self.prepaid);
        // Units beyond the range of the counter would not be used anyway.
        let given = i64::try_from(given).unwrap_or(i64::MAX);
        self.memory.raw.set_gas(given);
        let stopped = self.memory.raw.run();
        if stopped.is_ok() {
            let used = given.saturating_sub(self.memory.raw.gas());
            let used = u64::try_from(used)
                .unwrap_or(0)
                .saturating_sub(self.prepaid);
            self.prepaid = 0;
            self.charge(run, used);
        }
        stopped
    }

    /// Pays for the block that the guest is about to enter, which takes the balance below zero.
    fn pay_block(&mut self, run: &mut Run) -> Result<(), EngineError> {
        let block = self.memory.raw.next_program_counter();
        let units = block.and_then(|block| self.module.block_units(block));
        let units = units.ok_or_else(|| failed(&"the guest stopped for gas between two blocks"))?;
        self.prepaid = units;
        self.charge(run, units);
        if run.meter.counter() >= 0 {
            return Err(failed(&"a block costs more than it should"));
        }
        Ok(())
    }

    fn charge(&mut self, run: &mut Run, units: u64) {
        let price = self.tally.spend(units).counter();
        let counter = run.meter.counter().saturating_sub(price);
        run.meter.note(counter);
    }

    fn syscall(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        import: usize,
    ) -> Result<(), Stop> {
        let import = self.module.program().imports.get(import);
        let import = import.ok_or_else(|| Stop::Fail(failed(&"there is no such import")))?;
        let request = link::request(&self.memory.raw, import);
        let counter = run.meter.counter();
        let memory = GuestMemory::sparse(&mut self.memory);
        let answer = run.syscall(host, counter, &request, memory);
        if self.memory.is_broken {
            return Err(Stop::Fail(unreachable_memory()));
        }
        match answer {
            Ok(result) => {
                link::reply(&mut self.memory.raw, import, result);
                Ok(())
            }
            Err(Stop::Suspend) if self.mode == Mode::Plain || !import.may_suspend => {
                let number = request.number;
                Err(Stop::Fail(EngineError::CannotSuspend { number }))
            }
            Err(stop) => Err(stop),
        }
    }
}

impl Module for PolkaVmModule {
    fn resident_bytes(&self) -> u64 {
        self.bytes()
    }

    fn instantiate(&self, mode: Mode) -> Result<Box<dyn Instance>, EngineError> {
        let memory = self.lease()?;
        Ok(Box::new(PolkaVmInstance::new(memory, self.clone(), mode)))
    }

    /// Compiled code stops by a signal, which takes as long as 200,000 units of computation.
    fn default_slice(&self) -> Gas {
        match self.is_compiled() {
            true => Tally::new(self.program().rate).spend(COMPILED_SLICE_UNITS),
            false => DEFAULT_SLICE,
        }
    }
}

impl Instance for PolkaVmInstance {
    fn call(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        entry: Entry,
        args: &[Value],
    ) -> Result<Step, EngineError> {
        if !matches!(self.guest, Guest::AtRest) {
            return Err(not_at_rest());
        }
        let entry = self.module.entry(entry);
        let entry = entry.ok_or_else(|| failed(&"the program has no such entry"))?;
        let mut registers = [0; ARGS.len()];
        for (register, arg) in registers.iter_mut().zip(args) {
            *register = match arg {
                Value::I64(arg) => arg.cast_unsigned(),
                _ => return Err(failed(&"an entry was given what it does not take")),
            };
        }
        // Set to idle below if the entry returns.
        self.guest = Guest::Gone;
        self.memory.raw.set_clean(false);
        self.memory.raw.prepare_call_untyped(entry, &registers);
        self.tally = Tally::new(self.module.program().rate);
        self.prepaid = 0;
        run.meter.hand_out();
        self.go(run, host)
    }

    fn resume(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        reply: u64,
    ) -> Result<Step, EngineError> {
        let Guest::Suspended(suspended) = self.guest else {
            return Err(failed(&"internal error: the instance is not suspended"));
        };
        self.guest = Guest::Gone;
        if self.memory.is_broken {
            return Err(unreachable_memory());
        }
        if let Suspension::Syscall { import } = suspended {
            let import = self.module.program().imports.get(import);
            let import = import.ok_or_else(|| failed(&"there is no such import"))?;
            link::reply(&mut self.memory.raw, import, reply);
            run.meter.hand_out();
        }
        self.go(run, host)
    }

    fn memory(&mut self) -> GuestMemory<'_> {
        if matches!(self.guest, Guest::Gone) {
            return GuestMemory::none();
        }
        GuestMemory::sparse(&mut self.memory)
    }

    /// Memory never grows: a guest has its whole memory from the start.
    fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, EngineError> {
        if !matches!(self.guest, Guest::AtRest) {
            return Err(not_at_rest());
        }
        let pages_held = self.memory.bytes().div_ceil(fusee_engine::PAGE_BYTES);
        let before = u32::try_from(pages_held).ok();
        Ok(before.filter(|before| pages == 0 && *before > 0))
    }

    /// A guest pays for a block before it enters it, and a trap ends a block where it stands. So
    /// every backend leaves the same memory.
    fn abandon_call(&mut self) -> bool {
        if !self.memory.is_broken {
            self.guest = Guest::AtRest;
        }
        !self.memory.is_broken
    }

    fn mode(&self) -> Mode {
        self.mode
    }
}

#[cold]
fn not_at_rest() -> EngineError {
    failed(&"internal error: the instance is not at rest")
}

fn unreachable_memory() -> EngineError {
    failed(&"failed to access the guest's memory")
}

pub(crate) fn failed(why: &dyn fmt::Display) -> EngineError {
    EngineError::Engine {
        engine: NAME,
        source: why.to_string().into(),
    }
}

impl fmt::Debug for PolkaVmInstance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PolkaVmInstance")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
