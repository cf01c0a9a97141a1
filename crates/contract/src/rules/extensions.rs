//! What rules have since version 2. It has a type of its own, so that the encoding of version 1
//! stays as it is.

/// Limits and prices that rules have since version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extensions {
    /// Maximum size of an input in bytes: of a transaction and of a call. Version 1 has
    /// [`ContractLimits::data_bytes`](crate::ContractLimits::data_bytes) for inputs and outputs.
    pub input_bytes: u32,
    /// Maximum size of an output or a revert message in bytes.
    pub output_bytes: u32,
    /// Maximum number of public keys of a BLS signature that a syscall verifies.
    pub bls_keys: u32,
    /// Maximum number of topics of an event.
    pub topics: u32,
    /// Maximum number of events of a transaction.
    pub events: u32,
    /// Maximum size of a transaction's events in bytes: their topics and their data.
    pub event_bytes: u32,
    /// Maximum size of transient storage in bytes. An entry counts its key, its value, and
    /// [`ENTRY_BYTES`](Self::ENTRY_BYTES). A removed one counts without its value.
    pub transient_bytes: u32,
    /// The deposit for a byte of a contract's storage, in the smallest unit of balances. 0: there
    /// is no deposit, and bytes are not counted. An entry counts as in transient storage.
    pub deposit_byte: u64,
    /// Maximum number of bytes of one write to the debug log.
    pub log_bytes: u32,
}

impl Extensions {
    /// What an entry of storage or transient storage counts besides its key and its value.
    pub const ENTRY_BYTES: u32 = 64;

    /// Names and values, in the order of the encoding.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let Self {
            input_bytes,
            output_bytes,
            bls_keys,
            topics,
            events,
            event_bytes,
            transient_bytes,
            deposit_byte,
            log_bytes,
        } = *self;
        [
            ("input_bytes", input_bytes.into()),
            ("output_bytes", output_bytes.into()),
            ("bls_keys", bls_keys.into()),
            ("topics", topics.into()),
            ("events", events.into()),
            ("event_bytes", event_bytes.into()),
            ("transient_bytes", transient_bytes.into()),
            ("deposit_byte", deposit_byte),
            ("log_bytes", log_bytes.into()),
        ]
        .into_iter()
    }
}
