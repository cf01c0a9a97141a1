//! The host functions of contracts and delegates, and the node behind them.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use freenet_stdlib::prelude::error_codes;
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
    CreateDelegate,
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
        "freenet_delegate_management",
        "__frnt__delegate__create_delegate",
        &[I64, I64, I64, I64, I64, I64, I64, I64],
        Some(I32),
        Function::CreateDelegate,
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
        may_suspend: matches!(function, Function::StateLength | Function::State),
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
            Function::StateLength | Function::State => Err(Stop::Suspend),
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
            let Some(state) = self.node.contract_state(id).await else {
                return Ok(long_code(error_codes::ERR_CONTRACT_NOT_FOUND));
            };
            match function(guest.request().number) {
                Some(Function::State) if room < length(state.len()) => {
                    Ok(long_code(error_codes::ERR_BUFFER_TOO_SMALL))
                }
                Some(Function::State) => {
                    guest.write(at, &state)?;
                    Ok(length(state.len()))
                }
                _ => Ok(length(state.len())),
            }
        })
    }
}

impl FreenetHost {
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
