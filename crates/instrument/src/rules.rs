//! Rules: what a program may be, and what it costs.

use std::{borrow::Cow, collections::BTreeMap, fmt, iter, sync::Arc};

use fusee_engine::{Format, RulesId};
use sha2::{Digest, Sha256};

use crate::{
    Extensions, Floats, InstructionSets, Limits, PolkaVmChecks, PolkaVmRules, SyscallPrices,
    SyscallRule,
    encoding::RulesWriter,
    schedule::{Group, Row, Schedule},
    work::UNITS,
};

/// A set of rules by which programs are checked and metered.
///
/// A pure value: programs are prepared from their bytes and these rules and nothing else. A
/// published set is final; several live side by side in one process. The [`name`](Self::name) is
/// for people. The [`id`](Self::id) tells sets apart: it is the digest of the canonical encoding,
/// and is computed when the set is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    name: Cow<'static, str>,
    schedule: Schedule,
    limits: Limits,
    syscalls: Arc<[SyscallRule]>,
    prices: Arc<SyscallPrices>,
    floats: Floats,
    extensions: Extensions,
    polkavm: Option<PolkaVmRules>,
    profiled: bool,
    head: Head,
    id: RulesId,
}

/// The encoding of everything but the syscalls, and the digest of that far: the rules of every
/// program that has syscalls of its own begin so.
#[derive(Clone)]
struct Head {
    bytes: Arc<[u8]>,
    digest: Sha256,
}

impl Rules {
    /// The set `program-1`, with these syscalls. It refuses floating point and PolkaVM programs.
    #[must_use]
    pub fn v1(syscalls: Vec<SyscallRule>) -> Self {
        Self::named("program-1", Schedule::v1(), Limits::v1(), syscalls)
    }

    /// [`v1`](Self::v1), which also admits programs of every other format: those for PolkaVM.
    #[must_use]
    pub fn v1_of_all_formats(syscalls: Vec<SyscallRule>) -> Self {
        Self::v1(syscalls).with_polkavm(PolkaVmRules::v1())
    }

    /// A set of rules with a name of one's own. It refuses floating point and PolkaVM programs.
    #[must_use]
    pub fn named(
        name: impl Into<Cow<'static, str>>,
        schedule: Schedule,
        limits: Limits,
        syscalls: Vec<SyscallRule>,
    ) -> Self {
        Self {
            name: name.into(),
            schedule,
            limits,
            prices: Arc::new(SyscallPrices::new(&syscalls)),
            syscalls: syscalls.into(),
            floats: Floats::default(),
            extensions: Extensions::NONE,
            polkavm: None,
            profiled: false,
            head: Head::of(Vec::new()),
            id: RulesId::from_bytes([0; 32]),
        }
        .sealed()
    }

    /// The same rules under another name.
    #[must_use]
    pub fn with_name(self, name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        Self { name, ..self }.sealed()
    }

    /// The same rules with other syscalls.
    #[must_use]
    pub fn with_syscalls(self, syscalls: Vec<SyscallRule>) -> Self {
        Self {
            prices: Arc::new(SyscallPrices::new(&syscalls)),
            syscalls: syscalls.into(),
            ..self
        }
        .identified()
    }

    /// The same rules with other limits. Default: [`Limits::v1`].
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }.sealed()
    }

    /// The same rules with another decision on floating point. Default: [`Floats::Refused`].
    #[must_use]
    pub fn with_floats(self, floats: Floats) -> Self {
        Self { floats, ..self }.sealed()
    }

    /// The same rules, which also admit these features. Default: [`Extensions::NONE`].
    #[must_use]
    pub fn with_extensions(self, extensions: Extensions) -> Self {
        Self { extensions, ..self }.sealed()
    }

    /// The same rules, which also admit PolkaVM programs.
    #[must_use]
    pub fn with_polkavm(self, polkavm: PolkaVmRules) -> Self {
        let polkavm = Some(polkavm);
        Self { polkavm, ..self }.sealed()
    }

    /// The same rules, by which programs also report where their gas goes, for profiles of their
    /// runs. Programs are refused for the same reasons, cost the same gas and come to the same end.
    /// They run slower. The id is the same.
    #[must_use]
    pub fn profiled(self) -> Self {
        let profiled = true;
        Self { profiled, ..self }
    }

    /// The name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The prices of operators.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The functions that may be imported, and their prices.
    #[must_use]
    pub fn syscalls(&self) -> &[SyscallRule] {
        &self.syscalls
    }

    /// The prices of syscalls, for the host that charges them.
    #[must_use]
    pub const fn prices(&self) -> &Arc<SyscallPrices> {
        &self.prices
    }

    /// Whether floating point is admitted.
    #[must_use]
    pub const fn floats(&self) -> Floats {
        self.floats
    }

    /// The features that are admitted beside those of all rules.
    #[must_use]
    pub const fn extensions(&self) -> Extensions {
        self.extensions
    }

    /// What holds for PolkaVM programs, if they are admitted.
    #[must_use]
    pub const fn polkavm(&self) -> Option<PolkaVmRules> {
        self.polkavm
    }

    /// The formats of programs that are admitted.
    pub fn formats(&self) -> impl Iterator<Item = Format> + use<> {
        iter::once(Format::Wasm).chain(self.polkavm.map(|_| Format::PolkaVm))
    }

    /// Whether programs report where their gas goes.
    #[must_use]
    pub const fn is_profiled(&self) -> bool {
        self.profiled
    }

    /// The digest of the [encoding](Self::encode).
    #[must_use]
    pub const fn id(&self) -> RulesId {
        self.id
    }

    /// The canonical encoding, which `docs/book/src/rules.md` documents. Whether the rules are
    /// [profiled](Self::profiled) is not part of it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&*self.head.bytes, &self.tail()].concat()
    }

    /// The encoding of the syscalls.
    fn tail(&self) -> Vec<u8> {
        let mut writer = RulesWriter::part();
        writer.list(&self.syscalls, RulesWriter::syscall);
        writer.finish()
    }

    /// Whether programs may use the operators of a group.
    pub(crate) fn admit(&self, group: Group) -> bool {
        match group {
            Group::Base => true,
            Group::Floats => self.floats == Floats::Canonical,
            Group::TailCalls => self.extensions.tail_calls,
            Group::TableGrow => {
                self.extensions.table_grow && self.schedule.has_price(Row::TableGrow)
            }
            Group::WideArithmetic => {
                self.extensions.wide_arithmetic && self.schedule.has_price(Row::I64Add128)
            }
        }
    }

    /// The most bytes of a metered program. What is added for a profile does not refuse a program.
    pub(crate) const fn most_output_bytes(&self) -> u64 {
        if self.profiled {
            u64::MAX
        } else {
            self.limits.output_bytes
        }
    }

    /// Encodes everything but the syscalls, and takes the id.
    fn sealed(mut self) -> Self {
        let Self {
            name,
            schedule,
            limits,
            floats,
            extensions,
            polkavm,
            syscalls: _,
            prices: _,
            profiled: _,
            head: _,
            id: _,
        } = &self;
        let generation = extensions.generation();
        let mut writer = RulesWriter::new(match generation {
            0 => "program rules",
            1 => "extended program rules",
            _ => "further extended program rules",
        });
        writer.text(name);
        writer.schedule(schedule);
        writer.limits(limits);
        writer.units();
        writer.floats(*floats);
        writer.polkavm(*polkavm);
        writer.extensions(*extensions);
        self.head = Head::of(writer.finish());
        self.identified()
    }

    fn identified(mut self) -> Self {
        let digest = self.head.digest.clone().chain_update(self.tail());
        self.id = RulesId::from_bytes(digest.finalize().into());
        self
    }
}

impl Head {
    fn of(bytes: Vec<u8>) -> Self {
        Self {
            digest: Sha256::new_with_prefix(&bytes),
            bytes: bytes.into(),
        }
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Head {}

impl fmt::Debug for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Head").field(&self.bytes).finish()
    }
}

impl fmt::Display for Rules {
    /// A listing of everything in the rules, for people.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Schedule {
            version,
            operators: _,
            resident_pages,
            dynamic,
            instance,
            frame,
        } = &self.schedule;
        writeln!(formatter, "rules {}", self.name)?;
        writeln!(formatter, "id {}", self.id)?;
        writeln!(formatter, "schedule {version}")?;
        let mut operators: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
        for (name, price) in self.schedule.operators() {
            operators.entry(price).or_default().push(name);
        }
        for (price, names) in operators {
            writeln!(formatter, "  {price}: {}", names.join(", "))?;
        }
        writeln!(formatter, "  resident_pages: {resident_pages}")?;
        writeln!(formatter, "  grow_page: {}", dynamic.grow_page)?;
        writeln!(formatter, "  grow_far_page: {}", dynamic.grow_far_page)?;
        writeln!(formatter, "  bulk_64_bytes: {}", dynamic.bulk_64_bytes)?;
        writeln!(formatter, "  table_element: {}", dynamic.table_element)?;
        if self.schedule.has_price(Row::TableGrow) {
            writeln!(formatter, "  grow_element: {}", dynamic.grow_element)?;
        }
        for (name, price) in instance.iter() {
            writeln!(formatter, "  instance {name}: {price}")?;
        }
        writeln!(
            formatter,
            "  frame bytes: {} + {}/slot + {}/(8 operators)",
            frame.base, frame.slot, frame.eight_operators
        )?;
        writeln!(formatter, "limits")?;
        for (name, limit) in self.limits.iter() {
            writeln!(formatter, "  {name}: {limit}")?;
        }
        writeln!(formatter, "work {UNITS:?}")?;
        let floats = match self.floats {
            Floats::Refused => "refused",
            Floats::Canonical => "canonical",
        };
        writeln!(formatter, "floats {floats}")?;
        for (name, _) in self.extensions.iter().filter(|(_, admitted)| *admitted) {
            writeln!(formatter, "{name} admitted")?;
        }
        match self.polkavm {
            None => writeln!(formatter, "polkavm refused")?,
            Some(polkavm) => {
                writeln!(
                    formatter,
                    "polkavm {}: {} gas for {} units, {}/instruction, {}/block",
                    polkavm.version,
                    polkavm.rate.gas(),
                    polkavm.rate.units(),
                    polkavm.code_instruction,
                    polkavm.code_block
                )?;
                if polkavm.instruction_sets == InstructionSets::ReviveV1AndJamV1 {
                    writeln!(formatter, "  also for jamv1")?;
                }
                if polkavm.checks == PolkaVmChecks::Lenient {
                    writeln!(formatter, "  checked leniently")?;
                }
            }
        }
        writeln!(formatter, "syscalls {}", self.syscalls.len())?;
        self.syscalls
            .iter()
            .try_for_each(|syscall| writeln!(formatter, "  {syscall}"))
    }
}
