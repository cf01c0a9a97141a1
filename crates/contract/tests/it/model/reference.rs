//! The reference: what `docs/book/src/contracts.md` and `docs/book/src/syscalls.md` promise, on
//! plain maps.
//!
//! It shares no code with the contracts but addresses, hashes, and the names of statuses. It has no
//! journal: a call that fails puts back a copy of everything. It does not count gas. So a frame
//! either has enough, or so little that it cannot begin ([`TINY_GAS`]), or uses all of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fusee_abi::{reentrancy, status};
use fusee_contract::{Action, Address, Event, Rejection, Status, Transaction, keys};
use fusee_engine::{CodeHash, Trap};

use super::script::{BUFFER_BYTES, Op, Script};

/// A frame with at most this much gas cannot begin.
pub(super) const TINY_GAS: u64 = 600;
/// What code of this size costs nothing to load.
const INCLUDED_BYTES: usize = 8_192;
/// What an entry counts for its deposit beside its key and value.
const ENTRY_BYTES: u64 = 64;

/// What the transactions so far have left.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    pub(super) balances: BTreeMap<Address, u128>,
    pub(super) nonces: BTreeMap<Address, u64>,
    pub(super) codes: BTreeMap<[u8; 32], Code>,
    pub(super) contracts: BTreeMap<Address, Contract>,
    /// The deposit of a byte.
    pub(super) deposit: u64,
    /// The most bytes in transient storage.
    pub(super) transient_bytes: u64,
    /// The most events of a transaction.
    pub(super) events: usize,
    /// The most frames that wait at a time.
    pub(super) depth: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) uploader: Address,
    pub(super) bytes: Arc<[u8]>,
    pub(super) methods: &'static [&'static str],
}

#[derive(Clone, Debug, Default)]
pub(super) struct Contract {
    pub(super) code: [u8; 32],
    pub(super) admin: Option<Address>,
    pub(super) policy: u32,
    pub(super) storage: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What a transaction comes to.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) status: Status,
    pub(super) output: Vec<u8>,
    pub(super) events: Vec<Event>,
    pub(super) deployed: Option<Address>,
    /// How each nested call began and ended.
    pub(super) nested: Vec<String>,
}

/// What a call that fails puts back.
#[derive(Clone, Debug)]
struct Reverted {
    chain: Chain,
    events: Vec<Event>,
    /// A key that was removed stays, without a value.
    transient: BTreeMap<(Address, Vec<u8>), Option<Vec<u8>>>,
}

/// A transaction that runs.
struct Run<'a> {
    now: Reverted,
    loaded: BTreeSet<[u8; 32]>,
    active: Vec<(Address, String)>,
    scripts: &'a BTreeMap<Vec<u8>, Script>,
    nested: Vec<String>,
}

struct Call<'a> {
    caller: Address,
    to: Address,
    method: String,
    value: u128,
    input: &'a Script,
    is_read_only: bool,
    gas: u64,
    opening: Opening,
}

enum Opening {
    Method,
    Create([u8; 32], Option<Address>),
    Upgrade([u8; 32]),
}

struct Frame {
    caller: Address,
    address: Address,
    value: u128,
    is_read_only: bool,
    has_seen_value: bool,
    return_data: Vec<u8>,
}

/// How an operation ends its frame.
type Ends = (Status, Vec<u8>);

const REFUSED: Ends = (Status::Trapped(Trap::SyscallRefused), Vec::new());
const LIMITED: Ends = (Status::Trapped(Trap::DataLimit), Vec::new());

impl Chain {
    pub(super) fn balance(&self, address: Address) -> u128 {
        self.balances.get(&address).copied().unwrap_or_default()
    }

    pub(super) fn nonce(&self, address: Address) -> u64 {
        self.nonces.get(&address).copied().unwrap_or_default()
    }

    fn stored_bytes(&self, address: Address) -> u64 {
        let storage = self.contracts.get(&address).map(|found| &found.storage);
        let entries = storage.into_iter().flatten();
        let bytes = entries.map(|(key, value)| key.len() + value.len());
        bytes
            .map(|bytes| ENTRY_BYTES + u64::try_from(bytes).unwrap())
            .sum()
    }

    fn held(&self, address: Address) -> u128 {
        u128::from(self.deposit) * u128::from(self.stored_bytes(address))
    }

    /// How many contracts have a code.
    pub(super) fn users(&self, code: &[u8; 32]) -> u64 {
        let contracts = self.contracts.values();
        let users = contracts.filter(|contract| contract.code == *code).count();
        u64::try_from(users).unwrap()
    }

    /// Every entry of the state, as `keys` documents them.
    pub(super) fn entries(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let versioned = |parts: &[&[u8]]| [&[[1].as_slice()], parts].concat().concat();
        let mut entries = BTreeMap::new();
        for (address, balance) in self.balances.iter().filter(|(_, balance)| **balance > 0) {
            entries.insert(
                keys::balance(*address),
                versioned(&[&balance.to_le_bytes()]),
            );
        }
        for (address, nonce) in &self.nonces {
            entries.insert(keys::nonce(*address), versioned(&[&nonce.to_le_bytes()]));
        }
        for (hash, code) in &self.codes {
            let size = u32::try_from(code.bytes.len()).unwrap().to_le_bytes();
            let users = self.users(hash).to_le_bytes();
            let hash = CodeHash::from_bytes(*hash);
            entries.insert(keys::code(hash), code.bytes.to_vec());
            let code_use = versioned(&[code.uploader.as_bytes(), &users, &size]);
            entries.insert(keys::code_use(hash), code_use);
        }
        for (address, contract) in &self.contracts {
            let size = self.codes[&contract.code].bytes.len();
            let size = u32::try_from(size).unwrap().to_le_bytes();
            let code = versioned(&[&contract.code, &size]);
            entries.insert(keys::code_hash(*address), code);
            if let Some(admin) = contract.admin {
                entries.insert(keys::admin(*address), versioned(&[admin.as_bytes()]));
            }
            if contract.policy > 0 {
                let policy = u8::try_from(contract.policy).unwrap();
                entries.insert(keys::reentrancy(*address), versioned(&[&[policy]]));
            }
            let bytes = self.stored_bytes(*address);
            if self.deposit > 0 && bytes > 0 {
                let bytes = versioned(&[&bytes.to_le_bytes()]);
                entries.insert(keys::stored_bytes(*address), bytes);
            }
            for (key, value) in &contract.storage {
                entries.insert(keys::storage(*address, key), value.clone());
            }
        }
        entries
    }

    /// Runs a transaction. `None` if no block can include it. `scripts` has the scripts of all
    /// inputs, by their bytes.
    pub(super) fn execute(
        &mut self,
        transaction: &Transaction,
        methods: &BTreeMap<[u8; 32], &'static [&'static str]>,
        scripts: &BTreeMap<Vec<u8>, Script>,
    ) -> Option<Expected> {
        let Transaction {
            from,
            action,
            value,
            ..
        } = transaction;
        if *value > self.balance(*from) {
            return None;
        }
        let nonce = self.nonce(*from);
        self.nonces.insert(*from, nonce + 1);
        let mut run = Run {
            now: Reverted {
                chain: self.clone(),
                events: Vec::new(),
                transient: BTreeMap::new(),
            },
            loaded: BTreeSet::new(),
            active: Vec::new(),
            scripts,
            nested: Vec::new(),
        };
        let mut deployed = None;
        let (status, output) = run.act(*from, nonce, action, *value, methods, &mut deployed);
        let is_success = status == Status::Success;
        if is_success {
            *self = run.now.chain;
        }
        Some(Expected {
            status,
            output,
            events: if is_success {
                run.now.events
            } else {
                Vec::new()
            },
            deployed: deployed.filter(|_| is_success),
            nested: run.nested,
        })
    }
}

impl Run<'_> {
    fn upload(&mut self, uploader: Address, bytes: &[u8], methods: &'static [&'static str]) {
        let hash = *CodeHash::of(bytes).as_bytes();
        let code = Code {
            uploader,
            bytes: bytes.into(),
            methods,
        };
        self.now.chain.codes.entry(hash).or_insert(code);
    }

    fn act(
        &mut self,
        from: Address,
        nonce: u64,
        action: &Action,
        value: u128,
        methods: &BTreeMap<[u8; 32], &'static [&'static str]>,
        deployed: &mut Option<Address>,
    ) -> Ends {
        let rejected = |rejection| (Status::Rejected(rejection), Vec::new());
        let success = (Status::Success, Vec::new());
        let scripts = self.scripts;
        let call = |to, method: &str, input: &Vec<u8>, opening| Call {
            caller: from,
            to,
            method: method.to_owned(),
            value,
            input: &scripts[input],
            is_read_only: false,
            gas: u64::MAX,
            opening,
        };
        match action {
            Action::Upload { code } => {
                let hash = *CodeHash::of(code).as_bytes();
                self.upload(from, code, methods[&hash]);
                (Status::Success, hash.to_vec())
            }
            Action::Deploy { code, input } => {
                let hash = CodeHash::of(code);
                self.upload(from, code, methods[hash.as_bytes()]);
                self.loaded.insert(*hash.as_bytes());
                let address = Address::of_contract(from, nonce, hash);
                *deployed = Some(address);
                self.call(call(
                    address,
                    "",
                    input,
                    Opening::Create(*hash.as_bytes(), None),
                ))
            }
            Action::Create {
                code,
                salt,
                admin,
                input,
            } => {
                let address = match salt {
                    Some(salt) => Address::of_salted_contract(from, salt),
                    None => Address::of_contract(from, nonce, *code),
                };
                *deployed = Some(address);
                let opening = Opening::Create(*code.as_bytes(), *admin);
                self.call(call(address, "", input, opening))
            }
            Action::Upgrade {
                contract,
                code,
                input,
            } => self.call(call(
                *contract,
                "",
                input,
                Opening::Upgrade(*code.as_bytes()),
            )),
            Action::SetAdmin { contract, admin } => match self.set_admin(from, *contract, *admin) {
                true => success,
                false => rejected(Rejection::NotAdmin),
            },
            Action::RemoveCode { code } => match self.now.chain.codes.get(code.as_bytes()) {
                None => rejected(Rejection::UnknownCode),
                Some(found) if found.uploader != from => rejected(Rejection::NotAdmin),
                Some(_) if self.now.chain.users(code.as_bytes()) > 0 => {
                    rejected(Rejection::CodeInUse)
                }
                Some(_) => {
                    self.now.chain.codes.remove(code.as_bytes());
                    success
                }
            },
            Action::Call { to, method, input } => {
                self.call(call(*to, method, input, Opening::Method))
            }
        }
    }

    fn set_admin(&mut self, by: Address, contract: Address, admin: Option<Address>) -> bool {
        match self.now.chain.contracts.get_mut(&contract) {
            Some(contract) if contract.admin == Some(by) => {
                contract.admin = admin;
                true
            }
            _ => false,
        }
    }

    /// Moves a value. False if the sender has too little that it can send.
    fn transfer(&mut self, from: Address, to: Address, value: u128) -> bool {
        let chain = &mut self.now.chain;
        if value == 0 {
            return true;
        }
        let free = chain.balance(from).checked_sub(chain.held(from));
        if free.is_none_or(|free| free < value) {
            return false;
        }
        *chain.balances.entry(from).or_default() -= value;
        *chain.balances.entry(to).or_default() += value;
        true
    }

    fn call(&mut self, call: Call<'_>) -> Ends {
        if self.active.len() > self.now.chain.depth {
            return rejected(Rejection::CallLimit);
        }
        let before = self.now.clone();
        let ended = self.attempt(call);
        if ended.0 != Status::Success {
            self.now = before;
        }
        ended
    }

    fn attempt(&mut self, mut call: Call<'_>) -> Ends {
        if !self.transfer(call.caller, call.to, call.value) {
            return rejected(Rejection::InsufficientBalance);
        }
        let is_transfer = matches!(call.opening, Opening::Method) && call.method.is_empty();
        let entry = match self.open(&mut call) {
            Ok(Some(entry)) => entry,
            Ok(None) => return (Status::Success, Vec::new()),
            Err(ended) => return ended,
        };
        if call.method.is_empty() {
            return match call.value {
                0 => (Status::Success, Vec::new()),
                _ => rejected(Rejection::NotPayable),
            };
        }
        let is_enterable = self.has(call.to, &call.method)
            && match entry {
                None => !["deploy", "migrate"].contains(&call.method.as_str()),
                Some(only) => call.method == only,
            };
        if !is_enterable {
            return rejected(match is_transfer {
                true => Rejection::NotPayable,
                false => Rejection::UnknownMethod,
            });
        }
        if let Some(message) = self.reentrant(&call) {
            return (Status::Rejected(Rejection::Reentrant), message.into_bytes());
        }
        if call.gas <= TINY_GAS {
            return (Status::OutOfGas, Vec::new());
        }
        self.active.push((call.to, call.method.clone()));
        let ended = self.frame(&call);
        self.active.pop();
        ended
    }

    /// Makes or upgrades the contract, and loads its code. Returns the only method that may be
    /// entered, or `None` for ordinary ones; nothing if the call enters no code.
    fn open(&mut self, call: &mut Call<'_>) -> Result<Option<Option<&'static str>>, Ends> {
        let is_given = !call.input.0.is_empty();
        match call.opening {
            Opening::Method => {
                if call.method.is_empty() && call.value == 0 {
                    return Ok(None);
                }
                let Some(contract) = self.now.chain.contracts.get(&call.to) else {
                    return match call.method.is_empty() {
                        true => Ok(None),
                        false => Err(rejected(Rejection::UnknownAddress)),
                    };
                };
                let code = contract.code;
                if call.method.is_empty() {
                    call.method = "receive".to_owned();
                }
                self.load(code, call.gas)?;
                Ok(Some(None))
            }
            Opening::Create(code, admin) => {
                if self.now.chain.contracts.contains_key(&call.to) {
                    return Err(rejected(Rejection::AddressTaken));
                }
                if !self.now.chain.codes.contains_key(&code) {
                    return Err(rejected(Rejection::UnknownCode));
                }
                self.load(code, call.gas)?;
                let contract = Contract {
                    code,
                    admin,
                    ..Contract::default()
                };
                self.now.chain.contracts.insert(call.to, contract);
                if is_given || self.has(call.to, "deploy") {
                    call.method = "deploy".to_owned();
                }
                Ok(Some(Some("deploy")))
            }
            Opening::Upgrade(code) => {
                let contract = self.now.chain.contracts.get(&call.to);
                let contract = contract.filter(|contract| contract.admin == Some(call.caller));
                let Some(old) = contract.map(|contract| contract.code) else {
                    return Err(rejected(Rejection::NotAdmin));
                };
                let Some(new) = self.now.chain.codes.get(&code) else {
                    return Err(rejected(Rejection::UnknownCode));
                };
                let (old_methods, methods) = (self.now.chain.codes[&old].methods, new.methods);
                self.load(old, call.gas)?;
                self.load(code, call.gas)?;
                let is_method = |method: &&&str| !["deploy", "migrate"].contains(*method);
                let mut kept = old_methods.iter().filter(is_method);
                if !kept.all(|method| methods.contains(method)) {
                    return Err(rejected(Rejection::MissingMethods));
                }
                self.now.chain.contracts.get_mut(&call.to).unwrap().code = code;
                if is_given || self.has(call.to, "migrate") {
                    call.method = "migrate".to_owned();
                }
                Ok(Some(Some("migrate")))
            }
        }
    }

    /// Code is loaded once in a transaction, and what is above a size is paid.
    fn load(&mut self, code: [u8; 32], gas: u64) -> Result<(), Ends> {
        if self.loaded.contains(&code) {
            return Ok(());
        }
        if gas <= TINY_GAS && self.now.chain.codes[&code].bytes.len() > INCLUDED_BYTES {
            return Err((Status::OutOfGas, Vec::new()));
        }
        self.loaded.insert(code);
        Ok(())
    }

    fn has(&self, contract: Address, method: &str) -> bool {
        let code = self.now.chain.contracts[&contract].code;
        self.now.chain.codes[&code].methods.contains(&method)
    }

    fn reentrant(&self, call: &Call<'_>) -> Option<String> {
        let mut active = self.active.iter().enumerate();
        let (depth, (_, method)) = active.find(|(_, (address, _))| *address == call.to)?;
        let policy = self.now.chain.contracts[&call.to].policy;
        let is_admitted = policy & reentrancy::ANY != 0
            || policy & reentrancy::SELF != 0 && call.caller == call.to
            || policy & reentrancy::READ_ONLY != 0 && call.is_read_only;
        let (number, to, into) = (self.active.len(), call.to, &call.method);
        (!is_admitted).then(|| {
            format!(
                "frame {number} ({to}.{into}) calls into frame {depth} ({to}.{method}), \
                 which has not ended"
            )
        })
    }

    fn frame(&mut self, call: &Call<'_>) -> Ends {
        let mut frame = Frame {
            caller: call.caller,
            address: call.to,
            value: call.value,
            is_read_only: call.is_read_only,
            has_seen_value: false,
            return_data: Vec::new(),
        };
        let mut output = Vec::new();
        for op in &call.input.0 {
            let mut buffer = Vec::new();
            let result = match self.op(&mut frame, op, &mut buffer) {
                Ok(result) => result,
                Err(ended) => return ended,
            };
            buffer.resize(BUFFER_BYTES, 0xee);
            output.extend_from_slice(&result.to_le_bytes());
            output.extend_from_slice(&buffer);
            if matches!(op, Op::ReturnData) {
                output.extend_from_slice(&frame.return_data);
            }
        }
        match frame.value > 0 && !frame.has_seen_value {
            true => rejected(Rejection::NotPayable),
            false => (Status::Success, output),
        }
    }

    fn op(&mut self, frame: &mut Frame, op: &Op, buffer: &mut Vec<u8>) -> Result<i32, Ends> {
        let address = frame.address;
        if frame.is_read_only && changes_state(op) {
            return Err(REFUSED);
        }
        let storage = |run: &mut Self| {
            let contract = run.now.chain.contracts.get_mut(&address).unwrap();
            std::mem::take(&mut contract.storage)
        };
        Ok(match op {
            Op::Read(key) => found(self.storage(address).get(key), buffer),
            Op::Write(key, value) => match self.write(address, key, value) {
                true => 0,
                false => return Err(REFUSED),
            },
            Op::TryWrite(key, value) => match self.write(address, key, value) {
                true => 0,
                false => status::INSUFFICIENT_DEPOSIT,
            },
            Op::Remove(key) => {
                let mut entries = storage(self);
                let removed = entries.remove(key);
                *self.storage(address) = entries;
                i32::from(removed.is_some())
            }
            Op::Next(start, end) => {
                let keys = in_range(self.storage(address), start, end);
                self.entry(address, keys.first(), buffer)
            }
            Op::Previous(start, end) => {
                let keys = in_range(self.storage(address), start, end);
                self.entry(address, keys.last(), buffer)
            }
            Op::RemoveRange(start, end, most) => {
                let keys = in_range(self.storage(address), start, end);
                let removed: Vec<_> = keys
                    .into_iter()
                    .take(usize::try_from(*most).unwrap())
                    .collect();
                for key in &removed {
                    self.storage(address).remove(key);
                }
                i32::try_from(removed.len()).unwrap()
            }
            Op::TransientRead(key) => {
                let value = self.now.transient.get(&(address, key.clone()));
                found(value.and_then(Option::as_ref), buffer)
            }
            Op::TransientWrite(key, value) => {
                let value = Some(value.clone());
                self.now.transient.insert((address, key.clone()), value);
                // The call fails, so that it does not matter what is there.
                if self.transient_bytes() > self.now.chain.transient_bytes {
                    return Err(LIMITED);
                }
                0
            }
            Op::TransientRemove(key) => {
                let value = self.now.transient.get_mut(&(address, key.clone()));
                i32::from(value.and_then(Option::take).is_some())
            }
            Op::Emit(topics, data) => {
                self.now.events.push(Event {
                    address,
                    topics: topics.clone(),
                    data: data.clone(),
                });
                if self.now.events.len() > self.now.chain.events {
                    return Err(LIMITED);
                }
                0
            }
            Op::Caller => give(frame.caller.as_bytes(), buffer, 0),
            Op::Value => {
                frame.has_seen_value = true;
                give(&frame.value.to_le_bytes(), buffer, 0)
            }
            Op::Balance(of) => give(&self.now.chain.balance(*of).to_le_bytes(), buffer, 0),
            Op::Deposit => give(&self.now.chain.held(address).to_le_bytes(), buffer, 0),
            Op::SetAdmin(contract, admin) => match self.set_admin(address, *contract, *admin) {
                true => 0,
                false => status::NOT_ADMIN,
            },
            Op::Admin(contract) => {
                let contract = self.now.chain.contracts.get(contract);
                match contract.and_then(|contract| contract.admin) {
                    None => 0,
                    Some(admin) => give(admin.as_bytes(), buffer, 1),
                }
            }
            Op::CodeHash(contract) => match self.now.chain.contracts.get(contract) {
                None => 0,
                Some(contract) => give(&contract.code, buffer, 1),
            },
            Op::SetReentrancy(policy) => {
                let contract = self.now.chain.contracts.get_mut(&address).unwrap();
                contract.policy = *policy;
                0
            }
            Op::ReturnData => i32::try_from(frame.return_data.len()).unwrap(),
            Op::Revert(message) => return Err((Status::Reverted, message.clone())),
            Op::Trap => return Err((Status::Trapped(Trap::Unreachable), Vec::new())),
            Op::Burn => return Err((Status::OutOfGas, Vec::new())),
            Op::Call { .. } | Op::CallReadOnly { .. } | Op::Deploy { .. } | Op::Upgrade { .. } => {
                let call = nested(frame, op, buffer);
                let kind = match &call.opening {
                    Opening::Create(..) => "deploy",
                    Opening::Upgrade(_) => "upgrade",
                    Opening::Method if call.is_read_only => "read",
                    Opening::Method if call.value > 0 => "pay",
                    Opening::Method => "call",
                };
                let is_again = self.active.iter().any(|(address, _)| *address == call.to);
                let (ended, data) = self.call(call);
                let again = if is_again { " again" } else { "" };
                self.nested.push(format!("{kind}{again}: {ended:?}"));
                frame.return_data = data;
                match ended {
                    Status::Success => i32::try_from(frame.return_data.len()).unwrap(),
                    failed => code(failed),
                }
            }
        })
    }

    fn transient_bytes(&self) -> u64 {
        let entries = self.now.transient.iter();
        let bytes = entries.map(|((_, key), value)| {
            let value = value.as_ref().map_or(0, Vec::len);
            ENTRY_BYTES + u64::try_from(key.len() + value).unwrap()
        });
        bytes.sum()
    }

    fn storage(&mut self, address: Address) -> &mut BTreeMap<Vec<u8>, Vec<u8>> {
        let contract = self.now.chain.contracts.get_mut(&address);
        &mut contract.unwrap().storage
    }

    /// Stores an entry, if the balance covers the deposit, or the entry grows by nothing.
    fn write(&mut self, address: Address, key: &[u8], value: &[u8]) -> bool {
        let before = (self.storage(address).clone(), self.now.chain.held(address));
        self.storage(address).insert(key.to_vec(), value.to_vec());
        let held = self.now.chain.held(address);
        let is_covered = held <= before.1 || held <= self.now.chain.balance(address);
        if !is_covered {
            *self.storage(address) = before.0;
        }
        is_covered
    }

    fn entry(&mut self, address: Address, key: Option<&Vec<u8>>, buffer: &mut Vec<u8>) -> i32 {
        let Some(key) = key else {
            return status::ABSENT;
        };
        let value = &self.storage(address)[key];
        let length = u32::try_from(key.len()).unwrap().to_le_bytes();
        found(Some(&[length.as_slice(), key, value].concat()), buffer)
    }
}

/// The call that an operation makes.
fn nested<'a>(frame: &Frame, op: &'a Op, buffer: &mut Vec<u8>) -> Call<'a> {
    let (to, method, value, input, gas, is_read_only, opening) = match op {
        Op::Call {
            to,
            method,
            input,
            value,
            gas,
        } => {
            let opening = Opening::Method;
            let is_read_only = frame.is_read_only;
            (
                *to,
                method.as_str(),
                *value,
                input,
                *gas,
                is_read_only,
                opening,
            )
        }
        Op::CallReadOnly {
            to,
            method,
            input,
            gas,
        } => (*to, method.as_str(), 0, input, *gas, true, Opening::Method),
        Op::Deploy {
            code,
            salt,
            input,
            value,
            gas,
            admin,
        } => {
            let address = Address::of_salted_contract(frame.address, salt);
            give(address.as_bytes(), buffer, 0);
            let opening = Opening::Create(*code, *admin);
            (address, "", *value, input, *gas, false, opening)
        }
        Op::Upgrade {
            contract,
            code,
            input,
            gas,
        } => (
            *contract,
            "",
            0,
            input,
            *gas,
            false,
            Opening::Upgrade(*code),
        ),
        _ => unreachable!("not a call"),
    };
    Call {
        caller: frame.address,
        to,
        method: method.to_owned(),
        value,
        input,
        is_read_only,
        gas,
        opening,
    }
}

fn changes_state(op: &Op) -> bool {
    match op {
        Op::Call { value, .. } => *value > 0,
        Op::Write(..)
        | Op::TryWrite(..)
        | Op::Remove(_)
        | Op::RemoveRange(..)
        | Op::TransientWrite(..)
        | Op::TransientRemove(_)
        | Op::Emit(..)
        | Op::Deploy { .. }
        | Op::Upgrade { .. }
        | Op::SetAdmin(..)
        | Op::SetReentrancy(_) => true,
        _ => false,
    }
}

/// The keys from `start` to `end`, or to the last one if `end` is empty.
fn in_range(storage: &BTreeMap<Vec<u8>, Vec<u8>>, start: &[u8], end: &[u8]) -> Vec<Vec<u8>> {
    let keys = storage.keys();
    let is_in =
        |key: &&Vec<u8>| key.as_slice() >= start && (end.is_empty() || key.as_slice() < end);
    keys.filter(is_in).cloned().collect()
}

/// Writes as much as fits the buffer, and returns the full length.
fn found(value: Option<&Vec<u8>>, buffer: &mut Vec<u8>) -> i32 {
    let Some(value) = value else {
        return status::ABSENT;
    };
    buffer.extend_from_slice(&value[..value.len().min(BUFFER_BYTES)]);
    i32::try_from(value.len()).unwrap()
}

fn give(bytes: &[u8], buffer: &mut Vec<u8>, result: i32) -> i32 {
    buffer.extend_from_slice(bytes);
    result
}

fn rejected(rejection: Rejection) -> Ends {
    (Status::Rejected(rejection), Vec::new())
}

/// What a caller sees of a failed call.
fn code(failed: Status) -> i32 {
    match failed {
        Status::Success => 0,
        Status::Reverted => status::REVERTED,
        Status::Trapped(_) => status::TRAPPED,
        Status::OutOfGas => status::OUT_OF_GAS,
        Status::Rejected(rejection) => match rejection {
            Rejection::UnknownAddress | Rejection::UnknownMethod => status::UNKNOWN_CALLEE,
            Rejection::InsufficientBalance => status::INSUFFICIENT_BALANCE,
            Rejection::Reentrant => status::REENTRANT,
            Rejection::UnknownCode => status::UNKNOWN_CODE,
            Rejection::AddressTaken => status::ADDRESS_TAKEN,
            Rejection::NotAdmin => status::NOT_ADMIN,
            Rejection::MissingMethods => status::MISSING_METHODS,
            Rejection::NotPayable => status::NOT_PAYABLE,
            Rejection::CallLimit => status::CALL_LIMIT,
            other => unreachable!("the reference has no {other:?}"),
        },
    }
}
