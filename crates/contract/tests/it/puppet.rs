//! A contract that does what its input says, one syscall after the other, and outputs what each
//! came to.

use fusee_abi::virtualization::wire::{ExecBuffer, WireError, WireValue, decode};
use fusee_contract::{Address, Receipt, Status};

/// Where the data of a script lie in the puppet's memory.
const DATA: u64 = 0x1_0000 + OPS_BYTES;
const OPS_BYTES: u64 = 8_192;
const OP_BYTES: usize = 40;
const RESULT_BYTES: usize = 112;
/// Where runs leave their buffers.
pub(crate) const BUFFER: i64 = 64;

/// Executes operations of 40 bytes: a number, and four arguments. Notes of each its result, the gas
/// left, and the buffer.
pub(crate) const PUPPET: &str = include_str!("../../../../guests/wat/puppet.wat");

/// What the puppet is to do. Numbers of modules and instances count from 0, so that it is known
/// beforehand.
#[derive(Clone, Default)]
pub(crate) struct Script {
    ops: Vec<u8>,
    data: Vec<u8>,
}

/// What one operation came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Noted {
    pub(crate) result: i64,
    pub(crate) gas_left: u64,
    pub(crate) buffer: [u8; 96],
}

impl Script {
    fn op(mut self, number: u64, args: [i64; 4]) -> Self {
        self.ops.extend_from_slice(&number.to_le_bytes());
        for arg in args {
            self.ops.extend_from_slice(&arg.to_le_bytes());
        }
        assert!(self.ops.len() + OP_BYTES < OPS_BYTES.try_into().unwrap());
        self
    }

    /// Puts bytes into the memory: their range.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> i64 {
        let address = DATA + u64::try_from(self.data.len()).unwrap();
        self.data.extend_from_slice(bytes);
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        (u64::try_from(bytes.len()).unwrap() << 32 | address).cast_signed()
    }

    pub(crate) fn compile(mut self, program: &[u8], identifier: &[u8]) -> Self {
        let program = self.put(program);
        let identifier = match identifier {
            b"" => 0,
            bytes => self.put(bytes),
        };
        self.op(0, [program, identifier, 0, 0])
    }

    pub(crate) fn lookup(mut self, identifier: &[u8]) -> Self {
        let identifier = self.put(identifier);
        self.op(1, [identifier, 0, 0, 0])
    }

    pub(crate) fn compile_key(mut self, key: &[u8], space: &[u8]) -> Self {
        let (key, space) = (self.put(key), self.put(space));
        self.op(2, [key, space, 0, 0])
    }

    pub(crate) fn instantiate(self, module: i64) -> Self {
        self.op(3, [module, 0, 0, 0])
    }

    pub(crate) fn prepare(mut self, instance: i64, function: &[u8]) -> Self {
        let function = self.put(function);
        self.op(4, [instance, function, 0, 0])
    }

    pub(crate) fn run(self, instance: i64, gas: i64, a0: i64) -> Self {
        self.op(5, [instance, gas, a0, BUFFER])
    }

    pub(crate) fn destroy(self, instance: i64) -> Self {
        self.op(6, [instance, 0, 0, 0])
    }

    /// Reads 96 bytes, which are noted.
    pub(crate) fn read(self, instance: i64, offset: i64) -> Self {
        self.op(7, [instance, offset, 96 << 32 | BUFFER, 0])
    }

    pub(crate) fn write(mut self, instance: i64, offset: i64, bytes: &[u8]) -> Self {
        let bytes = self.put(bytes);
        self.op(8, [instance, offset, bytes, 0])
    }

    pub(crate) fn oracle_request(mut self, question: &[u8]) -> Self {
        let question = self.put(question);
        self.op(9, [question, 0, 0, 0])
    }

    /// Calls another puppet, with all the gas that there is.
    pub(crate) fn call(mut self, to: Address, script: &Script) -> Self {
        let address = self.put(to.as_bytes());
        let method = self.put(b"script");
        let input = self.put(&script.input());
        let options = self.put(&[[0xff; 8].as_slice(), &[0; 16]].concat());
        self.op(10, [address, method, input, options])
    }

    pub(crate) fn restrict_imports(mut self, names: &str) -> Self {
        let names = self.put(names.as_bytes());
        self.op(11, [names, 0, 0, 0])
    }

    pub(crate) fn trap(self) -> Self {
        self.op(12, [0; 4])
    }

    pub(crate) fn revert(self) -> Self {
        self.op(13, [0; 4])
    }

    pub(crate) fn store(mut self, key: &[u8], value: &[u8]) -> Self {
        let (key, value) = (self.put(key), self.put(value));
        self.op(14, [key, value, 0, 0])
    }

    /// Notes 96 bytes of the return data, from `offset` on.
    pub(crate) fn return_data(self, offset: i64) -> Self {
        self.op(15, [offset, 0, 0, 0])
    }

    /// Any operation, with any arguments.
    pub(crate) fn raw(self, number: u64, args: [i64; 4]) -> Self {
        self.op(number, args)
    }

    pub(crate) fn input(&self) -> Vec<u8> {
        let count = u64::try_from(self.ops.len() / OP_BYTES).unwrap();
        let mut input = [count.to_le_bytes().as_slice(), &self.ops].concat();
        input.resize(OPS_BYTES.try_into().unwrap(), 0);
        [input, self.data.clone()].concat()
    }
}

impl Noted {
    pub(crate) fn decode<T: WireValue, E: WireError>(&self) -> Result<T, E> {
        decode(self.result).unwrap()
    }

    pub(crate) fn exec(&self) -> ExecBuffer {
        ExecBuffer::decode(&self.buffer).unwrap()
    }

    /// Whether the buffer is as it was before.
    pub(crate) fn is_untouched(&self) -> bool {
        self.buffer == [0xee; 96]
    }
}

/// What a script that ended well noted.
pub(crate) fn noted(receipt: &Receipt) -> Vec<Noted> {
    assert_eq!(receipt.status, Status::Success, "{receipt:?}");
    notes(&receipt.output)
}

pub(crate) fn notes(output: &[u8]) -> Vec<Noted> {
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let noted = |bytes: &[u8]| Noted {
        result: number(&bytes[..8]).cast_signed(),
        gas_left: number(&bytes[8..16]),
        buffer: bytes[16..].try_into().unwrap(),
    };
    output.chunks(RESULT_BYTES).map(noted).collect()
}
