//! Nested VMs that an embedder runs itself, without a guest that owns them.

use std::sync::Arc;

use fusee_engine::{EngineError, Gas};
use fusee_executor::{
    Callee, Direct, Driver, DriverSettings, FrameLimits, Payer, Progress, RunError, Suspension,
};

use crate::{
    children::Children,
    error::VirtualizationError,
    guest::Guest,
    instance::{Execution, Instance, Outcome, Reached},
    limits::Tree,
    nested::{Call, Nested, Return},
    owner::Owner,
    wire::{ExecBuffer, ExecError, ExecStatus, InstanceId},
};

/// The host of a nested VM that an embedder runs.
type Embedded = Guest<()>;

impl Instance {
    /// Makes the instance ready to run an exported function. Its memory exists from then on. The
    /// first run of a fresh instance runs the start function and `_initialize` first. No run pays
    /// for the instantiation.
    ///
    /// # Errors
    ///
    /// The instance inside, unchanged, if the program has no such function, or one with a parameter
    /// that is not an integer; [`VirtualizationError`] if the engine cannot make the instance.
    pub fn prepare(
        self,
        function: &[u8],
    ) -> Result<Result<Execution<Embedded>, Self>, VirtualizationError> {
        // How much gas it will be given is unknown: it is compiled, as for a run with much gas.
        self.prepare_for(function, Gas::MAX)
    }
}

impl<H: Owner> Execution<Guest<H>> {
    /// Runs until the function returns, the guest makes a syscall, or fails: with so much gas,
    /// whatever it had, and `a0` as the function's first argument, or as the answer to the syscall.
    /// With less than no gas it is out of gas at once.
    ///
    /// # Errors
    ///
    /// [`VirtualizationError`] if the host fails. The instance is destroyed.
    pub fn run(self, gas: i64, a0: u64) -> Result<Outcome<Guest<H>>, VirtualizationError> {
        let Ok(gas) = u64::try_from(gas) else {
            let instance = self.abort();
            return Ok(Outcome::OutOfGas { instance });
        };
        if !self.module().is_owner() {
            return self.run_alone(Gas::new(gas), a0);
        }
        let tree = Arc::clone(self.module().tree());
        let (running, callee) = self.into_callee(Gas::new(gas), Payer::Other, a0);
        let reached = drive(&tree, callee)?;
        running.leave(reached)
    }
}

impl<H: Owner> Children<Guest<H>> {
    /// Runs a ready instance until it returns, makes a syscall, or fails. It is ready again if it
    /// makes a syscall, and idle if not.
    ///
    /// # Errors
    ///
    /// [`ExecError::InvalidInstance`] inside if no instance has this number, or it is idle;
    /// [`ExecError::OutOfGas`] and [`ExecError::Trap`]. [`VirtualizationError`] as
    /// [`Execution::run`]; the instance is destroyed.
    pub fn run(
        &mut self,
        instance: InstanceId,
        gas: i64,
        a0: u64,
    ) -> Result<Result<(ExecStatus, ExecBuffer), ExecError>, VirtualizationError> {
        let execution = match self.take_ready(instance, gas) {
            Ok(execution) => execution,
            Err(error) => return Ok(Err(error)),
        };
        let outcome = execution.run(gas, a0)?;
        Ok(self.put_back(instance, gas, outcome))
    }
}

/// Runs a nested VM that may have nested VMs: how far it comes without its owner.
fn drive<H: Owner>(
    tree: &Arc<Tree>,
    callee: Callee<Guest<H>>,
) -> Result<Reached<Guest<H>>, VirtualizationError> {
    let settings = DriverSettings {
        // Generations bound how deep nested VMs are.
        limits: FrameLimits {
            depth: 0,
            memory_bytes: 0,
        },
        suspension: Suspension::AsNeeded,
        tier: tree.settings().tier,
        interrupt: tree.settings().interrupt.clone(),
    };
    let mut driver = Driver::new(Arc::clone(tree.executor()), settings);
    let mut layer = Nested::none(Direct::<H, VirtualizationError>::new());
    match driver.call(&mut layer, Call::Child(callee))? {
        Progress::Returned {
            value: Return::Child(reached),
            ..
        } => Ok(reached),
        _ => {
            let why = "internal error: a nested VM has the result of its owner";
            let error = EngineError::Host(why.into());
            Err(RunError::from(error).into())
        }
    }
}
