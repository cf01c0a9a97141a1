//! Nested VMs that an embedder runs directly, without an owner.

use std::sync::Arc;

use fusee_engine::{EngineError, Gas};
use fusee_executor::{
    Callee, Direct, Driver, DriverSettings, FrameLimits, Payer, Progress, RunError, Suspension,
};

use crate::{
    children::Children,
    error::VirtualizationError,
    guest::Guest,
    instance::{ChildProgress, Execution, Instance, Outcome},
    limits::Tree,
    nested::{Call, Nested, Return},
    owner::{NoOwner, Owner},
    wire::{ExecBuffer, ExecError, ExecStatus, InstanceId},
};

/// The host of a nested VM that an embedder runs.
type Embedded = Guest<NoOwner>;

impl Instance {
    /// Prepares the instance to run an exported function, and allocates its memory. Compiles the
    /// program first, if the instance is fresh. The first run of a fresh instance begins with the
    /// start function and `_initialize`. No run pays for the instantiation.
    ///
    /// # Errors
    ///
    /// The unchanged instance as inner error, if the program has no such function, or if one of its
    /// parameters is not an integer. [`VirtualizationError`] if the engine cannot create the
    /// instance.
    pub fn prepare(
        self,
        function: &[u8],
    ) -> Result<Result<Execution<Embedded>, Self>, VirtualizationError> {
        self.compile();
        self.prepare_now(function)
    }
}

impl<H: Owner> Execution<Guest<H>> {
    /// Runs the guest with this gas limit until the function returns, makes a syscall, or fails.
    /// `a0` is the first argument of the function, or the reply to the syscall. A negative limit is
    /// out of gas at once.
    ///
    /// # Errors
    ///
    /// [`VirtualizationError`] if the host fails. This destroys the instance.
    #[inline]
    pub fn run(self, gas: i64, a0: u64) -> Result<Outcome<Guest<H>>, VirtualizationError> {
        let Ok(gas) = u64::try_from(gas) else {
            let instance = self.abort();
            return Ok(Outcome::OutOfGas { instance });
        };
        if !self.module().is_owner() {
            return self.run_alone(Gas::new(gas), a0);
        }
        self.run_tree(Gas::new(gas), a0)
    }

    /// Like [`run`](Self::run), for a guest that may have nested VMs.
    fn run_tree(self, gas: Gas, a0: u64) -> Result<Outcome<Guest<H>>, VirtualizationError> {
        let tree = Arc::clone(self.module().tree());
        let (running, callee) = self.into_callee(gas, Payer::Other, a0);
        let reached = drive(&tree, callee)?;
        running.leave(reached)
    }
}

impl<H: Owner> Children<Guest<H>> {
    /// Runs a prepared instance until it returns, makes a syscall, or fails. Afterwards it is
    /// prepared if it made a syscall, and otherwise idle.
    ///
    /// # Errors
    ///
    /// Inner error [`ExecError::InvalidInstance`] if no instance has this number, or it is idle.
    /// Inner errors [`ExecError::OutOfGas`] and [`ExecError::Trap`]. [`VirtualizationError`] as
    /// [`Execution::run`], which destroys the instance.
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

/// Runs a nested VM that may itself have nested VMs, until it ends or makes a syscall for its
/// owner.
fn drive<H: Owner>(
    tree: &Arc<Tree>,
    callee: Callee<Guest<H>>,
) -> Result<ChildProgress<Guest<H>>, VirtualizationError> {
    let settings = DriverSettings {
        // The limit of nesting bounds the depth of the stack.
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
            let why = "internal error: a nested VM returned the result of an owner";
            let error = EngineError::Host(why.into());
            Err(RunError::from(error).into())
        }
    }
}
