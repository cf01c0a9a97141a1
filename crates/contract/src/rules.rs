//! Rules of contracts: what they may import, hold and spend, in versions.

use fusee_abi::{Answer, SYSCALLS, Wire};
use fusee_engine::{Gas, ValueType};
use fusee_executor::FrameLimits;
use fusee_instrument::{Rules, SyscallSignature};

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
            program: Rules::v2(SYSCALLS.iter().map(signature).collect()),
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
        }
    }

    /// Version 2: version 1, and programs of the other format that version 3 of the rules for programs admits.
    #[must_use]
    pub fn v2() -> Self {
        Self {
            program: Rules::v3(SYSCALLS.iter().map(signature).collect()),
            ..Self::v1()
        }
    }
}

fn signature(syscall: &fusee_abi::Syscall) -> SyscallSignature {
    let value_type = |wire: Wire| match wire {
        Wire::I32 => ValueType::I32,
        Wire::I64 => ValueType::I64,
    };
    SyscallSignature {
        module: fusee_abi::IMPORT_MODULE.to_owned(),
        name: syscall.name.to_owned(),
        number: syscall.number,
        params: syscall
            .params
            .iter()
            .filter_map(|param| param.wire)
            .map(value_type)
            .collect(),
        result: syscall.result.map(value_type),
        may_suspend: syscall.answer == Answer::MaySuspend,
    }
}
