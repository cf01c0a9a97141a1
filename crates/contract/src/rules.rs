//! Versioned rules of contracts: imports, limits and prices.
//!
//! A published version is final. It lists each syscall with its price, so that a new row in the
//! syscall table does not change it.

use std::{borrow::Cow, fmt};

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_abi as abi;
use fusee_engine::{Gas, RulesId};
use fusee_executor::FrameLimits;
use fusee_instrument::{Rules, SyscallPrice, SyscallRule, encoding::RulesWriter};
use fusee_virtualization::{ChildRules, Symbols, functions};

/// The id of a set of contract rules: the SHA-256 digest of its canonical encoding.
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
}

/// The rules of a contract's nested VMs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractChildren {
    /// The rules of the programs, and of their imports.
    pub rules: ChildRules,
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
    /// An input, an output, a revert message, the data of an event.
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
                rules: ChildRules::new(children, Symbols::Any),
                modules: 256,
                instances: 64,
                generations: 4,
            }),
        }
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

    /// The newest version.
    #[must_use]
    pub fn latest() -> Self {
        Self::v1()
    }

    /// Every published version, the newest last.
    #[must_use]
    pub fn published() -> Vec<Self> {
        vec![Self::v1()]
    }

    /// The digest of the [encoding](Self::encode), computed on each call.
    #[must_use]
    pub fn id(&self) -> ContractRulesId {
        ContractRulesId(*RulesId::of(&self.encode()).as_bytes())
    }

    /// The canonical encoding, which `docs/rules.md` documents. It covers the rules of programs and
    /// of nested VMs. It does not cover whether programs are [profiled](Rules::profiled).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            name,
            program,
            frames,
            limits,
            prices,
            children,
        } = self;
        let mut writer = RulesWriter::new("contract rules");
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
