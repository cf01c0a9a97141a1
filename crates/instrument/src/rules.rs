//! Rules: what a program may be, and what it costs.

use fusee_engine::{RulesId, ValueType};

use crate::{
    PolkaVmRules,
    schedule::{Group, Schedule},
    work::UNITS,
};

/// A set of rules by which programs are checked and metered.
///
/// A pure value: programs are prepared from their bytes and these rules and nothing else. Each
/// version is final once a chain runs on it; several live side by side in one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    version: u32,
    schedule: Schedule,
    limits: Limits,
    syscalls: Vec<SyscallSignature>,
    floats: Floats,
    polkavm: Option<PolkaVmRules>,
    profiled: bool,
    id: RulesId,
}

/// Whether programs may compute with floating-point numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Floats {
    /// They may not.
    #[default]
    Refused,
    /// They may. Injected code makes every NaN that an operator computes the canonical one, since
    /// nothing else about floating point is left to the machine.
    Canonical,
}

/// A function that programs may import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyscallSignature {
    /// The module that it is imported from.
    pub module: String,
    /// Its name.
    pub name: String,
    /// The number by which the host is asked. The two greatest mean a profile.
    pub number: u32,
    /// Its parameters, integers; another type, or more than six of them, refuse the program that
    /// imports it.
    pub params: Vec<ValueType>,
    /// Its result, an integer.
    pub result: Option<ValueType>,
    /// Whether the host may park the guest before it answers.
    pub may_suspend: bool,
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $field:ident = $v1:literal,)*) => {
        /// The most that a program may have of each thing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $doc])* pub $field: u64,)*
        }

        impl Limits {
            /// The limits of version 1.
            #[must_use]
            pub const fn v1() -> Self {
                Self { $($field: $v1,)* }
            }

            /// Every limit's name and value.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field)),*].into_iter()
            }
        }
    };
}

limits! {
    /// Bytes of the program.
    code_bytes = 1_048_576,
    /// Bytes of the metered program.
    output_bytes = 4_194_304,
    /// Bytes of one function's body.
    function_bytes = 262_144,
    /// Function types.
    types = 1_000,
    /// Functions, imported ones included.
    functions = 10_000,
    /// Imports.
    imports = 128,
    /// Exports.
    exports = 1_000,
    /// Parameters of a function type or block type.
    params = 32,
    /// Results of a function type or block type.
    results = 16,
    /// Parameters and locals of a function.
    locals = 2_000,
    /// Blocks inside blocks. Compiled state machines have more than 500.
    nesting = 1_024,
    /// Targets of a `br_table`.
    br_table_targets = 4_096,
    /// Globals.
    globals = 1_000,
    /// Tables.
    tables = 16,
    /// Elements of a table, from the start or grown.
    table_elements = 16_384,
    /// Element segments.
    element_segments = 1_000,
    /// Elements of all element segments together.
    segment_elements = 65_536,
    /// Data segments.
    data_segments = 1_000,
    /// Bytes of all data segments together.
    data_bytes = 1_048_576,
    /// Pages of memory from the start; a program may declare a larger maximum, and cannot reach it.
    memory_pages = 1_024,
    /// Work that compiling one function is: units of about a microsecond, which grow faster than the
    /// function does. `docs/limits.md` tells what they are made of.
    function_work = 1_500_000,
    /// Work that compiling all functions together is.
    program_work = 7_000_000,
    /// Bytes of one function's frame.
    frame_bytes = 131_072,
    /// Bytes of all frames that are open at once.
    stack_bytes = 262_144,
}

impl Rules {
    /// The version 1 of the rules, with these functions to import.
    #[must_use]
    pub fn v1(syscalls: Vec<SyscallSignature>) -> Self {
        Self::new(1, Schedule::v1(), Limits::v1(), syscalls)
    }

    /// The version 2 of the rules: with the prices that were measured, and else as version 1.
    #[must_use]
    pub fn v2(syscalls: Vec<SyscallSignature>) -> Self {
        Self::new(2, Schedule::v2(), Limits::v1(), syscalls)
    }

    /// The version 3 of the rules: as version 2, and PolkaVM programs beside those in wasm.
    #[must_use]
    pub fn v3(syscalls: Vec<SyscallSignature>) -> Self {
        Self::new(3, Schedule::v2(), Limits::v1(), syscalls).with_polkavm(PolkaVmRules::v1())
    }

    /// Rules of one's own. The version is for people: what tells rules apart is their [`id`](Self::id).
    #[must_use]
    pub fn new(
        version: u32,
        schedule: Schedule,
        limits: Limits,
        syscalls: Vec<SyscallSignature>,
    ) -> Self {
        let mut rules = Self {
            version,
            schedule,
            limits,
            syscalls,
            floats: Floats::default(),
            polkavm: None,
            profiled: false,
            id: RulesId::from_bytes([0; 32]),
        };
        rules.id = rules.identify();
        rules
    }

    /// The same rules, but for floating point, which they refuse unless this is called.
    #[must_use]
    pub fn with_floats(mut self, floats: Floats) -> Self {
        self.floats = floats;
        self.id = self.identify();
        self
    }

    /// The same rules, but these functions may be imported.
    #[must_use]
    pub fn with_syscalls(mut self, syscalls: Vec<SyscallSignature>) -> Self {
        self.syscalls = syscalls;
        self.id = self.identify();
        self
    }

    /// The same rules, but for PolkaVM programs, which they refuse unless this is called.
    #[must_use]
    pub fn with_polkavm(mut self, polkavm: PolkaVmRules) -> Self {
        self.polkavm = Some(polkavm);
        self.id = self.identify();
        self
    }

    /// The same rules, by which programs also tell where their gas goes, to whoever makes a profile of a run. They are refused
    /// for nothing else, cost the same gas and come to the same end; but they run slower.
    #[must_use]
    pub fn profiled(mut self) -> Self {
        self.profiled = true;
        // What is added for the profile must not refuse the program.
        self.limits.output_bytes = u64::MAX;
        self.id = self.identify();
        self
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The prices.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The functions that may be imported.
    #[must_use]
    pub fn syscalls(&self) -> &[SyscallSignature] {
        &self.syscalls
    }

    /// Whether floating point is admitted.
    #[must_use]
    pub const fn floats(&self) -> Floats {
        self.floats
    }

    /// What holds for PolkaVM programs, if they are admitted.
    #[must_use]
    pub const fn polkavm(&self) -> Option<PolkaVmRules> {
        self.polkavm
    }

    /// Whether programs tell where their gas goes.
    #[must_use]
    pub const fn is_profiled(&self) -> bool {
        self.profiled
    }

    /// Tells these rules from all others.
    #[must_use]
    pub const fn id(&self) -> RulesId {
        self.id
    }

    /// Whether programs may use the operators of a group.
    pub(crate) fn admit(&self, group: Group) -> bool {
        match group {
            Group::Base => true,
            Group::Floats => self.floats == Floats::Canonical,
        }
    }

    /// Digests a text that names everything in the rules, a line each.
    fn identify(&self) -> RulesId {
        let Self {
            version,
            schedule,
            limits,
            syscalls,
            floats,
            polkavm,
            profiled,
            id: _,
        } = self;
        let mut text = format!("rules {version}\nschedule {}\n", schedule.version);
        for (name, price) in schedule.operators() {
            text.push_str(&format!("{name} = {price}\n"));
        }
        text.push_str(&format!(
            "{:?}\n{:?}\n{:?}\nfloats {floats:?}\n",
            schedule.dynamic, schedule.instance, schedule.frame
        ));
        for (name, limit) in limits.iter() {
            text.push_str(&format!("{name} <= {limit}\n"));
        }
        text.push_str(&format!("{UNITS:?}\n"));
        for syscall in syscalls {
            text.push_str(&format!("{syscall:?}\n"));
        }
        if let Some(polkavm) = polkavm {
            text.push_str(&format!("{polkavm:?}\n"));
        }
        if *profiled {
            text.push_str("profiled\n");
        }
        RulesId::of(text.as_bytes())
    }
}
