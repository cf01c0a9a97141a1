//! Rules of contracts: what they may import, hold and spend, in versions.

use fusee_abi::{ASK_HOST, SYSCALLS};
use fusee_engine::Gas;
use fusee_executor::FrameLimits;
use fusee_instrument::{Rules, SyscallSignature};
use fusee_virtualization::{ChildRules, Symbols, functions};

/// Everything that machines must agree on beside the state and the transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractRules {
    /// What a program may be, and what its operators cost.
    pub program: Rules,
    /// What may wait on the call stack.
    pub frames: FrameLimits,
    /// The most bytes of one thing.
    pub limits: ContractLimits,
    /// What costs gas beside operators and syscalls.
    pub prices: ContractPrices,
    /// What a contract may run as its children, if it may have any.
    pub children: Option<ContractChildren>,
}

/// What contracts may run as their children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractChildren {
    /// What a child may be, and import.
    pub rules: ChildRules,
    /// The most modules in a transaction, which keep their code in memory whoever else needs room.
    pub modules: u32,
    /// The most instances in a transaction.
    pub instances: u32,
    /// How deep children may have children: of the last generation, none may.
    pub generations: u32,
}

/// The most bytes of one thing that a syscall handles.
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
}

/// What costs gas beside operators and syscalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractPrices {
    /// Any transaction.
    pub transaction: Gas,
    /// A byte of input.
    pub input_byte: Gas,
    /// A byte of code that is deployed: it is checked, metered and compiled, and kept.
    pub code_byte: Gas,
    /// A page of a caller's memory, for each call that it waits for: its callees leave it where it is.
    pub held_page: Gas,
}

impl ContractRules {
    /// Version 1. The prices are provisional.
    #[must_use]
    pub fn v1() -> Self {
        Self {
            program: Rules::v2(signatures(V1_SYSCALLS)),
            frames: FrameLimits {
                depth: 128,
                memory_bytes: 256 << 20,
            },
            limits: ContractLimits {
                key_bytes: 1_024,
                value_bytes: 131_072,
                topic_bytes: 256,
                method_bytes: 256,
                data_bytes: 1_048_576,
            },
            prices: ContractPrices {
                transaction: Gas::new(10_000),
                input_byte: Gas::new(4),
                code_byte: Gas::new(50),
                held_page: Gas::new(500),
            },
            children: None,
        }
    }

    /// Version 2: version 1, and programs of the other format that version 3 of the rules for programs admits.
    #[must_use]
    pub fn v2() -> Self {
        Self {
            program: Rules::v3(signatures(V1_SYSCALLS)),
            ..Self::v1()
        }
    }

    /// Version 3: version 2, and contracts may have children. Children may be what contracts may be,
    /// and import any symbols.
    #[must_use]
    pub fn v3() -> Self {
        let mut syscalls = signatures(SYSCALLS.len());
        syscalls.retain(|syscall| syscall.number != ASK_HOST);
        syscalls.extend(functions::signatures());
        Self {
            program: Rules::v3(syscalls),
            children: Some(ContractChildren {
                rules: ChildRules::new(Rules::v3(Vec::new()), Symbols::Any),
                modules: 256,
                instances: 64,
                generations: 4,
            }),
            ..Self::v2()
        }
    }

    /// These rules, and contracts may ask the oracle of an embedder (`ask_host`). No chain's rules
    /// admit it by default: nobody signs the answers, on which receipts depend.
    #[must_use]
    pub fn with_oracle(mut self) -> Self {
        let asks = |syscall: &SyscallSignature| syscall.number == ASK_HOST;
        let mut syscalls = self.program.syscalls().to_vec();
        if !syscalls.iter().any(asks) {
            syscalls.extend(signatures(SYSCALLS.len()).into_iter().filter(asks));
            self.program = self.program.with_syscalls(syscalls);
        }
        self
    }

    /// The newest version.
    #[must_use]
    pub fn latest() -> Self {
        Self::v3()
    }
}

/// The syscalls that there were before version 3.
const V1_SYSCALLS: usize = 14;

fn signatures(first: usize) -> Vec<SyscallSignature> {
    let rows = SYSCALLS.iter().take(first);
    rows.map(|row| functions::signature(fusee_abi::IMPORT_MODULE, row))
        .collect()
}
