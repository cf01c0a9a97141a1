//! The system programs of an embedder, and the pool of their instances.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fusee_engine::{CodeHash, Gas, ValueType};
use fusee_executor::{Executor, HostFunctions, Linker, LiveInstance, PreparedProgram};
use fusee_instrument::{Extensions, Floats, Limits, Rules, Schedule, SyscallPrice, SyscallRule};

use crate::{CallContext, SystemError, syscalls};

/// The limit of memory pages of a system program.
const SYSTEM_PAGES: u64 = 32_768;

/// The limit of memory pages of any other program.
const CONTRACT_PAGES: u64 = 1_024;

/// The metering of a system program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Billing {
    /// By the meter: operators and syscalls are charged to the gas of the call.
    Metered,
    /// By the program itself, with `_charge_fuel`. The program is also metered, without a limit, so
    /// that it can be interrupted.
    SelfMetered,
}

/// The lifetime of instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// Instances live as long as their transaction. Gas and outcome do not depend on earlier
    /// transactions.
    #[default]
    Transaction,
    /// At the end of a transaction, its unused instances move to a pool for later transactions. The
    /// memory of a program then depends on earlier transactions on this machine, and so does the
    /// gas of a metered program. Never use it where nodes must agree.
    Pooled {
        /// Maximum number of pooled instances for each program.
        instances: usize,
    },
}

/// The limits of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemLimits {
    /// Maximum number of nested calls.
    pub depth: usize,
    /// Maximum guest memory of all live instances in bytes.
    pub memory_bytes: u64,
    /// Maximum output of a call in bytes.
    pub output_bytes: usize,
}

/// The prices of a program at depth 0, besides those of its operators and syscalls. The interface
/// has no prices for these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemPrices {
    /// Each `_exec` and `_resume`, which suspend the program.
    pub call: Gas,
    /// The answer that `_resume` copies.
    pub answer: SyscallPrice,
    /// Code that is not a system program's. The base is charged for the lookup, before the embedder
    /// is asked, and whether it has the code or not. The rest is charged for the size of the code,
    /// before it is hashed.
    pub code: SyscallPrice,
}

/// A registered system program.
// In C's layout, so that the hash is at the offset 0. It is copied and compared in pieces of 16
// bytes, and a processor cannot forward a piece from its store buffer that lies across two.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SystemProgram {
    /// The hash of its code.
    pub code: CodeHash,
    /// The metering of the program.
    pub billing: Billing,
}

/// The registered system programs, and the pool of their instances. The embedder owns it.
#[derive(Debug)]
pub struct SystemPrograms {
    pub(crate) executor: Arc<Executor>,
    pub(crate) contract_rules: Rules,
    pub(crate) system_rules: Rules,
    pub(crate) limits: SystemLimits,
    pub(crate) prices: SystemPrices,
    /// The embedder's own imports.
    pub(crate) imports: HostFunctions<CallContext>,
    lifetime: Lifetime,
    programs: BTreeMap<SystemProgram, Arc<PreparedProgram>>,
    /// The program that a hash refers to: the first one registered.
    by_code: BTreeMap<CodeHash, SystemProgram>,
    pool: Mutex<BTreeMap<SystemProgram, Vec<LiveInstance>>>,
}

/// The set `system-1`, for system programs: at most 32,768 pages of memory, with floating point.
#[must_use]
pub fn system_rules() -> Rules {
    rules("system-1", SYSTEM_PAGES, syscalls::v1()).with_floats(Floats::Canonical)
}

/// The set `system-1-contract`, for untrusted programs: at most 1,024 pages of memory.
#[must_use]
pub fn contract_rules() -> Rules {
    rules("system-1-contract", CONTRACT_PAGES, syscalls::v1())
}

/// What the sets of version 1.5 admit beside what all rules admit.
const EXTENSIONS_V1_5: Extensions = Extensions {
    tail_calls: true,
    extended_constants: true,
    ..Extensions::NONE
};

/// The set `system-1.5`, for system programs: as [`system_rules`], with version 1.5 of the
/// interface ([`syscalls::v1_5`]), tail calls and extended constants.
#[must_use]
pub fn system_rules_v1_5() -> Rules {
    rules("system-1.5", SYSTEM_PAGES, syscalls::v1_5())
        .with_floats(Floats::Canonical)
        .with_extensions(EXTENSIONS_V1_5)
}

/// The set `system-1.5-contract`, for untrusted programs: as [`contract_rules`], with version 1.5
/// of the interface ([`syscalls::v1_5`]), tail calls and extended constants.
#[must_use]
pub fn contract_rules_v1_5() -> Rules {
    rules("system-1.5-contract", CONTRACT_PAGES, syscalls::v1_5()).with_extensions(EXTENSIONS_V1_5)
}

fn rules(name: &'static str, memory_pages: u64, syscalls: Vec<SyscallRule>) -> Rules {
    let limits = Limits {
        memory_pages,
        ..Limits::v1()
    };
    Rules::named(name, Schedule::v1(), limits, syscalls)
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

impl Default for SystemPrices {
    /// A call costs 1,500, and takes 0.7 to 1.1 us. An answer costs 60 for each 32 bytes, as other
    /// copies. Code costs 5,000, as the call of a contract, and 2 for each byte, which takes 1.1 ns
    /// to hash.
    fn default() -> Self {
        Self {
            call: Gas::new(1_500),
            answer: SyscallPrice::words(0, 60),
            code: SyscallPrice::bytes(5_000, 2),
        }
    }
}

impl SystemPrograms {
    /// Creates an empty registry on this executor.
    #[must_use]
    pub fn new(executor: Arc<Executor>) -> Self {
        Self {
            executor,
            contract_rules: contract_rules(),
            system_rules: system_rules(),
            limits: SystemLimits::default(),
            prices: SystemPrices::default(),
            imports: Linker::new().functions(),
            lifetime: Lifetime::default(),
            programs: BTreeMap::new(),
            by_code: BTreeMap::new(),
            pool: Mutex::default(),
        }
    }

    /// Sets the rules of system programs and of the programs that they run (default:
    /// [`system_rules`], [`contract_rules`]). Removes all programs and the embedder's own imports.
    ///
    /// # Errors
    ///
    /// [`SystemError::UnknownSyscall`] if they list a syscall that the interface does not have.
    pub fn rules(mut self, system: Rules, contract: Rules) -> Result<Self, SystemError> {
        for rule in system.syscalls().iter().chain(contract.syscalls()) {
            if syscalls::SYSCALLS
                .iter()
                .all(|row| row.number != rule.number)
            {
                return Err(SystemError::UnknownSyscall {
                    name: rule.name.clone(),
                    number: rule.number,
                });
            }
        }
        self.clear();
        self.programs.clear();
        self.by_code.clear();
        self.imports = Linker::new().functions();
        self.system_rules = system;
        self.contract_rules = contract;
        Ok(self)
    }

    /// Adds imports of the embedder's own to the rules: host functions over the context of the call
    /// ([`CallContext`]). They get numbers from [`OWN`](syscalls::OWN), in their order. Removes all
    /// programs, and imports that were added before.
    ///
    /// Their gas is charged to the meter, whatever the billing of the program.
    ///
    /// # Errors
    ///
    /// [`SystemError::Import`] if the interface has an import of this name, or a function may
    /// suspend.
    pub fn imports(mut self, imports: &Linker<CallContext>) -> Result<Self, SystemError> {
        let own = |rules: &Rules| -> Result<Rules, SystemError> {
            let syscalls = rules.syscalls().iter();
            let mut listed: Vec<SyscallRule> = syscalls
                .filter(|rule| rule.number < syscalls::OWN)
                .cloned()
                .collect();
            for rule in imports.syscalls() {
                let is_named =
                    |known: &SyscallRule| known.module == rule.module && known.name == rule.name;
                let reason = match rule.may_suspend {
                    true => Some("may not suspend: a system program waits in `_exec` only"),
                    false => listed
                        .iter()
                        .any(is_named)
                        .then_some("is the interface's: choose another name"),
                };
                if let Some(reason) = reason {
                    return Err(SystemError::Import {
                        module: rule.module,
                        name: rule.name,
                        reason,
                    });
                }
                listed.push(SyscallRule {
                    number: rule.number.saturating_add(syscalls::OWN),
                    ..rule
                });
            }
            Ok(rules.clone().with_syscalls(listed))
        };
        let (system, contract) = (own(&self.system_rules)?, own(&self.contract_rules)?);
        self.clear();
        self.programs.clear();
        self.by_code.clear();
        self.imports = imports.functions();
        self.system_rules = system;
        self.contract_rules = contract;
        Ok(self)
    }

    /// Sets the limits (default: [`SystemLimits::default`]).
    #[must_use]
    pub const fn limits(mut self, limits: SystemLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the prices of programs at depth 0 (default: [`SystemPrices::default`]).
    #[must_use]
    pub const fn prices(mut self, prices: SystemPrices) -> Self {
        self.prices = prices;
        self
    }

    /// Sets how long instances live (default: [`Lifetime::Transaction`]). Drops pooled instances.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.clear();
        self.lifetime = lifetime;
        self
    }

    /// Registers a program as a system program, and compiles it. The embedder trusts it from now
    /// on: its instances keep their memory between calls, and a self-metered program can run for
    /// any time.
    ///
    /// # Errors
    ///
    /// [`SystemError::Prepare`] if the rules refuse it or it cannot be compiled;
    /// [`SystemError::NoEntry`] if it exports neither of the entries.
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
        self.executor.compile_for(&prepared, Gas::MAX);
        let program = SystemProgram {
            code: prepared.program().code_hash,
            billing,
        };
        self.programs.insert(program, prepared);
        self.by_code.entry(program.code).or_insert(program);
        Ok(program)
    }

    /// Removes a program and its pooled instances. If the same code is registered with other
    /// billing, the hash refers to that program from now on.
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

    /// The system program that a hash refers to.
    #[must_use]
    pub fn find(&self, code: CodeHash) -> Option<SystemProgram> {
        self.by_code.get(&code).copied()
    }

    /// The number of pooled instances.
    #[must_use]
    pub fn idle_instances(&self) -> usize {
        self.open().values().map(Vec::len).sum()
    }

    /// Drops all pooled instances.
    pub fn clear(&self) {
        self.open().clear();
    }

    pub(crate) fn prepared(
        &self,
        program: SystemProgram,
    ) -> Result<&Arc<PreparedProgram>, SystemError> {
        let prepared = self.programs.get(&program);
        prepared.ok_or(SystemError::Unregistered(program.code))
    }

    /// Takes a pooled instance.
    pub(crate) fn take_pooled(&self, program: SystemProgram) -> Option<LiveInstance> {
        self.open().get_mut(&program)?.pop()
    }

    /// Moves the unused instances of a transaction to the pool: their entries returned, and no
    /// frame waits in them.
    pub(crate) fn give_back(&self, instances: impl Iterator<Item = (SystemProgram, LiveInstance)>) {
        let Lifetime::Pooled { instances: most } = self.lifetime else {
            return;
        };
        let mut pool = self.open();
        for (program, live) in instances {
            let pooled = pool.entry(program).or_default();
            if pooled.len() < most && self.programs.contains_key(&program) {
                pooled.push(live);
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<SystemProgram, Vec<LiveInstance>>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
