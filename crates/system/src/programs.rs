//! The programs of an embedder, and the instances that outlive a transaction, if they may.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fusee_engine::{CodeHash, Interrupt, ValueType};
use fusee_executor::{Executor, LiveInstance, Prepared};
use fusee_instrument::{Floats, Limits, Rules, Schedule};

use crate::{SystemError, Transaction, syscalls};

/// Pages of memory that a system program may have.
const SYSTEM_PAGES: u64 = 32_768;

/// Pages of memory that any other program may have.
const CONTRACT_PAGES: u64 = 1_024;

/// Who counts what a system program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Billing {
    /// The meter: operators and syscalls are taken from the gas of the call.
    Metered,
    /// The program itself, by `_charge_fuel`. It is metered all the same, so that it can be interrupted.
    Unbilled,
}

/// How long an instance lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// As long as the transaction that made it. Gas and outcome depend on nothing that happened before.
    #[default]
    Transaction,
    /// Longer: when a transaction ends, up to so many instances of each program are kept for others. What a program has in its memory
    /// then depends on what ran before on this machine, and so does the gas of a metered one: never where machines have to agree.
    Longer {
        /// Of each program.
        instances: usize,
    },
}

/// What bounds the calls of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemLimits {
    /// Calls that are inside one another.
    pub depth: usize,
    /// Bytes of wasm memory of all instances that are alive.
    pub memory_bytes: u64,
    /// Bytes of one output.
    pub output_bytes: usize,
}

/// A registered system program: its code, and who counts what it uses. The two, and the rules, are all that its instances depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SystemProgram {
    /// The hash of its code.
    pub code: CodeHash,
    /// Who counts.
    pub billing: Billing,
}

/// System programs, and the pool of their instances. Whoever owns it is the embedder.
#[derive(Debug)]
pub struct SystemPrograms {
    pub(crate) executor: Arc<Executor>,
    pub(crate) contract_rules: Rules,
    pub(crate) system_rules: Rules,
    pub(crate) limits: SystemLimits,
    lifetime: Lifetime,
    programs: BTreeMap<SystemProgram, Arc<Prepared>>,
    /// Which program a hash names: the one that was registered first.
    by_code: BTreeMap<CodeHash, SystemProgram>,
    idle: Mutex<BTreeMap<SystemProgram, Vec<LiveInstance>>>,
}

/// The set `system-1`, for system programs: they may have 32,768 pages of memory, and use floating point.
#[must_use]
pub fn system_rules() -> Rules {
    rules("system-1", SYSTEM_PAGES).with_floats(Floats::Canonical)
}

/// The set `system-1-contract`, for programs that nobody trusts: they may have 1,024 pages of memory.
#[must_use]
pub fn contract_rules() -> Rules {
    rules("system-1-contract", CONTRACT_PAGES)
}

fn rules(name: &'static str, memory_pages: u64) -> Rules {
    let limits = Limits {
        memory_pages,
        ..Limits::v1()
    };
    Rules::named(name, Schedule::v2(), limits, syscalls::v1())
}

impl Default for SystemLimits {
    /// 1,024 calls, 1,536 MiB of memory, outputs of 16 MiB.
    fn default() -> Self {
        Self {
            depth: 1_024,
            memory_bytes: 1_536 << 20,
            output_bytes: 16 << 20,
        }
    }
}

impl SystemPrograms {
    /// No programs yet, on this executor.
    #[must_use]
    pub fn new(executor: Arc<Executor>) -> Self {
        Self {
            executor,
            contract_rules: contract_rules(),
            system_rules: system_rules(),
            limits: SystemLimits::default(),
            lifetime: Lifetime::default(),
            programs: BTreeMap::new(),
            by_code: BTreeMap::new(),
            idle: Mutex::default(),
        }
    }

    /// Other limits than the default ones.
    #[must_use]
    pub const fn limits(mut self, limits: SystemLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How long instances live ([`Lifetime::Transaction`] unless told). Those that are kept already are dropped.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.clear();
        self.lifetime = lifetime;
        self
    }

    /// Makes a program a system program. It is trusted from now on: with instances that remember, and, unbilled, with
    /// all the time there is.
    ///
    /// # Errors
    ///
    /// [`SystemError::Prepare`] if the rules refuse it or it cannot be compiled; [`SystemError::NoEntry`] if it exports
    /// neither of the entries.
    pub fn register(
        &mut self,
        wasm: &[u8],
        billing: Billing,
    ) -> Result<SystemProgram, SystemError> {
        let prepared = self.executor.prepare(wasm, &self.system_rules)?;
        let has = |name, params: &[ValueType]| {
            let export = prepared.program().export(name);
            export
                .is_some_and(|export| export.params == params && export.results == [ValueType::I32])
        };
        if !has("main", &[ValueType::I32; 2]) && !has("deploy", &[]) {
            return Err(SystemError::NoEntry);
        }
        let program = SystemProgram {
            code: prepared.program().code_hash,
            billing,
        };
        self.programs.insert(program, prepared);
        self.by_code.entry(program.code).or_insert(program);
        Ok(program)
    }

    /// Takes a program back, and the instances that were kept of it. Its name means nothing, or another program of the same
    /// code, from now on.
    pub fn remove(&mut self, program: SystemProgram) {
        self.programs.remove(&program);
        self.open().remove(&program);
        self.by_code.remove(&program.code);
        if let Some(other) = self
            .programs
            .keys()
            .find(|other| other.code == program.code)
        {
            self.by_code.insert(program.code, *other);
        }
    }

    /// The system program that a hash names.
    #[must_use]
    pub fn find(&self, code: CodeHash) -> Option<SystemProgram> {
        self.by_code.get(&code).copied()
    }

    /// A transaction, in which system programs are called. `interrupt` stops what runs in it, from any thread.
    #[must_use]
    pub fn transaction(&self, interrupt: Interrupt) -> Transaction<'_> {
        Transaction::new(self, interrupt)
    }

    /// How many instances are kept for later transactions.
    #[must_use]
    pub fn idle_instances(&self) -> usize {
        self.open().values().map(Vec::len).sum()
    }

    /// Drops all instances that are kept.
    pub fn clear(&self) {
        self.open().clear();
    }

    pub(crate) fn prepared(&self, program: SystemProgram) -> Result<&Arc<Prepared>, SystemError> {
        let prepared = self.programs.get(&program);
        prepared.ok_or(SystemError::Unregistered(program.code))
    }

    /// An instance that another transaction left.
    pub(crate) fn lease(&self, program: SystemProgram) -> Option<LiveInstance> {
        self.open().get_mut(&program)?.pop()
    }

    /// Takes instances that a transaction leaves, and that are as good as new: they returned, and nobody waits in them.
    pub(crate) fn give_back(&self, instances: impl Iterator<Item = (SystemProgram, LiveInstance)>) {
        let Lifetime::Longer { instances: most } = self.lifetime else {
            return;
        };
        let mut idle = self.open();
        for (program, live) in instances {
            let kept = idle.entry(program).or_default();
            if kept.len() < most && self.programs.contains_key(&program) {
                kept.push(live);
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<SystemProgram, Vec<LiveInstance>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
