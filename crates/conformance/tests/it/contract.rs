//! A host for contracts: every syscall at its price, over the storage of a single contract.

use std::collections::BTreeMap;

use fusee_abi as abi;
use fusee_engine::{Host, Stop, Syscall, ValueType};
use fusee_instrument::{Rules, SyscallPrice, SyscallRule};

/// The syscalls of `contract-1`, and their prices.
const PRICES: [(u32, SyscallPrice); 14] = [
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
];

/// The operators of `program-1`, with the syscalls of contracts. No guest is suspended: its calls
/// fail at once.
pub(crate) fn contract_rules() -> Rules {
    let value_type = |wire| match wire {
        abi::Wire::I32 => ValueType::I32,
        abi::Wire::I64 => ValueType::I64,
    };
    let signature = |syscall: &abi::Syscall| SyscallRule {
        module: abi::IMPORT_MODULE.to_owned(),
        name: syscall.name.to_owned(),
        number: syscall.number,
        params: syscall
            .params
            .iter()
            .filter_map(|param| param.wire.map(value_type))
            .collect(),
        result: syscall.result.map(value_type),
        may_suspend: false,
        price: price(syscall.number),
    };
    Rules::v1(abi::SYSCALLS.iter().map(signature).collect())
}

/// The price of a syscall. The others are imported by no guest that is run.
fn price(number: u32) -> SyscallPrice {
    let found = PRICES.iter().find(|(known, _)| *known == number);
    found.map_or(SyscallPrice::FREE, |(_, price)| *price)
}

/// What a contract finds around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Contract {
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    pub(crate) has_reverted: bool,
    pub(crate) storage: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Host for Contract {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let price = price(call.request.number);
        call.charge(price.base)?;
        let mut call = Asked { call, price };
        match call.call.request.number {
            abi::INPUT_READ => call.fill(0, &self.input),
            abi::OUTPUT_WRITE => {
                self.output = call.take(0)?;
                Ok(0)
            }
            abi::REVERT => {
                self.output = call.take(0)?;
                self.has_reverted = true;
                Err(Stop::Finish)
            }
            abi::STORAGE_READ => match self.storage.get(&call.take(0)?) {
                Some(value) => call.fill(2, value),
                None => status(abi::status::ABSENT),
            },
            abi::STORAGE_WRITE => {
                let (key, value) = (call.take(0)?, call.take(2)?);
                self.storage.insert(key, value);
                Ok(0)
            }
            abi::STORAGE_REMOVE => match self.storage.remove(&call.take(0)?) {
                Some(value) => call.charge(value.len()).map(|()| 1),
                None => Ok(0),
            },
            abi::CALLER => call.give(0, &[0xca; 32]),
            abi::SELF_ADDRESS => call.give(0, &[0xac; 32]),
            abi::VALUE => call.give(0, &[0; 16]),
            abi::BALANCE => {
                call.take_bytes(0, 32)?;
                call.give(1, &1_000_u128.to_le_bytes())
            }
            abi::EVENT_EMIT => {
                call.take(0)?;
                call.take(2)?;
                Ok(0)
            }
            abi::GAS_LEFT => Ok(call.call.gas_left().units()),
            abi::CALL => {
                call.take_bytes(0, 32)?;
                call.take(1)?;
                call.take(3)?;
                call.take_bytes(5, 24)?;
                status(abi::status::UNKNOWN_CALLEE)
            }
            abi::RETURN_DATA_READ => call.fill(0, &[]),
            unknown => panic!("syscall {unknown}"),
        }
    }
}

fn status(code: i32) -> Result<u64, Stop> {
    Ok(u64::from(code.cast_unsigned()))
}

/// A syscall, and its price.
struct Asked<'a, 'b> {
    call: &'a mut Syscall<'b>,
    price: SyscallPrice,
}

impl Asked<'_, '_> {
    fn arg(&self, index: usize) -> usize {
        usize::try_from(self.call.request.args[index]).unwrap()
    }

    fn charge(&mut self, bytes: usize) -> Result<(), Stop> {
        let bytes = u64::try_from(bytes).unwrap();
        self.call.charge(self.price.length(bytes))?;
        Ok(())
    }

    /// Charges for `length` bytes at the argument `index`, and copies them.
    fn take_bytes(&mut self, index: usize, length: usize) -> Result<Vec<u8>, Stop> {
        self.charge(length)?;
        let start = u64::try_from(self.arg(index)).unwrap();
        let length = u64::try_from(length).unwrap();
        Ok(self.call.memory.read(start, length)?.into_owned())
    }

    /// The bytes at the argument `index`, as many as the next one says.
    fn take(&mut self, index: usize) -> Result<Vec<u8>, Stop> {
        self.take_bytes(index, self.arg(index + 1))
    }

    fn give(&mut self, index: usize, bytes: &[u8]) -> Result<u64, Stop> {
        self.charge(bytes.len())?;
        let start = u64::try_from(self.arg(index)).unwrap();
        self.call.memory.write(start, bytes)?;
        Ok(0)
    }

    /// As much as fits into the buffer at the argument `index`, and the full length.
    fn fill(&mut self, index: usize, bytes: &[u8]) -> Result<u64, Stop> {
        let capacity = self.arg(index + 1);
        self.give(index, bytes.get(..capacity).unwrap_or(bytes))?;
        Ok(u64::try_from(bytes.len()).unwrap())
    }
}
