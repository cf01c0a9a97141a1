//! Frames: a message on a socket is its length, as a varint of protobuf, and its bytes.
//!
//! A frame is bounded, and memory is allocated as bytes arrive, so that a length costs nothing.

use std::io::{self, BufRead, Read, Write};

use thiserror::Error;

/// The bytes that a varint of 64 bits has at most.
const VARINT_BYTES: u32 = 10;

/// How many bytes are allocated before any arrives.
const FIRST_ALLOCATION: u64 = 64 << 10;

/// A frame that cannot be read.
#[derive(Debug, Error)]
pub(crate) enum FrameError {
    #[error("the length of a frame is not a varint of at most 64 bits")]
    Length,
    #[error("a frame of {bytes} bytes exceeds the limit of {limit}")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("the connection ended within a frame, after {read} of {bytes} bytes")]
    Cut { read: u64, bytes: u64 },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads the next frame. `None` if the connection has ended before it.
pub(crate) fn read(reader: &mut impl BufRead, limit: u64) -> Result<Option<Vec<u8>>, FrameError> {
    let Some(bytes) = read_length(reader)? else {
        return Ok(None);
    };
    if bytes > limit {
        return Err(FrameError::TooLarge { bytes, limit });
    }
    let first = usize::try_from(bytes.min(FIRST_ALLOCATION)).unwrap_or(0);
    let mut frame = Vec::with_capacity(first);
    reader.by_ref().take(bytes).read_to_end(&mut frame)?;
    let read = u64::try_from(frame.len()).unwrap_or(u64::MAX);
    match read == bytes {
        true => Ok(Some(frame)),
        false => Err(FrameError::Cut { read, bytes }),
    }
}

/// Writes a frame. It stays in the writer until that is flushed.
pub(crate) fn write(writer: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let mut rest = u64::try_from(frame.len()).map_err(io::Error::other)?;
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            writer.write_all(&[low & 0x7f])?;
            break;
        }
        writer.write_all(&[low | 0x80])?;
    }
    writer.write_all(frame)
}

/// Whether bytes begin with a whole frame, so that to read it does not wait.
pub(crate) fn has_arrived(mut bytes: &[u8]) -> bool {
    match read_length(&mut bytes) {
        Ok(Some(length)) => usize::try_from(length).is_ok_and(|length| length <= bytes.len()),
        Ok(None) | Err(_) => false,
    }
}

fn read_length(reader: &mut impl BufRead) -> Result<Option<u64>, FrameError> {
    let mut length = 0_u64;
    for index in 0..VARINT_BYTES {
        let mut byte = [0];
        if let Err(error) = reader.read_exact(&mut byte) {
            let is_end = error.kind() == io::ErrorKind::UnexpectedEof;
            return match (is_end, index) {
                (true, 0) => Ok(None),
                (true, _) => Err(FrameError::Length),
                (false, _) => Err(error.into()),
            };
        }
        let [byte] = byte;
        let bits = u64::from(byte & 0x7f);
        let shift = index.saturating_mul(7);
        let shifted = bits << shift;
        if shifted >> shift != bits {
            return Err(FrameError::Length);
        }
        length |= shifted;
        if byte & 0x80 == 0 {
            return Ok(Some(length));
        }
    }
    Err(FrameError::Length)
}

#[cfg(test)]
mod tests;
