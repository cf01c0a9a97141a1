//! WASI preview 1, for contracts of toolchains that need it to start: no files, no network, no
//! arguments and no environment. The clock is that of the block. What is random elsewhere is a hash
//! of the call.
//!
//! What is not here answers `NOSYS`, so that every module that imports preview 1 links.

use fusee_abi::wasi::{self, clock, errno};
use fusee_engine::Stop;

use super::{PricedSyscall, arg, charge_bytes, give, length};
use crate::frame::Frame;

/// What the functions of one call share.
#[derive(Debug, Default)]
pub(crate) struct WasiState {
    /// How long the call has slept, in nanoseconds.
    slept: u64,
    /// How many blocks of bytes `random_get` has given.
    random_blocks: u64,
    /// What was written since the last end of a line.
    pub(crate) line: Vec<u8>,
}

/// The resolution of the clocks, and the unit of a block's time, in nanoseconds.
const MILLISECOND: u64 = 1_000_000;

/// The most vectors of one write.
const MAX_VECTORS: u64 = 1_024;

/// What counts for the price of a vector beside its text: two accesses to memory.
const VECTOR_BYTES: u64 = 64;

/// What counts for the price of a subscription: its 48 bytes, the 32 of its event, and two accesses
/// to memory.
const SUBSCRIPTION_BYTES: u64 = 160;

/// An error number, as functions return it.
type Errno = Result<u16, Stop>;

pub(super) fn dispatch(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let errno = match call.request.number {
        wasi::ARGS_GET | wasi::ENVIRON_GET | wasi::SCHED_YIELD => Ok(errno::SUCCESS),
        wasi::ARGS_SIZES_GET | wasi::ENVIRON_SIZES_GET => sizes(call),
        wasi::CLOCK_RES_GET => clock_resolution(call),
        wasi::CLOCK_TIME_GET => clock_time(frame, call),
        wasi::FD_CLOSE => of_stream(call, errno::SUCCESS),
        wasi::FD_FDSTAT_GET => fd_stat(call),
        wasi::FD_PRESTAT_GET | wasi::FD_PRESTAT_DIR_NAME => Ok(errno::BADF),
        wasi::FD_READ => fd_read(call),
        wasi::FD_SEEK | wasi::FD_TELL => of_stream(call, errno::SPIPE),
        wasi::FD_WRITE => fd_write(frame, call),
        wasi::POLL_ONEOFF => poll(frame, call),
        wasi::PROC_EXIT => return Err(exit(frame, call)?),
        wasi::RANDOM_GET => random(frame, call),
        _ => Ok(errno::NOSYS),
    };
    errno.map(u64::from)
}

/// Of nothing: no items, no bytes.
fn sizes(call: &mut PricedSyscall<'_, '_>) -> Errno {
    give(call, 0, &[0; 4])?;
    give(call, 1, &[0; 4])?;
    Ok(errno::SUCCESS)
}

fn clock_resolution(call: &mut PricedSyscall<'_, '_>) -> Errno {
    if !is_clock(arg(call, 0)?) {
        return Ok(errno::INVAL);
    }
    give(call, 1, &MILLISECOND.to_le_bytes())?;
    Ok(errno::SUCCESS)
}

fn clock_time(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Errno {
    if !is_clock(arg(call, 0)?) {
        return Ok(errno::INVAL);
    }
    give(call, 2, &now(frame).to_le_bytes())?;
    Ok(errno::SUCCESS)
}

fn is_clock(id: u64) -> bool {
    id == u64::from(clock::REALTIME) || id == u64::from(clock::MONOTONIC)
}

/// The time of the block and what the call has slept, in nanoseconds. It ends in the year 2554.
fn now(frame: &Frame) -> u64 {
    let block = frame.block.time.saturating_mul(MILLISECOND);
    block.saturating_add(frame.wasi.slept)
}

/// The result for the three standard streams.
fn of_stream(call: &PricedSyscall<'_, '_>, of_streams: u16) -> Errno {
    Ok(match arg(call, 0)? {
        0..=2 => of_streams,
        _ => errno::BADF,
    })
}

fn fd_stat(call: &mut PricedSyscall<'_, '_>) -> Errno {
    const CHARACTER_DEVICE: u8 = 2;
    const RIGHT_TO_READ: u64 = 1 << 1;
    const RIGHT_TO_WRITE: u64 = 1 << 6;
    let rights = match arg(call, 0)? {
        0 => RIGHT_TO_READ,
        1 | 2 => RIGHT_TO_WRITE,
        _ => return Ok(errno::BADF),
    };
    let [kind, inheriting] = [u64::from(CHARACTER_DEVICE), 0];
    let stat = [kind, rights, inheriting].map(u64::to_le_bytes);
    give(call, 1, stat.as_flattened())?;
    Ok(errno::SUCCESS)
}

fn fd_read(call: &mut PricedSyscall<'_, '_>) -> Errno {
    if arg(call, 0)? != 0 {
        return Ok(errno::BADF);
    }
    give(call, 3, &[0; 4])?;
    Ok(errno::SUCCESS)
}

fn fd_write(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Errno {
    let (fd, start, count) = (arg(call, 0)?, arg(call, 1)?, arg(call, 2)?);
    if !(1..=2).contains(&fd) {
        return Ok(errno::BADF);
    }
    if count > MAX_VECTORS {
        return Ok(errno::INVAL);
    }
    charge_bytes(call, count.saturating_mul(VECTOR_BYTES))?;
    let vectors = call.read(start, count.saturating_mul(8))?;
    let vectors: Vec<(u64, u64)> = vectors.as_chunks().0.iter().map(vector).collect();
    let total = vectors
        .iter()
        .fold(0_u64, |total, (_, length)| total.saturating_add(*length));
    // A program writes the rest by another call.
    let limit = frame.extensions()?.log_bytes;
    let mut room = total.min(limit.into());
    charge_bytes(call, room)?;
    let mut text = Vec::new();
    for (start, length) in vectors {
        let length = length.min(room);
        text.extend_from_slice(&call.read(start, length)?);
        room = room.saturating_sub(length);
    }
    frame.log_stream(&text, limit);
    let written = u32::try_from(text.len()).unwrap_or(u32::MAX);
    give(call, 3, &written.to_le_bytes())?;
    Ok(errno::SUCCESS)
}

/// The address and the length of a vector.
fn vector(bytes: &[u8; 8]) -> (u64, u64) {
    let both = u64::from_le_bytes(*bytes);
    (both & u64::from(u32::MAX), both >> 32)
}

fn poll(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Errno {
    let (subscriptions, events, count) = (arg(call, 0)?, arg(call, 1)?, arg(call, 2)?);
    if count == 0 {
        return Ok(errno::INVAL);
    }
    charge_bytes(call, count.saturating_mul(SUBSCRIPTION_BYTES))?;
    let begun = now(frame);
    for index in 0..count {
        let at = |start: u64, size: u64| start.saturating_add(index.saturating_mul(size));
        let subscription: [u8; 48] = call.read_array(at(subscriptions, 48))?;
        let [user_data, kind, _, timeout, _, flags] = words(&subscription);
        let kind = kind & 0xff;
        if kind == 0 {
            let is_absolute = flags & 1 == 1;
            let wait = match is_absolute {
                true => timeout.saturating_sub(begun),
                false => timeout,
            };
            let slept = begun.saturating_add(wait).saturating_sub(now(frame));
            frame.wasi.slept = frame.wasi.slept.saturating_add(slept);
        }
        // The user's data; no error, and the kind in the byte after it; no bytes to read.
        let event = [user_data, kind << 16, 0, 0].map(u64::to_le_bytes);
        call.write(at(events, 32), event.as_flattened())?;
    }
    let happened = u32::try_from(count).unwrap_or(u32::MAX);
    give(call, 3, &happened.to_le_bytes())?;
    Ok(errno::SUCCESS)
}

fn words(subscription: &[u8; 48]) -> [u64; 6] {
    let mut words = [0; 6];
    for (word, bytes) in words.iter_mut().zip(subscription.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// How the program's exit ends the call.
fn exit(frame: &mut Frame, call: &PricedSyscall<'_, '_>) -> Result<Stop, Stop> {
    let code = arg(call, 0)?;
    if code != 0 {
        frame.output = format!("the program exited with code {code}").into_bytes();
        frame.has_reverted = true;
    }
    Ok(Stop::Finish)
}

fn random(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Errno {
    let (mut start, mut left) = (arg(call, 0)?, arg(call, 1)?);
    charge_bytes(call, left)?;
    let seed = seed(frame);
    while left > 0 {
        let counter = frame.wasi.random_blocks.to_le_bytes();
        frame.wasi.random_blocks = frame.wasi.random_blocks.saturating_add(1);
        let block = fusee_crypto::blake3(&[seed.as_slice(), &counter].concat());
        let wanted = usize::try_from(left).unwrap_or(usize::MAX);
        let bytes = block.get(..wanted).unwrap_or(&block);
        call.write(start, bytes)?;
        let given = length(bytes);
        (start, left) = (start.saturating_add(given), left.saturating_sub(given));
    }
    Ok(errno::SUCCESS)
}

/// A hash of the call, in its block. The chain's id has any length, so it comes last but for the
/// method, and its length before it.
fn seed(frame: &Frame) -> [u8; 32] {
    let (block, context) = (&frame.block, &frame.context);
    fusee_crypto::blake3(
        &[
            b"fusee wasi random 1".as_slice(),
            &block.height.to_le_bytes(),
            context.caller.as_bytes(),
            context.address.as_bytes(),
            &context.value.to_le_bytes(),
            &length(block.chain_id.as_bytes()).to_le_bytes(),
            block.chain_id.as_bytes(),
            context.method.as_bytes(),
        ]
        .concat(),
    )
}
