//! Random transactions, which know the chain, so that most of what they try has a chance.

use std::collections::BTreeMap;

use fusee_contract::{Action, Address, Transaction};
use fusee_engine::{CodeHash, Gas};

use super::{
    GAS, accounts,
    reference::{Chain, TINY_GAS},
    script::{Op, Script},
};

/// Enough gas for a frame that does a few things, and then uses the rest.
const BURNT_GAS: u64 = 2_000_000;
/// The most frames that wait, with the sender.
const DEPTH: usize = 6;
/// The keys in transient storage.
const TRANSIENT: [&[u8]; 2] = [b"", b"t"];

pub(super) struct Generator {
    state: u64,
    codes: Vec<Vec<u8>>,
    /// How many operations the transaction may have yet.
    left: u32,
}

impl Generator {
    pub(super) fn new(seed: u64, codes: Vec<Vec<u8>>) -> Self {
        Self {
            state: seed.wrapping_mul(0x2545_f491_4f6c_dd1d),
            codes,
            left: 0,
        }
    }

    /// A number below another one (SplitMix64).
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % limit.max(1)
    }

    fn is_one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let index = self.below(from.len().try_into().unwrap());
        from[usize::try_from(index).unwrap()].clone()
    }

    /// A transaction, and the scripts in it by their bytes. The first ones upload and deploy.
    pub(super) fn transaction(
        &mut self,
        chain: &Chain,
    ) -> (Transaction, BTreeMap<Vec<u8>, Script>) {
        self.left = 80;
        let mut from = self.pick(&accounts());
        let missing = self.codes.iter().find(|code| {
            let hash = CodeHash::of(code);
            !chain.codes.contains_key(hash.as_bytes())
        });
        let missing = missing.cloned();
        let contracts: Vec<_> = chain.contracts.keys().copied().take(8).collect();
        let contract = match contracts.is_empty() || self.is_one_in(8) {
            true => self.address(chain, &[]),
            false => self.pick(&contracts),
        };
        let kind = match missing {
            Some(_) if self.is_one_in(2) => 1,
            _ if chain.contracts.len() < 6 && self.is_one_in(2) => 2,
            _ => self.below(30),
        };
        let nonce = chain.nonce(from);
        let (mut value, mut to) = (self.value(), contract);
        let mut action = match kind {
            0 => {
                let code = self.pick(&self.codes.clone());
                to = Address::of_contract(from, nonce, CodeHash::of(&code));
                let input = Vec::new();
                Action::Deploy { code, input }
            }
            1 => {
                value = 0;
                let code = missing.unwrap_or_else(|| self.pick(&self.codes.clone()));
                Action::Upload { code }
            }
            2 => {
                let code = self.code();
                let salt = (!self.is_one_in(3)).then(|| self.salt());
                to = match &salt {
                    Some(salt) => Address::of_salted_contract(from, salt),
                    None => Address::of_contract(from, nonce, code),
                };
                Action::Create {
                    code,
                    salt,
                    admin: self.admin(chain, &[to]),
                    input: Vec::new(),
                }
            }
            3 | 4 => {
                from = self.admin_of(chain, contract, from);
                Action::Upgrade {
                    contract,
                    code: self.next_code(),
                    input: Vec::new(),
                }
            }
            5 => {
                (from, value) = (self.admin_of(chain, contract, from), 0);
                let admin = self.admin(chain, &[contract]);
                Action::SetAdmin { contract, admin }
            }
            6 => {
                let code = self.code();
                let uploaded = chain.codes.get(code.as_bytes());
                from = uploaded.map_or(from, |code| code.uploader);
                value = 0;
                Action::RemoveCode { code }
            }
            _ => Action::Call {
                to: contract,
                method: match self.is_one_in(3) {
                    true => self.method(),
                    false => "run".to_owned(),
                },
                input: Vec::new(),
            },
        };
        let is_empty = self.is_one_in(if kind <= 4 { 2 } else { 12 });
        let script = match (is_empty, kind) {
            (true, _) => Script::default(),
            // So short that it does not depend on what the last one did, unless it finds that.
            (_, 20..) => {
                value = 0;
                Script((0..2).map(|_| self.storage()).collect())
            }
            _ => self.script(chain, &[from, to]),
        };
        if let Action::Deploy { input, .. }
        | Action::Create { input, .. }
        | Action::Upgrade { input, .. }
        | Action::Call { input, .. } = &mut action
        {
            *input = script.input();
        }
        let transaction = Transaction {
            from,
            action,
            value: value * 60,
            gas: Gas::new(GAS),
        };
        (
            transaction,
            [(script.input(), script)].into_iter().collect(),
        )
    }

    /// What a frame does. `path` has the addresses of the sender and of the frames, the frame
    /// itself last.
    fn script(&mut self, chain: &Chain, path: &[Address]) -> Script {
        let mut ops = Vec::new();
        if !self.is_one_in(8) {
            ops.push(Op::Value);
        }
        for _ in 0..=self.below(if path.len() < 4 { 10 } else { 5 }) {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            if path.len() < DEPTH && self.is_one_in(2) {
                let call = self.call(chain, path);
                let again = match &call {
                    Op::Call { to, .. } if self.is_one_in(3) => Some(*to),
                    _ => None,
                };
                ops.push(call);
                if self.is_one_in(2) {
                    ops.push(Op::ReturnData);
                }
                // What has the callee left?
                if let Some(to) = again {
                    let reads = TRANSIENT.map(|key| Op::TransientRead(key.to_vec()));
                    ops.push(Op::Call {
                        to,
                        method: "run".to_owned(),
                        input: Script(reads.into()),
                        value: 0,
                        gas: u64::MAX,
                    });
                    ops.push(Op::ReturnData);
                }
            } else {
                ops.push(self.simple(chain, path));
            }
        }
        // The callees of the outermost frame fail more often than that frame.
        match self.below(if path.len() > 2 { 10 } else { 30 }) {
            0 => ops.push(Op::Trap),
            1 | 2 => ops.push(Op::Revert(b"no".to_vec())),
            _ => {}
        }
        Script(ops)
    }

    /// A script with the gas of its call: mostly enough, at times too little to begin, or all used.
    fn with_gas(&mut self, chain: &Chain, path: &[Address]) -> (Script, u64) {
        match self.below(16) {
            0 => (self.script(chain, path), self.below(TINY_GAS + 1)),
            1 => {
                let mut ops = vec![Op::Value];
                ops.extend((0..3).map(|_| self.simple(chain, path)));
                ops.push(Op::Burn);
                (Script(ops), BURNT_GAS)
            }
            2 => (Script::default(), u64::MAX),
            3 | 4 => {
                let mut ops = vec![Op::Value];
                ops.extend((0..4).map(|_| self.simple(chain, path)));
                ops.push(Op::Revert(b"all".to_vec()));
                (Script(ops), u64::MAX)
            }
            _ => (self.script(chain, path), u64::MAX),
        }
    }

    fn call(&mut self, chain: &Chain, path: &[Address]) -> Op {
        let me = path[path.len() - 1];
        let kind = self.below(12);
        let salt = self.salt();
        let to = match kind {
            0 | 1 => Address::of_salted_contract(me, &salt),
            2 | 3 => {
                let contracts = chain.contracts.iter();
                let own = contracts.filter(|(_, contract)| contract.admin == Some(me));
                let own: Vec<_> = own.map(|(address, _)| *address).collect();
                match own.is_empty() || self.is_one_in(3) {
                    true => self.address(chain, path),
                    false => self.pick(&own),
                }
            }
            _ => self.address(chain, path),
        };
        let (input, gas) = self.with_gas(chain, &[path, &[to]].concat());
        match kind {
            0 | 1 => Op::Deploy {
                code: *self.code().as_bytes(),
                salt,
                input,
                value: self.value(),
                gas,
                admin: self.admin(chain, path),
            },
            2 | 3 => Op::Upgrade {
                contract: to,
                code: *self.next_code().as_bytes(),
                input,
                gas,
            },
            4 | 5 => Op::CallReadOnly {
                to,
                method: self.method(),
                input,
                gas,
            },
            _ => Op::Call {
                to,
                method: self.method(),
                input,
                value: self.value(),
                gas,
            },
        }
    }

    fn simple(&mut self, chain: &Chain, path: &[Address]) -> Op {
        match self.below(36) {
            0..=11 => self.storage(),
            12..=14 => Op::TransientRead(self.pick(&TRANSIENT).to_vec()),
            15..=17 | 33..=35 => Op::TransientWrite(self.pick(&TRANSIENT).to_vec(), self.bytes()),
            18 => Op::TransientRemove(self.pick(&TRANSIENT).to_vec()),
            19 | 20 | 30..=32 => {
                let topics = (0..self.below(4)).map(|_| self.key()).collect();
                Op::Emit(topics, self.bytes())
            }
            21 => Op::Caller,
            22 => Op::Balance(self.address(chain, path)),
            23 => Op::Deposit,
            24 => Op::SetAdmin(self.address(chain, path), self.admin(chain, path)),
            25 => Op::Admin(self.address(chain, path)),
            26 => Op::CodeHash(self.address(chain, path)),
            _ => {
                let policy = u32::try_from(self.below(8)).unwrap();
                Op::SetReentrancy(policy)
            }
        }
    }

    fn storage(&mut self) -> Op {
        match self.below(12) {
            0 => Op::Read(self.key()),
            1..=3 => Op::Write(self.key(), self.bytes()),
            4 | 5 => Op::TryWrite(self.key(), self.bytes()),
            6 => Op::Remove(self.key()),
            7 | 8 => Op::Next(self.key(), self.key()),
            9 | 10 => Op::Previous(self.key(), self.key()),
            _ => {
                let most = u32::try_from(self.below(4)).unwrap();
                Op::RemoveRange(self.key(), self.key(), most)
            }
        }
    }

    fn key(&mut self) -> Vec<u8> {
        let keys: [&[u8]; 8] = [b"", b"a", b"ab", b"a\0", b"b", b"c", b"\xff", b"\xff\xff"];
        self.pick(&keys).to_vec()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.pick(&[0, 1, 8, 60, 64, 100]);
        let byte = u8::try_from(self.below(256)).unwrap();
        vec![byte; length]
    }

    fn value(&mut self) -> u128 {
        match self.below(24) {
            0..=13 => 0,
            14 => 5_000_000,
            _ => u128::from(self.below(1_000)),
        }
    }

    fn code(&mut self) -> CodeHash {
        match self.is_one_in(20) {
            true => CodeHash::of(b"none"),
            false => CodeHash::of(&self.pick(&self.codes.clone())),
        }
    }

    /// Code to upgrade to, which mostly has the methods of the old one.
    fn next_code(&mut self) -> CodeHash {
        match self.below(4) {
            0 => self.code(),
            1 => CodeHash::of(&self.codes[0]),
            _ => CodeHash::of(&self.codes[1]),
        }
    }

    /// Few, so that addresses are taken.
    fn salt(&mut self) -> [u8; 32] {
        [u8::try_from(self.below(3)).unwrap(); 32]
    }

    fn method(&mut self) -> String {
        let name = match self.below(20) {
            0 => "more",
            1 => "receive",
            2 => "deploy",
            3 => "migrate",
            4 => "absent",
            5 => "_run",
            6..=8 => "",
            _ => "run",
        };
        name.to_owned()
    }

    /// Mostly a contract or a frame that waits, at times what the transaction may make first.
    fn address(&mut self, chain: &Chain, path: &[Address]) -> Address {
        let contracts: Vec<_> = chain.contracts.keys().copied().take(8).collect();
        match self.below(16) {
            0 => self.pick(&accounts()),
            1 => Address::new([7; 32]),
            2 | 3 => {
                let creator = self.pick(&[&contracts, path, &accounts()].concat());
                Address::of_salted_contract(creator, &self.salt())
            }
            4..=8 if !path.is_empty() => self.pick(path),
            _ if contracts.is_empty() => self.pick(&accounts()),
            _ => self.pick(&contracts),
        }
    }

    fn admin(&mut self, chain: &Chain, path: &[Address]) -> Option<Address> {
        (!self.is_one_in(6)).then(|| match (self.below(3), path.last()) {
            (0, Some(frame)) => *frame,
            (0 | 1, _) => self.pick(&accounts()),
            _ => self.address(chain, path),
        })
    }

    /// The account that may do what only the admin of a contract may, if there is one.
    fn admin_of(&mut self, chain: &Chain, contract: Address, other: Address) -> Address {
        let admin = chain.contracts.get(&contract).and_then(|found| found.admin);
        let admin = admin.filter(|admin| accounts().contains(admin));
        admin.filter(|_| !self.is_one_in(8)).unwrap_or(other)
    }
}
