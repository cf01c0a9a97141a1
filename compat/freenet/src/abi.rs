//! What guests lay out in their memory: the descriptor of a buffer, and the header of a result.
//! Guests have 32-bit addresses, which they pass as 64-bit integers.

/// The descriptor of a buffer that a guest allocated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffer {
    pub(crate) start: u64,
    pub(crate) capacity: u32,
    /// Where the guest keeps how far it has read.
    pub(crate) read_at: u64,
    /// Where the guest finds how much was written.
    pub(crate) written_at: u64,
}

impl Buffer {
    /// The bytes of a descriptor.
    pub(crate) const BYTES: u64 = 32;

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            start: u64_at(bytes, 0)?,
            capacity: u32_at(bytes, 8)?,
            read_at: u64_at(bytes, 16)?,
            written_at: u64_at(bytes, 24)?,
        })
    }
}

/// Where the serialized result of a contract or of a delegate is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResultHeader {
    pub(crate) at: u64,
    pub(crate) bytes: u32,
}

impl ResultHeader {
    /// The bytes of the header.
    pub(crate) const BYTES: u64 = 16;

    /// Of a contract: between address and size it has the kind of the result.
    pub(crate) fn of_contract(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            at: u64_at(bytes, 0)?,
            bytes: u32_at(bytes, 12)?,
        })
    }

    pub(crate) fn of_delegate(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            at: u64_at(bytes, 0)?,
            bytes: u32_at(bytes, 8)?,
        })
    }
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}
