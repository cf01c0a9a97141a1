//! The bytes of capsules.
//!
//! Each capsule has exactly one encoding: what decodes is encoded again, and other bytes are
//! refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use fusee_engine::{CodeHash, Gas};
use fusee_state::{RecordedState, Value};
use sha2::{Digest, Sha256};

use super::{Capsule, CapsuleError, ChangesDigest};
use crate::{
    Action, Address, BlockContext, ContractRulesId, Receipt, RunStep, Transaction,
    steps::{CHUNK_STEPS, STEP_BYTES, Steps},
};

const MAGIC: &[u8; 8] = b"fuseecap";
const VERSION: u32 = 1;
const CHECKSUM_BYTES: usize = 32;

/// The tags of actions.
mod action {
    pub(super) const DEPLOY: u8 = 0;
    pub(super) const CALL: u8 = 1;
    pub(super) const UPLOAD: u8 = 2;
    pub(super) const CREATE: u8 = 3;
    pub(super) const UPGRADE: u8 = 4;
    pub(super) const SET_ADMIN: u8 = 5;
    pub(super) const REMOVE_CODE: u8 = 6;
}

pub(super) fn encode(capsule: &Capsule) -> Result<Vec<u8>, CapsuleError> {
    let mut bytes = body(capsule);
    let checksum: [u8; CHECKSUM_BYTES] = Sha256::digest(&bytes).into();
    bytes.extend_from_slice(&checksum);
    match bytes.len() {
        0..=Capsule::MAX_BYTES => Ok(bytes),
        bytes => Err(CapsuleError::TooLarge { bytes }),
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Capsule, CapsuleError> {
    if bytes.len() > Capsule::MAX_BYTES {
        let bytes = bytes.len();
        return Err(CapsuleError::TooLarge { bytes });
    }
    let after = bytes.strip_prefix(MAGIC).ok_or(CapsuleError::NotACapsule)?;
    let found = after.first_chunk().copied().map(u32::from_le_bytes);
    if let Some(found) = found.filter(|found| *found != VERSION) {
        let expected = VERSION;
        return Err(CapsuleError::Version { found, expected });
    }
    let (before, checksum) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .unwrap_or((bytes, &[0; CHECKSUM_BYTES]));
    if Sha256::digest(before)[..] != checksum[..] {
        let bytes = before.len();
        return Err(CapsuleError::Checksum { bytes });
    }
    let mut reader = Reader {
        bytes: before,
        at: 0,
        part: "beginning",
    };
    reader.take(MAGIC.len())?;
    reader.u32()?;
    let capsule = read(&mut reader)?;
    // Keys out of order and the like decode, but to a capsule that has other bytes.
    let canonical = body(&capsule);
    if canonical != before {
        let equal = iter::zip(&canonical, before).take_while(|(one, other)| one == other);
        return Err(CapsuleError::Malformed {
            at: equal.count(),
            part: "contents",
            reason: "the same capsule has other canonical bytes",
        });
    }
    Ok(capsule)
}

/// All bytes before the checksum.
fn body(capsule: &Capsule) -> Vec<u8> {
    let Capsule {
        rules: (rules, id),
        block,
        transaction,
        sent_code,
        answers,
        state,
        stored_code,
        code,
        receipt,
        changes,
        steps,
    } = capsule;
    let mut writer = Writer(Vec::new());
    writer.raw(MAGIC);
    writer.raw(&VERSION.to_le_bytes());

    writer.bytes(rules.as_bytes());
    writer.raw(id.as_bytes());

    writer.bytes(block.chain_id.as_bytes());
    writer.raw(&block.height.to_le_bytes());
    writer.raw(&block.time.to_le_bytes());
    writer.raw(block.proposer.as_bytes());

    writer.transaction(transaction, *sent_code);

    writer.list(answers.iter(), |writer, answer| {
        writer.option(answer.as_ref(), |writer, answer| writer.bytes(answer));
    });

    writer.list(state.ranges(), |writer, (start, end)| {
        writer.bytes(start);
        writer.bytes(end);
    });
    writer.list(state.iter(), |writer, (key, value)| {
        writer.bytes(key);
        writer.option(value, |writer, value| writer.bytes(value));
    });
    writer.list(stored_code.iter(), |writer, hash| {
        writer.raw(hash.as_bytes());
    });
    // The hashes are known: of the stored code and of the code that the transaction sends.
    for code in code.values() {
        writer.option(code.as_ref(), |writer, code| writer.bytes(code));
    }

    writer.bytes(&receipt.encode());
    writer.raw(changes.as_bytes());

    writer.raw(&steps.count.to_le_bytes());
    for step in &steps.kept {
        writer.raw(&step.encode());
    }
    for chunk in steps.chunks.iter().skip(1) {
        writer.raw(chunk);
    }
    writer.0
}

fn read(reader: &mut Reader<'_>) -> Result<Capsule, CapsuleError> {
    reader.part = "rules";
    let rules = (reader.text()?, ContractRulesId::from_bytes(reader.array()?));
    reader.part = "block";
    let block = BlockContext {
        chain_id: reader.text()?.into(),
        height: reader.u64()?,
        time: reader.u64()?,
        proposer: reader.address()?,
    };
    reader.part = "transaction";
    let (transaction, sent_code) = reader.transaction()?;
    reader.part = "oracle answers";
    let answers = reader.list(|reader| reader.option(Reader::owned))?;
    reader.part = "ranges of the state";
    let ranges = reader.list(|reader| Ok((reader.owned()?, reader.owned()?)))?;
    reader.part = "state";
    let entries = reader.list(|reader| {
        let key = reader.owned()?;
        Ok((key, reader.option(Reader::value)?))
    })?;
    reader.part = "code";
    let stored_code = reader.list(Reader::hash)?;
    let stored_code: BTreeSet<_> = stored_code.into_iter().collect();
    let mut code = BTreeMap::new();
    let all: BTreeSet<_> = stored_code.iter().copied().chain(sent_code).collect();
    for hash in all {
        let embedded = reader.option(Reader::value)?;
        if embedded
            .as_ref()
            .is_some_and(|code| CodeHash::of(code) != hash)
        {
            return Err(reader.malformed("the code before has another hash"));
        }
        code.insert(hash, embedded);
    }
    for (key, value) in &entries {
        let hash = super::code_hash(key);
        let is_code = hash.zip(value.as_ref());
        if hash.is_some_and(|hash| stored_code.contains(&hash))
            || is_code.is_some_and(|(hash, value)| CodeHash::of(value) == hash)
        {
            return Err(reader.malformed("an entry of the state has code, which has its own list"));
        }
    }
    reader.part = "receipt";
    let receipt = Receipt::decode(reader.bytes()?);
    let receipt = receipt.map_err(|_| reader.malformed("the bytes before are no receipt"))?;
    let changes = ChangesDigest(reader.array()?);
    reader.part = "steps";
    let steps = reader.steps()?;
    reader.end()?;
    Ok(Capsule {
        rules,
        block,
        transaction,
        sent_code,
        answers,
        state: RecordedState::new(ranges, entries),
        stored_code,
        code,
        receipt,
        changes,
        steps,
    })
}

struct Writer(Vec<u8>);

impl Writer {
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn length(&mut self, length: usize) {
        // Longer ones exceed the limit of a capsule.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.raw(&length.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.raw(bytes);
    }

    fn list<I: ExactSizeIterator>(&mut self, items: I, mut write: impl FnMut(&mut Self, I::Item)) {
        self.length(items.len());
        for item in items {
            write(self, item);
        }
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.raw(&[u8::from(value.is_some())]);
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn transaction(&mut self, transaction: &Transaction, sent_code: Option<CodeHash>) {
        let Transaction {
            from,
            action,
            value,
            gas,
        } = transaction;
        self.raw(from.as_bytes());
        self.raw(&value.to_le_bytes());
        self.raw(&gas.units().to_le_bytes());
        let sent_code = sent_code.iter();
        match action {
            Action::Deploy { input, .. } => {
                self.raw(&[action::DEPLOY]);
                sent_code.for_each(|hash| self.raw(hash.as_bytes()));
                self.bytes(input);
            }
            Action::Call { to, method, input } => {
                self.raw(&[action::CALL]);
                self.raw(to.as_bytes());
                self.bytes(method.as_bytes());
                self.bytes(input);
            }
            Action::Upload { .. } => {
                self.raw(&[action::UPLOAD]);
                sent_code.for_each(|hash| self.raw(hash.as_bytes()));
            }
            Action::Create {
                code,
                salt,
                admin,
                input,
            } => {
                self.raw(&[action::CREATE]);
                self.raw(code.as_bytes());
                self.option(salt.as_ref(), |writer, salt| writer.raw(salt));
                self.option(admin.as_ref(), |writer, admin| writer.raw(admin.as_bytes()));
                self.bytes(input);
            }
            Action::Upgrade {
                contract,
                code,
                input,
            } => {
                self.raw(&[action::UPGRADE]);
                self.raw(contract.as_bytes());
                self.raw(code.as_bytes());
                self.bytes(input);
            }
            Action::SetAdmin { contract, admin } => {
                self.raw(&[action::SET_ADMIN]);
                self.raw(contract.as_bytes());
                self.option(admin.as_ref(), |writer, admin| writer.raw(admin.as_bytes()));
            }
            Action::RemoveCode { code } => {
                self.raw(&[action::REMOVE_CODE]);
                self.raw(code.as_bytes());
            }
        }
    }
}

/// Reads untrusted bytes. Nothing is allocated before its bytes are there.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    part: &'static str,
}

impl<'a> Reader<'a> {
    fn malformed(&self, reason: &'static str) -> CapsuleError {
        CapsuleError::Malformed {
            at: self.at,
            part: self.part,
            reason,
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CapsuleError> {
        let taken = self.bytes.split_off(..length);
        let taken = taken.ok_or_else(|| self.malformed("more bytes are announced than follow"))?;
        self.at = self.at.saturating_add(length);
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CapsuleError> {
        let taken = self.take(N)?;
        let array = taken.first_chunk().copied();
        array.ok_or_else(|| self.malformed("more bytes are announced than follow"))
    }

    fn u32(&mut self) -> Result<u32, CapsuleError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, CapsuleError> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], CapsuleError> {
        let length = self.u32()?;
        // A length that exceeds a usize exceeds any slice.
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn owned(&mut self) -> Result<Vec<u8>, CapsuleError> {
        self.bytes().map(<[u8]>::to_vec)
    }

    fn value(&mut self) -> Result<Value, CapsuleError> {
        self.bytes().map(Value::from)
    }

    fn text(&mut self) -> Result<String, CapsuleError> {
        let bytes = self.owned()?;
        String::from_utf8(bytes).map_err(|_| self.malformed("the text before is not UTF-8"))
    }

    fn address(&mut self) -> Result<Address, CapsuleError> {
        self.array().map(Address::new)
    }

    fn hash(&mut self) -> Result<CodeHash, CapsuleError> {
        self.array().map(CodeHash::from_bytes)
    }

    fn gas(&mut self) -> Result<Gas, CapsuleError> {
        let units = self.u64()?;
        let gas = Gas::new(units);
        match gas.units() == units {
            true => Ok(gas),
            false => Err(self.malformed("the number before exceeds the maximum amount of gas")),
        }
    }

    fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, CapsuleError>,
    ) -> Result<Vec<T>, CapsuleError> {
        let mut items = Vec::new();
        for _ in 0..self.u32()? {
            items.push(read(self)?);
        }
        Ok(items)
    }

    fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CapsuleError>,
    ) -> Result<Option<T>, CapsuleError> {
        match self.array()? {
            [0] => Ok(None),
            [1] => read(self).map(Some),
            _ => Err(self.malformed("the byte before is neither 0 nor 1")),
        }
    }

    fn transaction(&mut self) -> Result<(Transaction, Option<CodeHash>), CapsuleError> {
        let from = self.address()?;
        let value = u128::from_le_bytes(self.array()?);
        let gas = self.gas()?;
        let code = Vec::new();
        let mut sent_code = None;
        let action = match self.array()? {
            [action::DEPLOY] => {
                sent_code = Some(self.hash()?);
                let input = self.owned()?;
                Action::Deploy { code, input }
            }
            [action::CALL] => Action::Call {
                to: self.address()?,
                method: self.text()?,
                input: self.owned()?,
            },
            [action::UPLOAD] => {
                sent_code = Some(self.hash()?);
                Action::Upload { code }
            }
            [action::CREATE] => Action::Create {
                code: self.hash()?,
                salt: self.option(Self::array)?,
                admin: self.option(Self::address)?,
                input: self.owned()?,
            },
            [action::UPGRADE] => Action::Upgrade {
                contract: self.address()?,
                code: self.hash()?,
                input: self.owned()?,
            },
            [action::SET_ADMIN] => Action::SetAdmin {
                contract: self.address()?,
                admin: self.option(Self::address)?,
            },
            [action::REMOVE_CODE] => Action::RemoveCode { code: self.hash()? },
            _ => return Err(self.malformed("the byte before is the number of no action")),
        };
        let transaction = Transaction {
            from,
            action,
            value,
            gas,
        };
        Ok((transaction, sent_code))
    }

    fn steps(&mut self) -> Result<Steps, CapsuleError> {
        let count = self.u64()?;
        let chunk_steps = u64::try_from(CHUNK_STEPS).unwrap_or(u64::MAX);
        let mut kept = Vec::new();
        for _ in 0..count.min(chunk_steps) {
            let bytes: [u8; STEP_BYTES] = self.array()?;
            let step = RunStep::decode(&bytes);
            kept.push(step.ok_or_else(|| self.malformed("the bytes before are no step"))?);
        }
        let mut chunks = Vec::new();
        if count > 0 {
            chunks.push(Steps::digest(&kept));
        }
        for _ in 1..count.div_ceil(chunk_steps) {
            chunks.push(self.array()?);
        }
        Ok(Steps {
            count,
            chunks,
            kept,
            frames: Vec::new(),
        })
    }

    fn end(&self) -> Result<(), CapsuleError> {
        match self.bytes.is_empty() {
            true => Ok(()),
            false => Err(self.malformed("more bytes follow than the capsule has")),
        }
    }
}
