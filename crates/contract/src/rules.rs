//! Versioned rules of contracts: imports, limits and prices.
//!
//! A published version is final. It lists each syscall with its price, so that a new row in the
//! syscall table does not change it.

mod extensions;
mod large;
mod named;
mod v2;
mod wasi;

use std::{borrow::Cow, fmt, sync::Arc};

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_abi as abi;
use fusee_engine::{Export, Gas, Program, RulesId};
use fusee_executor::FrameLimits;
use fusee_instrument::{Refusal, Rule, Rules, SyscallPrice, SyscallRule, encoding::RulesWriter};
use fusee_virtualization::{ChildRules, Symbols, functions};

pub use extensions::Extensions;

/// The id of a set of contract rules: the SHA-256 digest of its canonical encoding. If the rules
/// have a deposit for storage, the last eight bytes are that deposit, big-endian: so a program that
/// meets the id in a chain can make the rules, of which there are too many to try.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshDeserialize, BorshSerialize)]
pub struct ContractRulesId([u8; 32]);

impl ContractRulesId {
    /// Creates an id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The deposit that the rules have if they have one. Of other ids, it is any number.
    #[must_use]
    pub fn deposit(&self) -> u64 {
        let last = self.0.last_chunk();
        last.map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

impl fmt::Display for ContractRulesId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        RulesId::from_bytes(self.0).fmt(formatter)
    }
}

impl fmt::Debug for ContractRulesId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Everything besides state and transactions that all nodes must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractRules {
    /// The name, for display.
    pub name: Cow<'static, str>,
    /// The rules of programs: admitted features, and prices of operators and syscalls.
    pub program: Rules,
    /// The limits of the call stack.
    pub frames: FrameLimits,
    /// The size limits of single items.
    pub limits: ContractLimits,
    /// The prices besides those of operators and syscalls.
    pub prices: ContractPrices,
    /// The rules of nested VMs. `None` if contracts may not have nested VMs.
    pub children: Option<ContractChildren>,
    /// What came with version 2. `None`: as in version 1.
    pub extensions: Option<Extensions>,
}

/// The rules of a contract's nested VMs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractChildren {
    /// The rules of the programs, and of their imports. Shared: each transaction has them.
    pub rules: Arc<ChildRules>,
    /// Maximum number of modules in a transaction. Their code stays in memory, and is not evicted.
    pub modules: u32,
    /// Maximum number of instances in a transaction.
    pub instances: u32,
    /// Maximum depth of nesting. VMs at this depth may not have nested VMs.
    pub generations: u32,
}

/// Size limits of the items that syscalls handle, and of loaded code, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractLimits {
    /// A key in storage.
    pub key_bytes: u32,
    /// A value in storage.
    pub value_bytes: u32,
    /// The topic of an event.
    pub topic_bytes: u32,
    /// The name of a method.
    pub method_bytes: u32,
    /// The data of an event, an oracle request, a message that is hashed or verified. In version 1
    /// also an input, an output and a revert message.
    pub data_bytes: u32,
    /// The code of all contracts together that a transaction calls.
    pub loaded_bytes: u32,
    /// Not a limit: how much of a contract's code is loaded for the price of its call. What is
    /// beyond costs [`ContractPrices::loaded_byte`].
    pub included_bytes: u32,
}

/// Prices besides those of operators and syscalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractPrices {
    /// The base price of a transaction.
    pub transaction: Gas,
    /// The price of a byte of input.
    pub input_byte: Gas,
    /// The price of a byte of deployed code, which is validated, metered, compiled and stored.
    pub code_byte: Gas,
    /// The price of a byte of a contract's code beyond [`ContractLimits::included_bytes`], for the
    /// first call of this code in a transaction.
    pub loaded_byte: Gas,
    /// The price of a page of a caller's memory, for each call, since the page stays allocated
    /// during the call.
    pub held_page: Gas,
}

impl ContractRules {
    /// The rules `contract-1`: programs of all formats, which may have nested VMs. The programs of
    /// nested VMs follow the rules of contract programs, but may import any symbols.
    #[must_use]
    pub fn v1() -> Self {
        let children = Rules::v1_of_all_formats(functions::v1()).with_name("contract-1-child");
        let mut program = syscalls(SYSCALLS);
        program.extend(functions::v1());
        Self {
            name: "contract-1".into(),
            program: Rules::v1_of_all_formats(program).with_name("contract-1-program"),
            frames: FrameLimits {
                depth: 128,
                memory_bytes: 64 << 20,
            },
            limits: ContractLimits {
                key_bytes: 1_024,
                value_bytes: 131_072,
                topic_bytes: 256,
                method_bytes: 256,
                data_bytes: 1_048_576,
                loaded_bytes: 8 << 20,
                included_bytes: 8 << 10,
            },
            prices: ContractPrices {
                transaction: Gas::new(10_000),
                input_byte: Gas::new(4),
                code_byte: Gas::new(50),
                loaded_byte: Gas::new(2),
                held_page: Gas::new(500),
            },
            children: Some(ContractChildren {
                rules: Arc::new(ChildRules::new(children, Symbols::Any)),
                modules: 256,
                instances: 64,
                generations: 4,
            }),
            extensions: None,
        }
    }

    /// The rules `contract-2`: those of version 1 at the same prices, and what [`Extensions`]
    /// cover.
    #[must_use]
    pub fn v2() -> Self {
        v2::rules()
    }

    /// Whether code can be uploaded and contracts upgraded, and whether contracts look at what they
    /// are sent: since version 2.
    #[must_use]
    pub const fn has_upgrades(&self) -> bool {
        self.extensions.is_some()
    }

    /// Adds the oracle syscall (`oracle_request`) to these rules. No published rules admit it,
    /// because the replies are not signed and receipts depend on them.
    #[must_use]
    pub fn with_oracle(mut self) -> Self {
        let mut listed = self.program.syscalls().to_vec();
        if listed
            .iter()
            .all(|syscall| syscall.number != abi::ORACLE_REQUEST)
        {
            listed.extend(syscalls(ORACLE_SYSCALLS));
            let name = format!("{}-oracle", self.name);
            self.program = self
                .program
                .with_syscalls(listed)
                .with_name(format!("{name}-program"));
            self.name = name.into();
        }
        self
    }

    /// Demands a deposit for each byte of a contract's storage, in the smallest unit of balances.
    /// No published rules do, because the worth of a unit is the chain's affair. Rules of version 1
    /// have no deposit, and stay as they are.
    #[must_use]
    pub fn with_deposit(mut self, byte: u64) -> Self {
        if let Some(extensions) = &mut self.extensions {
            extensions.deposit_byte = byte;
            self.name = format!("{}-deposit-{byte}", self.name).into();
        }
        self
    }

    /// Adds WASI preview 1 (`docs/book/src/wasi.md`), for programs of toolchains that need it to
    /// start. No published rules admit it, because its clock and its random bytes are not what a
    /// program takes them for. Rules of version 1 get the [`Extensions`] of version 2.
    #[must_use]
    pub fn with_wasi(mut self) -> Self {
        let mut listed = self.program.syscalls().to_vec();
        if listed
            .iter()
            .all(|syscall| syscall.module != abi::wasi::IMPORT_MODULE)
        {
            listed.extend(wasi::syscalls());
            let name = format!("{}-wasi", self.name);
            self.program = self
                .program
                .with_syscalls(listed)
                .with_name(format!("{name}-program"));
            self.name = name.into();
            self.extensions.get_or_insert(v2::EXTENSIONS);
        }
        self
    }

    /// The maximum size of an input.
    pub(crate) fn input_bytes(&self) -> u32 {
        let extensions = self.extensions.as_ref();
        extensions.map_or(self.limits.data_bytes, |extensions| extensions.input_bytes)
    }

    /// The maximum size of an output.
    pub(crate) fn output_bytes(&self) -> u32 {
        let extensions = self.extensions.as_ref();
        extensions.map_or(self.limits.data_bytes, |extensions| extensions.output_bytes)
    }

    /// The deposit for a byte of storage; 0 if there is none.
    pub(crate) fn deposit_byte(&self) -> u64 {
        let extensions = self.extensions.as_ref();
        extensions.map_or(0, |extensions| extensions.deposit_byte)
    }

    /// Raises the limits of contract programs to what Go programs need (`docs/book/src/wasi.md`).
    /// Compiling the largest of them takes twice as long, so no published rules have these limits.
    #[must_use]
    pub fn with_large_programs(mut self) -> Self {
        let limits = large::limits(*self.program.limits());
        if limits != *self.program.limits() {
            let name = format!("{}-large", self.name);
            self.program = self
                .program
                .with_limits(limits)
                .with_name(format!("{name}-program"));
            self.name = name.into();
        }
        self
    }

    /// Checks the methods of a program that is to become a contract, beyond what the rules of
    /// programs cover. Since version 2, exports `deploy`, `migrate` and `receive` take and return
    /// nothing: in version 1, a `deploy` with parameters or results is admitted, and never runs.
    ///
    /// A program of a format without signatures passes, since any export of its can be called.
    ///
    /// # Errors
    ///
    /// [`Refusal`] by [`Rule::ExportSignature`].
    pub fn check_methods(&self, program: &Program) -> Result<(), Refusal> {
        if self.extensions.is_none() {
            return Ok(());
        }
        let takes_any = |export: &Export| !export.params.is_empty() || !export.results.is_empty();
        for (method, when) in [
            (abi::DEPLOY_METHOD, "at deployment"),
            (abi::MIGRATE_METHOD, "at an upgrade"),
            (abi::RECEIVE_METHOD, "at a transfer"),
        ] {
            if program.export(method).is_some_and(takes_any) {
                let message = format!(
                    "the export `{method}` has parameters or results, so it cannot run {when}"
                );
                return Err(Refusal::whole(Rule::ExportSignature, message));
            }
        }
        Ok(())
    }

    /// The newest version.
    #[must_use]
    pub fn latest() -> Self {
        Self::v2()
    }

    /// Every published version, the newest last.
    #[must_use]
    pub fn published() -> Vec<Self> {
        vec![Self::v1(), Self::v2()]
    }

    /// The digest of the [encoding](Self::encode), computed on each call, with the deposit if there
    /// is one ([`ContractRulesId`]).
    #[must_use]
    pub fn id(&self) -> ContractRulesId {
        let mut id = *RulesId::of(&self.encode()).as_bytes();
        let deposit = self.extensions.map_or(0, |it| it.deposit_byte);
        if let Some(last) = id.last_chunk_mut().filter(|_| deposit > 0) {
            *last = deposit.to_be_bytes();
        }
        ContractRulesId(id)
    }

    /// The canonical encoding, which `docs/book/src/rules.md` documents. It covers the rules of
    /// programs and of nested VMs. It does not cover whether programs are
    /// [profiled](Rules::profiled).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            name,
            program,
            frames,
            limits,
            prices,
            children,
            extensions,
        } = self;
        let mut writer = RulesWriter::new(match extensions {
            None => "contract rules",
            Some(_) => "extended contract rules",
        });
        writer.text(name);
        writer.bytes(&program.encode());
        let FrameLimits {
            depth,
            memory_bytes,
        } = *frames;
        writer.u64(u64::try_from(depth).unwrap_or(u64::MAX));
        writer.u64(memory_bytes);
        for (_, limit) in limits.iter() {
            writer.u32(limit);
        }
        for (_, price) in prices.iter() {
            writer.gas(price);
        }
        writer.option(children.as_ref(), |writer, children| {
            let ContractChildren {
                rules,
                modules,
                instances,
                generations,
            } = children;
            writer.bytes(&rules.encode());
            for limit in [modules, instances, generations] {
                writer.u32(*limit);
            }
        });
        for (_, value) in extensions.iter().flat_map(Extensions::iter) {
            writer.u64(value);
        }
        writer.finish()
    }
}

impl ContractLimits {
    /// Names and values of the limits, in the order of the encoding.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> + use<> {
        let Self {
            key_bytes,
            value_bytes,
            topic_bytes,
            method_bytes,
            data_bytes,
            loaded_bytes,
            included_bytes,
        } = *self;
        [
            ("key_bytes", key_bytes),
            ("value_bytes", value_bytes),
            ("topic_bytes", topic_bytes),
            ("method_bytes", method_bytes),
            ("data_bytes", data_bytes),
            ("loaded_bytes", loaded_bytes),
            ("included_bytes", included_bytes),
        ]
        .into_iter()
    }
}

impl ContractPrices {
    /// Names and values of the prices, in the order of the encoding.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Gas)> + use<> {
        let Self {
            transaction,
            input_byte,
            code_byte,
            loaded_byte,
            held_page,
        } = *self;
        [
            ("transaction", transaction),
            ("input_byte", input_byte),
            ("code_byte", code_byte),
            ("loaded_byte", loaded_byte),
            ("held_page", held_page),
        ]
        .into_iter()
    }
}

impl fmt::Display for ContractRules {
    /// Lists all rules as text for people.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "contract rules {}", self.name)?;
        writeln!(formatter, "id {}", self.id())?;
        writeln!(formatter, "frames")?;
        writeln!(formatter, "  depth: {}", self.frames.depth)?;
        writeln!(formatter, "  memory_bytes: {}", self.frames.memory_bytes)?;
        writeln!(formatter, "limits")?;
        for (name, limit) in self.limits.iter() {
            writeln!(formatter, "  {name}: {limit}")?;
        }
        writeln!(formatter, "prices")?;
        for (name, price) in self.prices.iter() {
            writeln!(formatter, "  {name}: {}", price.units())?;
        }
        match &self.children {
            None => writeln!(formatter, "children refused")?,
            Some(children) => {
                writeln!(formatter, "children")?;
                writeln!(formatter, "  modules: {}", children.modules)?;
                writeln!(formatter, "  instances: {}", children.instances)?;
                writeln!(formatter, "  generations: {}", children.generations)?;
            }
        }
        if let Some(extensions) = &self.extensions {
            writeln!(formatter, "extensions")?;
            for (name, value) in extensions.iter() {
                writeln!(formatter, "  {name}: {value}")?;
            }
        }
        write!(formatter, "\nprogram {}", self.program)?;
        match &self.children {
            None => Ok(()),
            Some(children) => write!(
                formatter,
                "\nchild id {}\nchild {}",
                children.rules.id(),
                children.rules
            ),
        }
    }
}

/// The syscalls of version 1 with their prices: base, and price of a byte.
const SYSCALLS: &[(u32, SyscallPrice)] = &[
    (abi::INPUT_READ, SyscallPrice::bytes(100, 1)),
    (abi::OUTPUT_WRITE, SyscallPrice::bytes(100, 1)),
    (abi::REVERT, SyscallPrice::bytes(100, 1)),
    (abi::STORAGE_READ, SyscallPrice::bytes(2_000, 2)),
    (abi::STORAGE_WRITE, SyscallPrice::bytes(5_000, 20)),
    (abi::STORAGE_REMOVE, SyscallPrice::bytes(5_000, 2)),
    (abi::CALLER, SyscallPrice::bytes(100, 1)),
    (abi::SELF_ADDRESS, SyscallPrice::bytes(100, 1)),
    (abi::VALUE, SyscallPrice::bytes(100, 1)),
    (abi::BALANCE, SyscallPrice::bytes(2_000, 1)),
    (abi::EVENT_EMIT, SyscallPrice::bytes(1_000, 8)),
    (abi::GAS_LEFT, SyscallPrice::bytes(60, 0)),
    (abi::CALL, SyscallPrice::bytes(5_000, 1)),
    (abi::RETURN_DATA_READ, SyscallPrice::bytes(100, 1)),
    (abi::RESTRICT_IMPORTS, SyscallPrice::bytes(500, 60)),
];

/// The syscalls of rules with an oracle.
const ORACLE_SYSCALLS: &[(u32, SyscallPrice)] =
    &[(abi::ORACLE_REQUEST, SyscallPrice::bytes(5_000, 1))];

fn syscalls(prices: &[(u32, SyscallPrice)]) -> Vec<SyscallRule> {
    functions::rules(abi::IMPORT_MODULE, abi::SYSCALLS, prices)
}
