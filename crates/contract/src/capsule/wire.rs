//! The bytes of capsules.
//!
//! Each capsule has exactly one encoding: what decodes is encoded again, and other bytes are
//! refused.

mod bytes;
mod subject;

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use fusee_engine::CodeHash;
use fusee_state::RecordedState;
use sha2::{Digest, Sha256};

use super::{Capsule, CapsuleError, CapsuleResult, ChangesDigest, record::code_hash};
use crate::{
    BlockContext, ContractRulesId, Receipt, RunStep,
    steps::{CHUNK_STEPS, STEP_BYTES, Steps},
};
use bytes::{Reader, Writer};

const MAGIC: &[u8; 8] = b"fuseecap";
const VERSION: u32 = 2;
const CHECKSUM_BYTES: usize = 32;

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
    let mut reader = Reader::new(before);
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
        subject,
        sent_code,
        answers,
        state,
        stored_code,
        code,
        result,
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

    writer.subject(subject, sent_code);

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
    // The hashes are known: of the stored code and of the code that operations send.
    for code in code.values() {
        writer.option(code.as_ref(), |writer, code| writer.bytes(code));
    }

    writer.list(result.receipts.iter(), |writer, receipt| {
        writer.bytes(&receipt.encode());
    });
    writer.raw(&result.gas_used.units().to_le_bytes());
    writer.raw(&result.fee.to_le_bytes());
    writer.raw(result.changes.as_bytes());

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
    let (subject, sent_code) = reader.subject()?;
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
    let all: BTreeSet<_> = stored_code.iter().chain(&sent_code).copied().collect();
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
        let hash = code_hash(key);
        let is_code = hash.zip(value.as_ref());
        if hash.is_some_and(|hash| stored_code.contains(&hash))
            || is_code.is_some_and(|(hash, value)| CodeHash::of(value) == hash)
        {
            return Err(reader.malformed("an entry of the state has code, which has its own list"));
        }
    }
    reader.part = "result";
    let result = reader.result()?;
    reader.part = "steps";
    let steps = reader.steps()?;
    reader.end()?;
    Ok(Capsule {
        rules,
        block,
        subject,
        sent_code,
        answers,
        state: RecordedState::new(ranges, entries),
        stored_code,
        code,
        result,
        steps,
    })
}

impl Reader<'_> {
    fn result(&mut self) -> Result<CapsuleResult, CapsuleError> {
        let receipts = self.list(|reader| {
            let receipt = Receipt::decode(reader.bytes()?);
            receipt.map_err(|_| reader.malformed("the bytes before are no receipt"))
        })?;
        Ok(CapsuleResult {
            receipts,
            gas_used: self.gas()?,
            fee: self.u128()?,
            changes: ChangesDigest::from_bytes(self.array()?),
        })
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
}
