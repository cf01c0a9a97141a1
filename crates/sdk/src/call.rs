//! Calls of other contracts.
//!
//! `#[methods]` generates a client with a method for each of the contract's, which returns a
//! [`Call`]: `TokenClient::at(address).transfer(bob, 5)`. A contract makes it, by [`call`] or
//! [`try_call`]. A Rust program outside takes [`method`](Call::method) and [`input`](Call::input)
//! for its transaction, and decodes the output by [`output`](Call::output).
//!
//! [`call`]: Call::call
//! [`try_call`]: Call::try_call

use alloc::vec::Vec;
use core::marker::PhantomData;

use crate::{
    Address,
    abi::{ALL_GAS, status},
    buffer::{Buffer, Filled, SMALL, on_the_heap},
    codec::{Codec, Malformed, Sink, from_slice, to_vec},
    contract::{revert, revert_with},
    storage::encoded,
    syscalls,
};

/// A call of a method with arguments `A`, whose output is an `R`.
#[derive(Clone, Debug)]
#[must_use = "nothing is called before `call`, `try_call` or `read`"]
pub struct Call<A, R> {
    target: Address,
    method: &'static str,
    arguments: A,
    gas: u64,
    value: u128,
    output: PhantomData<fn() -> R>,
}

/// Why a call failed. Its changes are reverted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallFailure {
    /// The callee reverted, with a message that [`message`](Self::message) returns.
    Reverted,
    /// The callee trapped.
    Trapped,
    /// The callee ran out of gas.
    OutOfGas,
    /// The address has no contract, or the contract no such method.
    UnknownCallee,
    /// This contract's balance is too small for the value of the call.
    InsufficientBalance,
    /// The callee waits for a call of its own, and does not admit others meanwhile.
    Reentrant,
    /// The callee was sent a value that it did not look at.
    NotPayable,
    /// The output is no value of the method's type.
    Malformed,
    /// Another status of the syscall.
    Other(i32),
}

/// Sends an amount. A contract gets it by its method `receive`; if it does not take it, this call
/// reverts.
pub fn transfer(to: Address, amount: u128) {
    Call::<(), ()>::new(to, "", ()).value(amount).call();
}

/// Calls a method that is known only now, with encoded arguments and an amount. Returns the encoded
/// output.
///
/// # Errors
///
/// [`CallFailure`] if the call fails, which has then changed nothing.
pub fn raw(
    target: Address,
    method: &str,
    input: &[u8],
    amount: u128,
) -> Result<Vec<u8>, CallFailure> {
    let options = options(ALL_GAS, amount);
    let method = method.as_bytes();
    let status = syscalls::call(target.as_bytes(), method, input, options.as_bytes());
    match status {
        0.. => Ok(on_the_heap(syscalls::return_data_read).unwrap_or_default()),
        failure => Err(CallFailure::of(failure)),
    }
}

/// A contract to be made of uploaded code.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    /// The hash of the code.
    pub code_hash: &'a [u8; 32],
    /// The address follows from this and the address of this contract.
    pub salt: &'a [u8; 32],
    /// The encoded arguments of `deploy`.
    pub input: &'a [u8],
    /// The amount that is sent.
    pub value: u128,
    /// The admin, which can upgrade the contract. `None`: nobody.
    pub admin: Option<Address>,
}

/// Makes a contract of uploaded code, and runs its method `deploy` if it has one. Returns its
/// address.
///
/// # Errors
///
/// [`CallFailure`] if there is no such code, the address has a contract, or `deploy` fails.
pub fn deploy(deployment: Deployment<'_>) -> Result<Address, CallFailure> {
    let mut options = Buffer::<57>::new();
    options.put(&ALL_GAS.to_le_bytes());
    options.put(&deployment.value.to_le_bytes());
    options.put(&[u8::from(deployment.admin.is_some())]);
    options.put(deployment.admin.unwrap_or_default().as_bytes());
    let Deployment {
        code_hash,
        salt,
        input,
        ..
    } = deployment;
    let address = Buffer::<32>::try_array(|room| {
        match syscalls::deploy(code_hash, salt, input, options.as_bytes(), room) {
            0.. => Ok(()),
            failure => Err(CallFailure::of(failure)),
        }
    });
    address.map(Address::new)
}

/// The gas limit and the value of a call.
fn options(gas: u64, amount: u128) -> Buffer<24> {
    let mut options = Buffer::new();
    options.put(&gas.to_le_bytes());
    options.put(&amount.to_le_bytes());
    options
}

impl CallFailure {
    const fn of(code: i32) -> Self {
        match code {
            status::REVERTED => Self::Reverted,
            status::TRAPPED => Self::Trapped,
            status::OUT_OF_GAS => Self::OutOfGas,
            status::UNKNOWN_CALLEE => Self::UnknownCallee,
            status::INSUFFICIENT_BALANCE => Self::InsufficientBalance,
            status::REENTRANT => Self::Reentrant,
            status::NOT_PAYABLE => Self::NotPayable,
            other => Self::Other(other),
        }
    }

    /// What the failed call returned, the message of a revert, until the next call is made.
    #[must_use]
    pub fn message(self) -> Vec<u8> {
        on_the_heap(syscalls::return_data_read).unwrap_or_default()
    }

    /// Reverts this call as well: with the first 256 bytes of the callee's message, or with what
    /// happened to it.
    pub fn revert(self) -> ! {
        revert(match self {
            Self::Reverted => {
                let mut buffer = Buffer::<SMALL>::new();
                revert_with(match buffer.fill(syscalls::return_data_read) {
                    Filled::Bytes(bytes) | Filled::Longer(_, bytes) => bytes,
                    Filled::Status => &[],
                })
            }
            Self::Trapped => "the callee trapped",
            Self::OutOfGas => "the callee ran out of gas",
            Self::UnknownCallee => "the callee has no such method",
            Self::InsufficientBalance => "the balance is too small for the call",
            Self::Reentrant => "the callee waits for a call of its own",
            Self::NotPayable => "the callee takes no value",
            Self::Malformed => "the callee's output is of another type",
            Self::Other(_) => "the call failed",
        })
    }
}

impl<A: Codec, R: Codec> Call<A, R> {
    /// A call, as clients make it.
    #[doc(hidden)]
    pub const fn new(target: Address, method: &'static str, arguments: A) -> Self {
        Self {
            target,
            method,
            arguments,
            gas: ALL_GAS,
            value: 0,
            output: PhantomData,
        }
    }

    /// Sends an amount with the call.
    pub fn value(mut self, amount: u128) -> Self {
        self.value = amount;
        self
    }

    /// Forwards at most this gas (default: all that may be forwarded).
    pub fn gas(mut self, limit: u64) -> Self {
        self.gas = limit;
        self
    }

    /// The contract that is called.
    #[must_use]
    pub const fn target(&self) -> &Address {
        &self.target
    }

    /// The name of the method.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        self.method
    }

    /// The encoded arguments.
    #[must_use]
    pub fn input(&self) -> Vec<u8> {
        to_vec(&self.arguments)
    }

    /// The amount that is sent with the call.
    #[must_use]
    pub const fn amount(&self) -> u128 {
        self.value
    }

    /// What an output of the method is.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is no encoding of the method's type.
    pub fn output(&self, bytes: &[u8]) -> Result<R, Malformed> {
        from_slice(bytes)
    }

    /// Calls the contract. If the call fails, this one reverts with the same message.
    pub fn call(self) -> R {
        match self.try_call() {
            Ok(output) => output,
            Err(failure) => failure.revert(),
        }
    }

    /// Calls the contract.
    ///
    /// # Errors
    ///
    /// [`CallFailure`] if the call fails, which has then changed nothing.
    pub fn try_call(self) -> Result<R, CallFailure> {
        let options = options(self.gas, self.value);
        Self::returned(encoded(&self.arguments, |input| {
            let method = self.method.as_bytes();
            syscalls::call(self.target.as_bytes(), method, input, options.as_bytes())
        }))
    }

    /// Calls the contract so that neither it nor what it calls can change the state. If the call
    /// fails, this one reverts with the same message. No value is sent.
    pub fn read(self) -> R {
        let status = encoded(&self.arguments, |input| {
            let method = self.method.as_bytes();
            syscalls::call_read_only(self.target.as_bytes(), method, input, self.gas)
        });
        match Self::returned(status) {
            Ok(output) => output,
            Err(failure) => failure.revert(),
        }
    }

    fn returned(status: i32) -> Result<R, CallFailure> {
        if status < 0 {
            return Err(CallFailure::of(status));
        }
        let decoded = if const { R::MAX_BYTES == 0 } {
            from_slice(&[])
        } else if const { R::MAX_BYTES <= SMALL } {
            let mut buffer = Buffer::<SMALL>::new();
            match buffer.fill(syscalls::return_data_read) {
                Filled::Bytes(bytes) => from_slice(bytes),
                Filled::Longer(..) | Filled::Status => Err(Malformed::Long),
            }
        } else {
            from_slice(&on_the_heap(syscalls::return_data_read).unwrap_or_default())
        };
        decoded.map_err(|_| CallFailure::Malformed)
    }
}
