//! The host functions of contracts and delegates, and the node behind them.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use chrono::{DateTime, Datelike, Days, Timelike, Utc};
use freenet_stdlib::prelude::{encode_secret_key_list, error_codes};
use fusee::{
    lifecycle::{AsyncHost, Guest, Waiting},
    sandbox::{
        GuestMemory, Host, Stop, Syscall, SyscallPrice, SyscallRule, Trap,
        ValueType::{self, I32, I64},
    },
};

use crate::abi::Buffer;

/// What the node answers later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What guests reach of the node. One node serves all instances.
pub trait Node: Send + Sync + 'static {
    /// A secret of the delegates.
    fn secret(&self, key: &[u8]) -> Option<Vec<u8>>;

    /// Keeps a secret. `false` if that fails.
    fn set_secret(&self, key: &[u8], secret: &[u8]) -> bool;

    /// Forgets a secret. `false` if there was none.
    fn remove_secret(&self, key: &[u8]) -> bool;

    /// The state of a contract, which may be a peer's to tell.
    fn contract_state(&self, id: [u8; 32]) -> Later<'_, Option<Vec<u8>>>;

    /// The keys of the secrets that begin so, in any order. A node bounds how many there are.
    fn secret_keys(&self, prefix: &[u8]) -> Vec<Vec<u8>>;

    /// Stores the state of a contract, whose code the node has. Otherwise, one of Freenet's error
    /// codes.
    fn put_contract_state(&self, id: [u8; 32], state: Vec<u8>) -> Later<'_, Result<(), i32>>;

    /// Replaces the state of a contract that has one. Otherwise, one of Freenet's error codes.
    fn update_contract_state(&self, id: [u8; 32], state: Vec<u8>) -> Later<'_, Result<(), i32>>;

    /// Registers interest in the changes of a contract. Otherwise, one of Freenet's error codes.
    fn subscribe_contract(&self, id: [u8; 32]) -> Later<'_, Result<(), i32>>;

    /// The time that guests are told. A node has its clock; what has to be repeated, a fixed time.
    fn now(&self) -> DateTime<Utc>;

    /// Fills the buffer with random bytes. A node has the system's; what has to be repeated, those
    /// of a generator with a known seed.
    fn random(&self, buffer: &mut [u8]);

    /// Makes a delegate of a program and its parameters: its key and the hash of its code, or one
    /// of Freenet's error codes.
    fn create_delegate(&self, wasm: &[u8], params: &[u8]) -> Result<[[u8; 32]; 2], i32>;
}

type Row = (
    &'static str,
    &'static str,
    &'static [ValueType],
    Option<ValueType>,
    Function,
);

/// A host function. Its number is its position in the table.
#[derive(Clone, Copy, Debug)]
enum Function {
    FillBuffer,
    Log,
    ContextLength,
    ReadContext,
    WriteContext,
    Secret,
    SecretLength,
    SetSecret,
    HasSecret,
    RemoveSecret,
    StateLength,
    State,
    PutState,
    UpdateState,
    Subscribe,
    CreateDelegate,
    SecretKeysLength,
    SecretKeys,
    Now,
    Random,
}

impl Function {
    /// Whether the node may have to ask others.
    const fn may_suspend(self) -> bool {
        matches!(
            self,
            Function::StateLength
                | Function::State
                | Function::PutState
                | Function::UpdateState
                | Function::Subscribe
        )
    }
}

const TABLE: &[Row] = &[
    (
        "freenet_contract_io",
        "__frnt__fill_buffer",
        &[I64, I64],
        Some(I32),
        Function::FillBuffer,
    ),
    (
        "freenet_log",
        "__frnt__logger__info",
        &[I64, I64, I32],
        None,
        Function::Log,
    ),
    (
        "freenet_delegate_ctx",
        "__frnt__delegate__ctx_len",
        &[],
        Some(I32),
        Function::ContextLength,
    ),
    (
        "freenet_delegate_ctx",
        "__frnt__delegate__ctx_read",
        &[I64, I32],
        Some(I32),
        Function::ReadContext,
    ),
    (
        "freenet_delegate_ctx",
        "__frnt__delegate__ctx_write",
        &[I64, I32],
        Some(I32),
        Function::WriteContext,
    ),
    (
        "freenet_delegate_secrets",
        "__frnt__delegate__get_secret",
        &[I64, I32, I64, I32],
        Some(I32),
        Function::Secret,
    ),
    (
        "freenet_delegate_secrets",
        "__frnt__delegate__get_secret_len",
        &[I64, I32],
        Some(I32),
        Function::SecretLength,
    ),
    (
        "freenet_delegate_secrets",
        "__frnt__delegate__set_secret",
        &[I64, I32, I64, I32],
        Some(I32),
        Function::SetSecret,
    ),
    (
        "freenet_delegate_secrets",
        "__frnt__delegate__has_secret",
        &[I64, I32],
        Some(I32),
        Function::HasSecret,
    ),
    (
        "freenet_delegate_secrets",
        "__frnt__delegate__remove_secret",
        &[I64, I32],
        Some(I32),
        Function::RemoveSecret,
    ),
    (
        "freenet_delegate_contracts",
        "__frnt__delegate__get_contract_state_len",
        &[I64, I32],
        Some(I64),
        Function::StateLength,
    ),
    (
        "freenet_delegate_contracts",
        "__frnt__delegate__get_contract_state",
        &[I64, I32, I64, I64],
        Some(I64),
        Function::State,
    ),
    (
        "freenet_delegate_contracts",
        "__frnt__delegate__put_contract_state",
        &[I64, I32, I64, I64],
        Some(I64),
        Function::PutState,
    ),
    (
        "freenet_delegate_contracts",
        "__frnt__delegate__update_contract_state",
        &[I64, I32, I64, I64],
        Some(I64),
        Function::UpdateState,
    ),
    (
        "freenet_delegate_contracts",
        "__frnt__delegate__subscribe_contract",
        &[I64, I32],
        Some(I64),
        Function::Subscribe,
    ),
    (
        "freenet_delegate_management",
        "__frnt__delegate__create_delegate",
        &[I64, I64, I64, I64, I64, I64, I64, I64],
        Some(I32),
        Function::CreateDelegate,
    ),
    (
        "freenet_delegate_secrets",
        "__frnt__delegate__list_secrets_len",
        &[I64, I32],
        Some(I32),
        Function::SecretKeysLength,
    ),
    (
        "freenet_delegate_secrets",
        "__frnt__delegate__list_secrets",
        &[I64, I32, I64, I32],
        Some(I32),
        Function::SecretKeys,
    ),
    (
        "freenet_time",
        "__frnt__time__utc_now",
        &[I64, I64],
        None,
        Function::Now,
    ),
    (
        "freenet_rand",
        "__frnt__rand__rand_bytes",
        &[I64, I64, I32],
        None,
        Function::Random,
    ),
];

/// The functions that contracts and delegates may import. Those that ask other peers may suspend
/// the guest.
pub(crate) fn syscalls() -> Vec<SyscallRule> {
    let rule = |(number, (module, name, params, result, function)): (u32, &Row)| SyscallRule {
        module: (*module).to_owned(),
        name: (*name).to_owned(),
        number,
        params: params.to_vec(),
        result: *result,
        may_suspend: function.may_suspend(),
        price: SyscallPrice::FREE,
    };
    (0..).zip(TABLE).map(rule).collect()
}

fn function(number: u32) -> Option<Function> {
    let row = TABLE.get(usize::try_from(number).ok()?)?;
    Some(row.4)
}

/// An input that a contract reads piece by piece.
pub(crate) struct Input {
    pub(crate) bytes: Vec<u8>,
    /// Where the next piece begins.
    pub(crate) next: usize,
}

/// The host of one instance.
pub(crate) struct FreenetHost {
    pub(crate) node: Arc<dyn Node>,
    /// What did not fit into its buffer at once, by the address of the descriptor.
    pub(crate) inputs: BTreeMap<u64, Input>,
    /// What the delegate keeps between messages of a batch.
    pub(crate) context: Vec<u8>,
}

impl Host for FreenetHost {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let [a, b, c, d, ..] = call.request.args;
        let Some(function) = function(call.request.number) else {
            return Err(Trap::SyscallRefused.into());
        };
        match function {
            Function::FillBuffer => self.fill(&mut call.memory, b),
            Function::Log => Ok(0),
            Function::ContextLength => Ok(length(self.context.len())),
            Function::ReadContext => put(&mut call.memory, &self.context, a, b),
            Function::WriteContext => {
                self.context = call.memory.read(a, b)?.into_owned();
                Ok(0)
            }
            Function::Secret => {
                let secret = self.node.secret(&call.memory.read(a, b)?);
                match secret {
                    Some(secret) => put(&mut call.memory, &secret, c, d),
                    None => Ok(code(error_codes::ERR_SECRET_NOT_FOUND)),
                }
            }
            Function::SecretLength => {
                let secret = self.node.secret(&call.memory.read(a, b)?);
                let missing = code(error_codes::ERR_SECRET_NOT_FOUND);
                Ok(secret.map_or(missing, |secret| length(secret.len())))
            }
            Function::SetSecret => {
                let key = call.memory.read(a, b)?.into_owned();
                let is_set = self.node.set_secret(&key, &call.memory.read(c, d)?);
                Ok(code(if is_set {
                    0
                } else {
                    error_codes::ERR_STORAGE_FAILED
                }))
            }
            Function::HasSecret => Ok(u64::from(
                self.node.secret(&call.memory.read(a, b)?).is_some(),
            )),
            Function::RemoveSecret => {
                let is_removed = self.node.remove_secret(&call.memory.read(a, b)?);
                Ok(code(if is_removed {
                    0
                } else {
                    error_codes::ERR_SECRET_NOT_FOUND
                }))
            }
            Function::StateLength
            | Function::State
            | Function::PutState
            | Function::UpdateState
            | Function::Subscribe => Err(Stop::Suspend),
            Function::SecretKeysLength => {
                let keys = self.node.secret_keys(&call.memory.read(a, b)?);
                Ok(length(key_list(&keys).len()))
            }
            Function::SecretKeys => {
                let keys = self.node.secret_keys(&call.memory.read(a, b)?);
                put(&mut call.memory, &key_list(&keys), c, d)
            }
            Function::Now => {
                call.memory.write(b, &date_time(self.node.now()))?;
                Ok(0)
            }
            Function::Random => {
                self.random(&mut call.memory, b, c)?;
                Ok(0)
            }
            Function::CreateDelegate => {
                let wasm = call.memory.read(a, b)?.into_owned();
                let params = call.memory.read(c, d)?.into_owned();
                match self.node.create_delegate(&wasm, &params) {
                    Ok([key, hash]) => {
                        // Arguments 4 and 5 are the cipher and its nonce.
                        let (key_at, hash_at) = (call.arg(6), call.arg(7));
                        call.memory.write(key_at, &key)?;
                        call.memory.write(hash_at, &hash)?;
                        Ok(0)
                    }
                    Err(refused) => Ok(code(refused)),
                }
            }
        }
    }
}

impl AsyncHost for FreenetHost {
    fn wait<'a>(&'a mut self, mut guest: Guest<'a>) -> Waiting<'a> {
        Box::pin(async move {
            let [id_at, id_length, at, room, ..] = guest.request().args;
            let Ok(id) = <[u8; 32]>::try_from(&*guest.read(id_at, id_length)?) else {
                return Ok(long_code(error_codes::ERR_INVALID_PARAM));
            };
            let function = function(guest.request().number);
            let done = match function {
                Some(Function::PutState) => {
                    let state = guest.read(at, room)?.into_owned();
                    self.node.put_contract_state(id, state).await
                }
                Some(Function::UpdateState) => {
                    let state = guest.read(at, room)?.into_owned();
                    self.node.update_contract_state(id, state).await
                }
                Some(Function::Subscribe) => self.node.subscribe_contract(id).await,
                _ => return self.read_state(function, guest, id).await,
            };
            Ok(long_code(done.err().unwrap_or(error_codes::SUCCESS)))
        })
    }
}

impl FreenetHost {
    /// Answers with the state of a contract, or with its length.
    async fn read_state(
        &self,
        function: Option<Function>,
        mut guest: Guest<'_>,
        id: [u8; 32],
    ) -> Result<u64, Stop> {
        let [_, _, at, room, ..] = guest.request().args;
        let Some(state) = self.node.contract_state(id).await else {
            return Ok(long_code(error_codes::ERR_CONTRACT_NOT_FOUND));
        };
        match function {
            Some(Function::State) if room < length(state.len()) => {
                Ok(long_code(error_codes::ERR_BUFFER_TOO_SMALL))
            }
            Some(Function::State) => {
                guest.write(at, &state)?;
                Ok(length(state.len()))
            }
            _ => Ok(length(state.len())),
        }
    }

    /// Writes random bytes, a piece at a time: the guest says how many.
    fn random(&self, memory: &mut GuestMemory<'_>, at: u64, count: u64) -> Result<(), Stop> {
        let (mut at, mut left) = (at, count);
        let mut buffer = [0; 4_096];
        while left > 0 {
            let piece = left.min(length(buffer.len()));
            let piece = buffer.get_mut(..usize::try_from(piece).unwrap_or(0));
            let piece = piece.unwrap_or_default();
            self.node.random(piece);
            memory.write(at, piece)?;
            at = at.saturating_add(length(piece.len()));
            left = left.saturating_sub(length(piece.len()));
        }
        Ok(())
    }

    /// Fills a buffer from its beginning with what is left of its input: how much that is.
    fn fill(&mut self, memory: &mut GuestMemory<'_>, descriptor: u64) -> Result<u64, Stop> {
        let buffer = Buffer::decode(&memory.read(descriptor, Buffer::BYTES)?);
        let (Some(buffer), Some(input)) = (buffer, self.inputs.get_mut(&descriptor)) else {
            return Ok(0);
        };
        let capacity = usize::try_from(buffer.capacity).unwrap_or(usize::MAX);
        let rest = input.bytes.get(input.next..).unwrap_or_default();
        let piece = rest.get(..capacity).unwrap_or(rest);
        input.next = input.next.saturating_add(piece.len());
        memory.write(buffer.start, piece)?;
        memory.write(buffer.read_at, &[0; 4])?;
        let written = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        memory.write(buffer.written_at, &written.to_le_bytes())?;
        Ok(u64::from(written))
    }
}

fn key_list(keys: &[Vec<u8>]) -> Vec<u8> {
    encode_secret_key_list(keys.iter().map(Vec::as_slice))
}

/// A date and a time as they lie in the memory of a guest: as `chrono` 0.4 keeps them, in the order
/// in which Rust lays them out, which a test with a guest checks. The date is the year, the day of
/// the year, whether it is a common year, and the weekday of the last day of the year before.
fn date_time(now: DateTime<Utc>) -> [u8; 12] {
    let last = now
        .with_ordinal(1)
        .and_then(|first| first.checked_sub_days(Days::new(1)));
    let weekday = last.map_or(0, |last| last.weekday().num_days_from_monday());
    let weekday = if weekday == 0 { 7 } else { weekday };
    let is_common = now.with_ordinal(366).is_none();
    let date = (now.year() << 13).cast_unsigned()
        | now.ordinal() << 4
        | u32::from(is_common) << 3
        | weekday;
    let words = [date, now.num_seconds_from_midnight(), now.nanosecond()];
    let mut bytes = [0; 12];
    for (word, byte) in words.iter().zip(bytes.chunks_exact_mut(4)) {
        byte.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Writes bytes where the guest has room for them: how many they are.
fn put(memory: &mut GuestMemory<'_>, bytes: &[u8], at: u64, room: u64) -> Result<u64, Stop> {
    if room < length(bytes.len()) {
        return Ok(code(error_codes::ERR_BUFFER_TOO_SMALL));
    }
    memory.write(at, bytes)?;
    Ok(length(bytes.len()))
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// An error code, as the `i32` that a host function returns.
fn code(code: i32) -> u64 {
    u64::from(code.cast_unsigned())
}

/// An error code, as the `i64` that a host function returns.
fn long_code(code: i32) -> u64 {
    i64::from(code).cast_unsigned()
}
