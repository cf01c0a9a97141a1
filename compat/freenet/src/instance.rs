//! Instances of contracts and delegates: their inputs, their calls and their results.

use freenet_stdlib::prelude::{
    ContractError, DelegateError, InboundDelegateMsg, MessageOrigin, OutboundDelegateMsg,
    RelatedContracts, StateDelta, StateSummary, UpdateData, UpdateModification, ValidateResult,
};
use fusee::{
    lifecycle::{self, AllocRequest, CallRequest, RunOn},
    sandbox::Gas,
};

use crate::{
    Error,
    abi::{Buffer, ResultHeader},
    host::{FreenetHost, Input},
};

/// The most that a buffer for streamed input has at once.
const STREAM_BYTES: usize = 64 << 10;

/// The outer error is the runtime's, the inner one what the contract says itself.
type Answer<T, E> = Result<Result<T, E>, Error>;

/// An instance. Its calls run on the calling thread, which they block: a node makes them where it
/// may block, or as steps of [`Sandbox::on_worker`](lifecycle::Sandbox::on_worker).
pub struct Instance {
    instance: lifecycle::Instance<FreenetHost>,
    gas: Gas,
    gas_used: Gas,
}

impl Instance {
    pub(crate) const fn new(instance: lifecycle::Instance<FreenetHost>, gas: Gas) -> Self {
        let gas_used = instance.instantiation_gas();
        Self {
            instance,
            gas,
            gas_used,
        }
    }

    /// The gas that the instance and all its calls have used.
    #[must_use]
    pub const fn gas_used(&self) -> Gas {
        self.gas_used
    }

    /// Calls `validate_state` of a contract.
    ///
    /// # Errors
    ///
    /// [`Error`] if it has no result.
    pub fn validate_state(
        &mut self,
        parameters: &[u8],
        state: &[u8],
        related: &RelatedContracts<'_>,
    ) -> Answer<ValidateResult, ContractError> {
        let related = serialize(related)?;
        self.contract("validate_state", &[parameters, state, &related], |bytes| {
            bincode::deserialize(bytes)
        })
    }

    /// Calls `update_state` of a contract.
    ///
    /// # Errors
    ///
    /// [`Error`] if it has no result.
    pub fn update_state(
        &mut self,
        parameters: &[u8],
        state: &[u8],
        updates: &[UpdateData<'_>],
    ) -> Answer<UpdateModification<'static>, ContractError> {
        let updates = serialize(updates)?;
        self.contract("update_state", &[parameters, state, &updates], |bytes| {
            let result: Result<UpdateModification<'_>, _> = bincode::deserialize(bytes)?;
            Ok(result.map(UpdateModification::into_owned))
        })
    }

    /// Calls `summarize_state` of a contract.
    ///
    /// # Errors
    ///
    /// [`Error`] if it has no result.
    pub fn summarize_state(
        &mut self,
        parameters: &[u8],
        state: &[u8],
    ) -> Answer<StateSummary<'static>, ContractError> {
        self.contract("summarize_state", &[parameters, state], |bytes| {
            let result: Result<StateSummary<'_>, _> = bincode::deserialize(bytes)?;
            Ok(result.map(|summary| summary.into_bytes().into()))
        })
    }

    /// Calls `get_state_delta` of a contract.
    ///
    /// # Errors
    ///
    /// [`Error`] if it has no result.
    pub fn state_delta(
        &mut self,
        parameters: &[u8],
        state: &[u8],
        summary: &[u8],
    ) -> Answer<StateDelta<'static>, ContractError> {
        self.contract("get_state_delta", &[parameters, state, summary], |bytes| {
            let result: Result<StateDelta<'_>, _> = bincode::deserialize(bytes)?;
            Ok(result.map(|delta| delta.into_bytes().into()))
        })
    }

    /// Calls `process` of a delegate.
    ///
    /// # Errors
    ///
    /// [`Error`] if it has no result.
    pub fn process(
        &mut self,
        parameters: &[u8],
        origin: Option<&MessageOrigin>,
        message: &InboundDelegateMsg<'_>,
    ) -> Answer<Vec<OutboundDelegateMsg>, DelegateError> {
        let origin = origin.map_or(Ok(Vec::new()), serialize)?;
        let message = serialize(message)?;
        let mut args = Vec::new();
        for input in [parameters, &origin, &message] {
            let (descriptor, buffer) = self.allocate(input.len())?;
            self.fill(buffer, input)?;
            args.push(descriptor.cast_signed());
        }
        let header = self.call("process", &args)?;
        self.result(header, ResultHeader::of_delegate, |bytes| {
            bincode::deserialize(bytes)
        })
    }

    /// Calls a contract with streamed inputs: a buffer begins with the length of its input, and the
    /// contract asks for what does not fit.
    fn contract<T>(
        &mut self,
        export: &str,
        inputs: &[&[u8]],
        decode: fn(&[u8]) -> bincode::Result<T>,
    ) -> Result<T, Error> {
        let mut args = Vec::new();
        for input in inputs {
            let length = u32::try_from(input.len()).map_err(|_| Error::Malformed("no result"))?;
            let next = input.len().min(STREAM_BYTES - 4);
            let (first, rest) = input.split_at(next);
            let (descriptor, buffer) = self.allocate(first.len() + 4)?;
            self.fill(buffer, &[&length.to_le_bytes(), first].concat())?;
            if !rest.is_empty() {
                let bytes = input.to_vec();
                let inputs = &mut self.instance.host()?.inputs;
                inputs.insert(descriptor, Input { bytes, next });
            }
            args.push(descriptor.cast_signed());
        }
        let header = self.call(export, &args);
        if let Ok(host) = self.instance.host() {
            host.inputs.clear();
        }
        self.result(header?, ResultHeader::of_contract, decode)
    }

    /// Has the guest allocate a buffer: the address of its descriptor, and that.
    fn allocate(&mut self, bytes: usize) -> Result<(u64, Buffer), Error> {
        let bytes = u32::try_from(bytes).map_err(|_| Error::Malformed("no buffer so large"))?;
        let request = AllocRequest {
            run_on: RunOn::Caller,
            ..AllocRequest::new(bytes, self.gas)
        };
        let outcome = self.instance.alloc_blocking(request)?;
        self.gas_used = self.gas_used.saturating_add(outcome.gas_used());
        let descriptor = outcome.into_result()?;
        let buffer = Buffer::decode(&self.instance.read(descriptor, Buffer::BYTES)?);
        let buffer = buffer.ok_or(Error::Malformed("a short descriptor"))?;
        match buffer.capacity >= bytes {
            true => Ok((descriptor, buffer)),
            false => Err(Error::Malformed("a smaller buffer")),
        }
    }

    fn fill(&mut self, buffer: Buffer, bytes: &[u8]) -> Result<(), Error> {
        let length = u32::try_from(bytes.len()).map_err(|_| Error::Malformed("a small buffer"))?;
        self.instance.write(buffer.start, bytes)?;
        Ok(self
            .instance
            .write(buffer.written_at, &length.to_le_bytes())?)
    }

    /// Calls an export on this thread.
    fn call(&mut self, export: &str, args: &[i64]) -> Result<u64, Error> {
        let request = CallRequest {
            run_on: RunOn::Caller,
            ..CallRequest::new(export, args, self.gas)
        };
        let outcome = self.instance.call_blocking(request)?;
        self.gas_used = self.gas_used.saturating_add(outcome.gas_used());
        let values = outcome.into_result()?;
        let header = values.first().ok_or(Error::Malformed("nothing"))?;
        Ok(header.cast_unsigned())
    }

    fn result<T>(
        &mut self,
        header: u64,
        find: fn(&[u8]) -> Option<ResultHeader>,
        decode: fn(&[u8]) -> bincode::Result<T>,
    ) -> Result<T, Error> {
        let header = find(&self.instance.read(header, ResultHeader::BYTES)?);
        let header = header.ok_or(Error::Malformed("a short result"))?;
        let bytes = self.instance.read(header.at, u64::from(header.bytes))?;
        decode(&bytes).map_err(|_| Error::Malformed("a result of another type"))
    }
}

fn serialize<T: serde::Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    bincode::serialize(value).map_err(|_| Error::Malformed("no input"))
}
