//! Scripts of the puppets: what a contract is told to do, and what it is told to let others do. The
//! bytes of a script are the input of a call, and have the scripts of the callees in them.

use fusee_contract::Address;

/// Where an input lies in the memory of a puppet.
const INPUT: usize = 0x1_0000;
/// What a syscall writes of its answer is here, and becomes a part of the output.
const BUFFER: u32 = 0x400;
/// The bytes of the buffer.
pub(super) const BUFFER_BYTES: usize = 64;
const CAPACITY: u32 = 64;
const WORDS: usize = 7;

/// What a frame does, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Script(pub(super) Vec<Op>);

#[derive(Clone, Debug)]
pub(super) enum Op {
    Read(Vec<u8>),
    Write(Vec<u8>, Vec<u8>),
    TryWrite(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Next(Vec<u8>, Vec<u8>),
    Previous(Vec<u8>, Vec<u8>),
    RemoveRange(Vec<u8>, Vec<u8>, u32),
    TransientRead(Vec<u8>),
    TransientWrite(Vec<u8>, Vec<u8>),
    TransientRemove(Vec<u8>),
    Emit(Vec<Vec<u8>>, Vec<u8>),
    Caller,
    Value,
    Balance(Address),
    Deposit,
    Call {
        to: Address,
        method: String,
        input: Script,
        value: u128,
        gas: u64,
    },
    CallReadOnly {
        to: Address,
        method: String,
        input: Script,
        gas: u64,
    },
    Deploy {
        code: [u8; 32],
        salt: [u8; 32],
        input: Script,
        value: u128,
        gas: u64,
        admin: Option<Address>,
    },
    Upgrade {
        contract: Address,
        code: [u8; 32],
        input: Script,
        gas: u64,
    },
    SetAdmin(Address, Option<Address>),
    Admin(Address),
    CodeHash(Address),
    SetReentrancy(u32),
    /// Takes the return data of the last call into the output.
    ReturnData,
    Revert(Vec<u8>),
    Trap,
    /// Uses all the gas that the frame has.
    Burn,
}

/// The bytes of a script: the operations, and what they point to.
struct Encoder {
    words: Vec<u32>,
    data_start: usize,
    data: Vec<u8>,
}

impl Encoder {
    fn put(&mut self, bytes: &[u8]) -> u32 {
        let at = INPUT + self.data_start + self.data.len();
        self.data.extend_from_slice(bytes);
        u32::try_from(at).unwrap()
    }

    fn op(&mut self, number: u32, words: &[u32]) {
        let start = self.words.len();
        self.words.push(number);
        self.words.extend_from_slice(words);
        self.words.resize(start + WORDS, 0);
    }

    /// The address and the length of bytes.
    fn region(&mut self, bytes: &[u8]) -> [u32; 2] {
        [self.put(bytes), u32::try_from(bytes.len()).unwrap()]
    }

    fn encode(&mut self, op: &Op) {
        let buffer = [BUFFER, CAPACITY];
        match op {
            Op::Read(key) => self.get(0, key),
            Op::Write(key, value) => self.pair(1, key, value, &[]),
            Op::TryWrite(key, value) => self.pair(2, key, value, &[]),
            Op::Remove(key) => self.get(3, key),
            Op::Next(start, end) => self.pair(4, start, end, &buffer),
            Op::Previous(start, end) => self.pair(5, start, end, &buffer),
            Op::RemoveRange(start, end, most) => self.pair(6, start, end, &[*most]),
            Op::TransientRead(key) => self.get(7, key),
            Op::TransientWrite(key, value) => self.pair(8, key, value, &[]),
            Op::TransientRemove(key) => self.get(9, key),
            Op::Emit(topics, data) => {
                let length = |topic: &Vec<u8>| u32::try_from(topic.len()).unwrap().to_le_bytes();
                let topics = topics.iter();
                let list: Vec<u8> = topics
                    .flat_map(|topic| [length(topic).as_slice(), topic].concat())
                    .collect();
                self.pair(10, &list, data, &[]);
            }
            Op::Caller => self.op(11, &[BUFFER]),
            Op::Value => self.op(12, &[BUFFER]),
            Op::Balance(address) => self.about(13, address.as_bytes()),
            Op::Deposit => self.op(14, &[BUFFER]),
            Op::Admin(contract) => self.about(20, contract.as_bytes()),
            Op::CodeHash(contract) => self.about(21, contract.as_bytes()),
            Op::SetReentrancy(policy) => self.op(22, &[*policy]),
            Op::ReturnData => self.op(23, &[]),
            Op::Revert(message) => {
                let message = self.region(message);
                self.op(24, &message);
            }
            Op::Trap => self.op(25, &[]),
            Op::Burn => self.op(26, &[]),
            Op::SetAdmin(contract, admin) => {
                let contract = self.put(contract.as_bytes());
                let address = admin.map_or(0, |admin| self.put(admin.as_bytes()));
                self.op(19, &[contract, u32::from(admin.is_some()), address]);
            }
            Op::Call { .. } | Op::CallReadOnly { .. } | Op::Deploy { .. } | Op::Upgrade { .. } => {
                self.encode_call(op)
            }
        }
    }

    fn encode_call(&mut self, op: &Op) {
        match op {
            Op::Call {
                to,
                method,
                input,
                value,
                gas,
            } => {
                let to = self.put(to.as_bytes());
                let [method, method_length] = self.region(method.as_bytes());
                let [input, input_length] = self.region(&input.input());
                let options = [gas.to_le_bytes().as_slice(), &value.to_le_bytes()].concat();
                let options = self.put(&options);
                let words = [to, method, method_length, input, input_length, options];
                self.op(15, &words);
            }
            Op::CallReadOnly {
                to,
                method,
                input,
                gas,
            } => {
                let to = self.put(to.as_bytes());
                let [method, method_length] = self.region(method.as_bytes());
                let [input, input_length] = self.region(&input.input());
                let gas = self.put(&gas.to_le_bytes());
                let words = [to, method, method_length, input, input_length, gas];
                self.op(16, &words);
            }
            Op::Deploy {
                code,
                salt,
                input,
                value,
                gas,
                admin,
            } => {
                let (code, salt) = (self.put(code), self.put(salt));
                let [input, input_length] = self.region(&input.input());
                let address = admin.map_or([0; 32], |admin| *admin.as_bytes());
                let options = [gas.to_le_bytes().as_slice(), &value.to_le_bytes()].concat();
                let has_admin = [u8::from(admin.is_some())];
                let options = self.put(&[options.as_slice(), &has_admin, &address].concat());
                self.op(17, &[code, salt, input, input_length, options, BUFFER]);
            }
            Op::Upgrade {
                contract,
                code,
                input,
                gas,
            } => {
                let (contract, code) = (self.put(contract.as_bytes()), self.put(code));
                let [input, input_length] = self.region(&input.input());
                let gas = self.put(&gas.to_le_bytes());
                self.op(18, &[contract, code, input, input_length, gas]);
            }
            _ => unreachable!("another operation"),
        }
    }

    fn get(&mut self, number: u32, key: &[u8]) {
        let [key, length] = self.region(key);
        self.op(number, &[key, length, BUFFER, CAPACITY]);
    }

    fn pair(&mut self, number: u32, first: &[u8], second: &[u8], more: &[u32]) {
        let words = [self.region(first), self.region(second)].concat();
        self.op(number, &[words.as_slice(), more].concat());
    }

    fn about(&mut self, number: u32, address: &[u8]) {
        let address = self.put(address);
        self.op(number, &[address, BUFFER]);
    }
}

impl Script {
    /// The input of a call that runs the script. A script without operations has no bytes.
    pub(super) fn input(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut encoder = Encoder {
            words: vec![u32::try_from(self.0.len()).unwrap()],
            data_start: 4 + self.0.len() * WORDS * 4,
            data: Vec::new(),
        };
        for op in &self.0 {
            encoder.encode(op);
        }
        let words = encoder.words.iter().flat_map(|word| word.to_le_bytes());
        words.chain(encoder.data).collect()
    }
}
