//! Transactions: calls of programs in instances that live as long as the transaction.

use std::{fmt, sync::Arc};

use fusee_engine::{CodeHash, Gas, GuestMemory, Interrupt};
use fusee_executor::{
    Begin, Driver, DriverSettings, FrameLimits, PreparedProgram, Progress, Suspension, Tier,
};

use crate::{
    Answer, Billing, Call, ExitCode, Interruption, Step, SystemError, SystemProgram,
    SystemPrograms,
    interruption::Waiting,
    supervisor::{Calls, Depth},
};

/// A group of calls, of which one runs at a time. A system program has one instance in a
/// transaction, which its first call creates. At the end of the transaction, the instance is
/// dropped or returns to the pool.
pub struct Transaction<'a> {
    pub(crate) driver: Driver<Calls<'a>>,
    pub(crate) calls: Calls<'a>,
}

impl SystemPrograms {
    /// Creates a transaction. `interrupt` stops its runs, from any thread.
    #[must_use]
    pub fn transaction(&self, interrupt: Interrupt) -> Transaction<'_> {
        let settings = DriverSettings {
            limits: FrameLimits {
                depth: self.limits.depth,
                memory_bytes: self.limits.memory_bytes,
            },
            suspension: Suspension::AsNeeded,
            // The calls create their instances themselves, on their own tier.
            tier: Tier::Best,
            interrupt,
        };
        let driver = Driver::new(Arc::clone(&self.executor), settings);
        Transaction {
            calls: Calls::new(self, driver.budget().clone()),
            driver,
        }
    }
}

impl<'a> Transaction<'a> {
    /// Sets the lookup of code for `_exec`, except that of system programs (default: no code). It
    /// is called each time. Code with another hash than the requested one is
    /// [`SystemError::WrongCode`]. If the lookup panics, the call fails with
    /// [`EngineError::HostPanicked`](fusee_engine::EngineError::HostPanicked).
    #[must_use]
    pub fn code(mut self, find: impl Fn(CodeHash) -> Option<Vec<u8>> + 'a) -> Self {
        self.calls.find_code = Box::new(find);
        self
    }

    /// The tier of its runs (default: [`Tier::Best`]). Where a compiler lacks what an interpreter
    /// does not need ([`RunError::is_of_the_engine`](fusee_executor::RunError::is_of_the_engine)),
    /// the interpreter's answer is the transaction's: drop the transaction, and run it again from
    /// its beginning on [`Tier::Interpreter`], which does not use pooled instances.
    #[must_use]
    pub fn tier(mut self, tier: Tier) -> Self {
        self.calls.tier = tier;
        self
    }

    /// The number of waiting calls, including those of programs at depth 0.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        u64::try_from(self.calls.waiting()).unwrap_or(u64::MAX)
    }

    /// Guest memory of the idle and waiting instances in bytes. An instance with a dropped frame
    /// counts until its program is called again, or until another instance needs the memory.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.calls.budget.reserved()
    }

    /// Calls a system program, below the waiting calls. If it requests something from its caller,
    /// the result is [`Step::Interrupted`].
    ///
    /// A program that is suspended in the middle of a syscall cannot be called: the call ends with
    /// [`ExitCode::UnexpectedFatalExecutionFailure`] and a message. A program that returned to wait
    /// can be called, in the same instance.
    ///
    /// # Errors
    ///
    /// [`SystemError`] if the host fails, or the program is not registered.
    #[inline]
    pub fn call(&mut self, program: SystemProgram, call: Call) -> Result<Step, SystemError> {
        self.call_program(program, call, Depth::BelowWaiting)
    }

    /// Calls an untrusted program in a fresh instance, below the waiting calls.
    ///
    /// # Errors
    ///
    /// [`SystemError`] if the host fails, or the rules refuse the program.
    pub fn call_code(&mut self, wasm: &[u8], call: Call) -> Result<Step, SystemError> {
        self.call_contract(wasm, call, Depth::BelowWaiting)
    }

    /// Calls a system program at depth 0: its `_exec` calls other programs. At other depths,
    /// `_exec` interrupts the program.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn call_root(&mut self, program: SystemProgram, call: Call) -> Result<Step, SystemError> {
        self.call_program(program, call, Depth::Root)
    }

    /// Calls an untrusted program at depth 0, in a fresh instance.
    ///
    /// # Errors
    ///
    /// As [`call_code`](Self::call_code).
    pub fn call_root_code(&mut self, wasm: &[u8], call: Call) -> Result<Step, SystemError> {
        self.call_contract(wasm, call, Depth::Root)
    }

    /// Resumes a waiting call.
    ///
    /// The gas that the answer consumed is charged to the call. If the call has less, it uses all
    /// its gas and ends with out of fuel. If its instance was lost, it ends with
    /// [`ExitCode::UnexpectedFatalExecutionFailure`] and a message.
    ///
    /// # Errors
    ///
    /// [`SystemError`] if the host fails, the interruption belongs to another transaction, or a
    /// later call waits in the same instance. The call is lost.
    pub fn resume(
        &mut self,
        interruption: Interruption,
        answer: &Answer,
    ) -> Result<Step, SystemError> {
        let begun = self.calls.resume(interruption, answer);
        self.drive(begun)
    }

    /// Reads from the memory of a waiting call.
    ///
    /// # Errors
    ///
    /// [`ExitCode::MemoryOutOfBounds`] if the range is outside the memory, the call was lost, or it
    /// belongs to another transaction.
    pub fn read_memory(
        &mut self,
        interruption: &mut Interruption,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), ExitCode> {
        let mut memory = self.memory(interruption)?;
        Ok(memory.read_into(offset, buffer)?)
    }

    /// Writes to the memory of a waiting call.
    ///
    /// # Errors
    ///
    /// [`ExitCode::MemoryOutOfBounds`] if the range is outside the memory, the call was lost, or it
    /// belongs to another transaction. In this case nothing is written.
    pub fn write_memory(
        &mut self,
        interruption: &mut Interruption,
        offset: u64,
        data: &[u8],
    ) -> Result<(), ExitCode> {
        Ok(self.memory(interruption)?.write(offset, data)?)
    }

    /// Reads the input for the program that a waiting call requests: a range of the caller's
    /// memory.
    ///
    /// # Errors
    ///
    /// [`ExitCode::MalformedBuiltinParams`] if the call requests something else,
    /// [`ExitCode::MemoryOutOfBounds`] if the range is outside the memory.
    pub fn exec_input(&mut self, interruption: &mut Interruption) -> Result<Vec<u8>, ExitCode> {
        let params = interruption.exec_params();
        let range = params.ok_or(ExitCode::MalformedBuiltinParams)?.input;
        let length = range.end.checked_sub(range.start);
        let length = length.ok_or(ExitCode::MalformedBuiltinParams)?;
        let mut memory = self.memory(interruption)?;
        Ok(memory.read(range.start, length)?.into_owned())
    }

    /// The used gas of a waiting call.
    #[must_use]
    pub fn gas_used(&self, interruption: &Interruption) -> Gas {
        interruption.gas_used()
    }

    /// The remaining gas of a waiting call. `None` if it is self-metered.
    #[must_use]
    pub fn gas_left(&self, interruption: &Interruption) -> Option<Gas> {
        let is_metered = interruption.context().billing() == Billing::Metered;
        is_metered.then(|| interruption.gas_left())
    }

    #[inline]
    fn call_program(
        &mut self,
        program: SystemProgram,
        call: Call,
        depth: Depth,
    ) -> Result<Step, SystemError> {
        let begun = self.calls.call_program(program, call, depth);
        self.drive(begun)
    }

    fn call_contract(
        &mut self,
        wasm: &[u8],
        call: Call,
        depth: Depth,
    ) -> Result<Step, SystemError> {
        let prepared = self.prepare(wasm)?;
        let begun = self.calls.call_contract(&prepared, call, depth);
        self.drive(begun)
    }

    /// Drives a call until it ends or waits for the embedder.
    #[inline]
    pub(crate) fn drive(
        &mut self,
        begun: Result<Begin<Calls<'a>>, SystemError>,
    ) -> Result<Step, SystemError> {
        let failed = match begun {
            Ok(begun) => match self.driver.run_begun(&mut self.calls, begun) {
                Ok(Progress::Returned { value, .. }) => return Ok(value?),
                Ok(Progress::Waiting { request, .. }) => match request {},
                Err(error) => error,
            },
            Err(error) => error,
        };
        self.calls.instances.lose_running();
        Err(failed)
    }

    /// The memory of a waiting call.
    fn memory<'m>(
        &'m mut self,
        interruption: &'m mut Interruption,
    ) -> Result<GuestMemory<'m>, ExitCode> {
        // A frame of another transaction could refer to an instance of this one.
        if !Arc::ptr_eq(&interruption.transaction, &self.calls.interruptions) {
            return Err(ExitCode::MemoryOutOfBounds);
        }
        Ok(match &mut interruption.waiting {
            Waiting::Returned { frame, .. } => {
                let memory = self.calls.instances.memory(frame);
                memory.unwrap_or_else(GuestMemory::none)
            }
            Waiting::Suspended(frame) => frame.memory(),
        })
    }

    fn prepare(&self, wasm: &[u8]) -> Result<Arc<PreparedProgram>, SystemError> {
        let SystemPrograms {
            executor,
            contract_rules,
            ..
        } = self.calls.programs;
        Ok(executor.prepare(wasm, contract_rules)?)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // They are never resumed.
        self.calls.numbered.clear();
        if self.calls.tier == Tier::Best {
            let unused = self.calls.instances.take_unused();
            self.calls.programs.give_back(unused);
        }
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Transaction")
            .field("instances", &self.calls.instances)
            .field("numbered", &self.calls.numbered)
            .finish_non_exhaustive()
    }
}
