//! One function for each syscall that the guests use.

use crate::{Address, concat, stubs};

/// A call to another contract.
pub struct Call<'a> {
    /// Who is called.
    pub target: &'a Address,
    /// The name of the method; if empty, only the value is sent.
    pub method: &'a [u8],
    /// The input of the callee.
    pub input: &'a [u8],
    /// The most gas that it may use; [`ALL_GAS`](crate::ALL_GAS) for all that may be forwarded.
    pub gas: u64,
    /// The amount to send along.
    pub value: u128,
}

/// Ends this call as trapped.
pub fn trap() -> ! {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    // SAFETY: the instruction ends the run, so nothing comes behind it.
    #[cfg(target_env = "polkavm")]
    unsafe {
        core::arch::asm!("unimp", options(noreturn, nomem, nostack))
    }
}

/// Ends this call as reverted, with a message for the caller.
pub fn revert(message: &str) -> ! {
    revert_with(message.as_bytes())
}

/// Makes the bytes the output of this call.
pub fn output(bytes: &[u8]) {
    // SAFETY: the region is that of a live slice, which the host only reads.
    unsafe { stubs::output_write(bytes.as_ptr(), length(bytes)) }
}

/// Records an event.
pub fn emit(topic: &str, data: &[u8]) {
    // SAFETY: both regions are those of live slices, which the host only reads.
    unsafe {
        stubs::event_emit(
            topic.as_ptr(),
            length(topic.as_bytes()),
            data.as_ptr(),
            length(data),
        )
    }
}

/// The number stored under the key; 0 if there is none.
pub fn load(key: &[u8]) -> u64 {
    let mut value = [0; 8];
    // SAFETY: the key is a live slice, which the host only reads; the host writes at most eight
    // bytes to `value`, and none if the key is absent.
    unsafe {
        stubs::storage_read(
            key.as_ptr(),
            length(key),
            value.as_mut_ptr(),
            length(&value),
        )
    };
    u64::from_le_bytes(value)
}

/// Stores the value under the key.
pub fn store(key: &[u8], value: &[u8]) {
    // SAFETY: both regions are those of live slices, which the host only reads.
    unsafe { stubs::storage_write(key.as_ptr(), length(key), value.as_ptr(), length(value)) }
}

/// Who made this call.
pub fn caller() -> Address {
    let mut address = [0; 32];
    // SAFETY: the host writes the 32 bytes of an address, which `address` has room for.
    unsafe { stubs::caller(address.as_mut_ptr()) };
    address
}

/// The address of this contract.
pub fn self_address() -> Address {
    let mut address = [0; 32];
    // SAFETY: the host writes the 32 bytes of an address, which `address` has room for.
    unsafe { stubs::self_address(address.as_mut_ptr()) };
    address
}

/// The amount that came with this call.
pub fn value() -> u128 {
    let mut amount = [0; 16];
    // SAFETY: the host writes the 16 bytes of an amount, which `amount` has room for.
    unsafe { stubs::value(amount.as_mut_ptr()) };
    u128::from_le_bytes(amount)
}

/// What the account at the address owns.
pub fn balance(address: &Address) -> u128 {
    let mut amount = [0; 16];
    // SAFETY: the host reads the 32 bytes of `address`, and writes the 16 bytes of an amount, which
    // `amount` has room for.
    unsafe { stubs::balance(address.as_ptr(), amount.as_mut_ptr()) };
    u128::from_le_bytes(amount)
}

/// The gas that this call may still use.
pub fn gas_left() -> u64 {
    // SAFETY: the syscall takes no pointers.
    unsafe { stubs::gas_left() }
}

/// Calls another contract. The result is the length of the return data, or a status below zero.
pub fn call(call: &Call<'_>) -> i32 {
    let options: [u8; 24] = concat(&[&call.gas.to_le_bytes(), &call.value.to_le_bytes()]);
    // SAFETY: the regions are those of live slices and arrays, which the host only reads: 32 bytes
    // of address, 24 bytes of options, and two slices with their lengths.
    unsafe {
        stubs::call(
            call.target.as_ptr(),
            call.method.as_ptr(),
            length(call.method),
            call.input.as_ptr(),
            length(call.input),
            options.as_ptr(),
        )
    }
}

/// Says which symbols the children may import that this call compiles from now on: their names, one
/// a line.
pub fn restrict_imports(names: &[u8]) {
    // SAFETY: the region is that of a live slice, which the host only reads.
    unsafe { stubs::restrict_imports(names.as_ptr(), length(names)) }
}

/// Ends this call as reverted, with the bytes of a message.
pub(crate) fn revert_with(message: &[u8]) -> ! {
    // SAFETY: the region is that of a live slice, which the host only reads.
    unsafe { stubs::revert(message.as_ptr(), length(message)) };
    // The host does not return from a revert.
    trap()
}

/// The length of a slice, as the syscalls take it.
pub(crate) fn length<T>(slice: &[T]) -> u32 {
    u32::try_from(slice.len()).expect("an address of this memory has 32 bits, so a length has")
}
