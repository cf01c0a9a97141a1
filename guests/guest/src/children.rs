//! Children: programs that a contract runs, and answers.
//!
//! A child asks by symbol and waits; what it uses is the contract's gas. All that a call made ends
//! with the call.

use fusee_abi::virtualization::{
    functions::Range,
    wire::{
        CompiledModule, EXEC_BUFFER_BYTES, ExecBuffer, ExecError, ExecStatus, InstanceId,
        InstantiateError, MemoryError, ModuleError, ModuleId, WireError, WireValue, decode,
    },
};

use crate::{stubs::functions, trap};

/// A compiled program.
pub struct Module(ModuleId);

/// An instance of one, which is destroyed when it is dropped.
pub struct Child(InstanceId);

/// How far a child came.
pub struct Run {
    /// Whether it waits for an answer, which is the `a0` of the next run; or has finished.
    pub status: ExecStatus,
    /// The gas that it has left, of what it was told.
    pub gas_left: i64,
    /// What it asks.
    asked: ExecBuffer,
}

impl Module {
    /// The program in this contract's storage, under the key.
    pub fn stored(key: &[u8]) -> Result<Self, ModuleError> {
        // SAFETY: both ranges are those of live slices, which the host only reads.
        let answer = unsafe { functions::compile_from_storage_key(range(key), range(&[])) };
        decoded::<CompiledModule, _>(answer).map(|module| Self(module.id))
    }

    /// A new instance.
    pub fn instantiate(&self) -> Result<Child, InstantiateError> {
        // SAFETY: the function takes no ranges.
        decoded(unsafe { functions::instantiate(self.0.0) }).map(Child)
    }
}

impl Child {
    /// Makes it ready to run the function of this name.
    pub fn prepare(&mut self, function: &[u8]) -> Result<(), ExecError> {
        // SAFETY: the range is that of a live slice, which the host only reads.
        decoded(unsafe { functions::prepare(self.0.0, range(function)) })
    }

    /// Runs it until it finishes or asks: with so much gas, and `a0` as its argument, or as the
    /// answer to what it asked.
    pub fn run(&mut self, gas: i64, a0: u64) -> Result<Run, ExecError> {
        let mut buffer = [0; EXEC_BUFFER_BYTES];
        // SAFETY: the host writes the 96 bytes that the buffer has.
        let answer = unsafe { functions::run(self.0.0, gas, a0, buffer.as_mut_ptr()) };
        let status = decoded(answer)?;
        let Some(asked) = ExecBuffer::decode(&buffer) else {
            trap();
        };
        Ok(Run {
            status,
            gas_left: asked.gas_left,
            asked,
        })
    }

    /// Reads its memory from the offset on.
    pub fn read(&mut self, offset: u32, to: &mut [u8]) -> Result<(), MemoryError> {
        // SAFETY: the range is that of a live slice, which nobody else has, and the host writes no
        // more than that.
        decoded(unsafe { functions::read_memory(self.0.0, offset, range(to)) })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // SAFETY: the function takes no ranges.
        unsafe { functions::destroy(self.0.0) };
    }
}

impl Run {
    /// The name of what it asks.
    pub fn symbol(&self) -> &[u8] {
        self.asked.symbol.as_bytes()
    }

    /// The arguments of what it asks.
    pub const fn args(&self) -> [u64; 6] {
        self.asked.args
    }
}

/// A region, as the functions take it.
fn range(bytes: &[u8]) -> Range {
    let address = bytes.as_ptr().addr();
    let [address, length] = [address, bytes.len()].map(|number| u64::try_from(number).unwrap_or(0));
    length << 32 | address
}

/// The host does not answer what is malformed.
fn decoded<T: WireValue, E: WireError>(answer: i64) -> Result<T, E> {
    match decode(answer) {
        Some(result) => result,
        None => trap(),
    }
}
