//! Host functions by module and name, with their prices.
//!
//! A [`Linker`] gives the rules what programs may import ([`Linker::syscalls`]), and a run the host
//! that answers it ([`Linker::host`]). The price of a function stands beside the function: its base
//! is charged before each call, and a function charges for the bytes that it handles with
//! [`Caller::charge_bytes`].

use std::{fmt, sync::Arc};

use fusee_engine::{
    EngineError, Gas, GuestMemory, Host, MAX_SYSCALL_ARGS, OutOfGas, Stop, Syscall, ValueType,
    reserved,
};
use fusee_instrument::{SyscallPrice, SyscallRule};
use thiserror::Error;

/// Host functions over an embedder's state `T`.
///
/// ```
/// use fusee_executor::{Caller, Linker};
/// use fusee_instrument::SyscallPrice;
///
/// let mut linker = Linker::<Vec<String>>::new();
/// linker.func(
///     "env",
///     "log",
///     SyscallPrice::bytes(100, 1),
///     |caller: &mut Caller<'_, '_, Vec<String>>, address: u32, length: u32| {
///         caller.charge_bytes(length.into())?;
///         let text = caller.memory().read(address.into(), length.into())?.into_owned();
///         caller.data_mut().push(String::from_utf8_lossy(&text).into_owned());
///         Ok(())
///     },
/// )?;
/// linker.func("env", "double", SyscallPrice::FREE, |_: &mut Caller<'_, '_, _>, n: i64| {
///     n.wrapping_mul(2)
/// })?;
/// assert_eq!(linker.syscalls().len(), 2);
/// # Ok::<(), fusee_executor::LinkError>(())
/// ```
pub struct Linker<T> {
    functions: Arc<Vec<Function<T>>>,
    syscalls: Vec<SyscallRule>,
}

/// The host of a run: an embedder's state, and the functions of a [`Linker`].
pub struct Linked<T> {
    data: T,
    functions: HostFunctions<T>,
}

/// The functions of a [`Linker`], for a host of one's own that has the embedder's state.
pub struct HostFunctions<T>(Arc<Vec<Function<T>>>);

/// The guest that calls a host function, and the embedder's state.
#[derive(Debug)]
pub struct Caller<'a, 'b, T> {
    call: &'a mut Syscall<'b>,
    price: &'a SyscallPrice,
    data: &'a mut T,
}

/// A function could not be registered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A function of this module and name is registered already.
    #[error("`{module}`.`{name}` is registered already")]
    Duplicate {
        /// The module.
        module: String,
        /// The name.
        name: String,
    },
    /// Metered programs import from this module themselves.
    #[error("the module name `{module}` is reserved: choose another")]
    Reserved {
        /// The module.
        module: String,
    },
    /// A syscall has more parameters than any engine passes.
    #[error("`{module}`.`{name}` must have at most {MAX_SYSCALL_ARGS} parameters")]
    Signature {
        /// The module.
        module: String,
        /// The name.
        name: String,
    },
}

struct Function<T> {
    price: SyscallPrice,
    call: Arc<Call<T>>,
}

type Call<T> = dyn Fn(&mut Caller<'_, '_, T>) -> Result<u64, Stop> + Send + Sync;

impl<T> Clone for Function<T> {
    fn clone(&self) -> Self {
        Self {
            price: self.price,
            call: Arc::clone(&self.call),
        }
    }
}

impl<T: Send + 'static> Linker<T> {
    /// No functions.
    #[must_use]
    pub fn new() -> Self {
        Self {
            functions: Arc::default(),
            syscalls: Vec::new(),
        }
    }

    /// Registers a function that answers at once.
    ///
    /// It takes the [`Caller`] and up to 16 numbers (`i32`, `u32`, `i64`, `u64`, `f32`, `f64`), and
    /// returns nothing, a number, or a `Result` of either with [`Stop`].
    ///
    /// A PolkaVM program can import functions of up to six parameters only. Only programs whose
    /// rules admit floating point can import functions with floating-point numbers. A NaN that the
    /// function returns has to have the same bits on every machine.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if the name is taken, or the module is reserved.
    pub fn func<A, R>(
        &mut self,
        module: &str,
        name: &str,
        price: SyscallPrice,
        function: impl IntoHostFunction<T, A, R>,
    ) -> Result<&mut Self, LinkError> {
        let (params, result, call) = function.into_call();
        self.register(module, name, price, params, result, false, call)
    }

    /// Registers a function that may suspend the run, by returning [`Stop::Suspend`]. The run is
    /// then an [`Outcome::Syscall`](crate::Outcome::Syscall), and is resumed with the result.
    ///
    /// # Errors
    ///
    /// As [`func`](Self::func).
    pub fn func_suspendable<A, R>(
        &mut self,
        module: &str,
        name: &str,
        price: SyscallPrice,
        function: impl IntoHostFunction<T, A, R>,
    ) -> Result<&mut Self, LinkError> {
        let (params, result, call) = function.into_call();
        self.register(module, name, price, params, result, true, call)
    }

    /// What programs may import, as rules list it. The numbers are positions in the order of
    /// registration.
    #[must_use]
    pub fn syscalls(&self) -> Vec<SyscallRule> {
        self.syscalls.clone()
    }

    /// The host of a run.
    #[must_use]
    pub fn host(&self, data: T) -> Linked<T> {
        Linked {
            data,
            functions: self.functions(),
        }
    }

    /// The functions, for a host of one's own. Functions that are registered later are not among
    /// them.
    #[must_use]
    pub fn functions(&self) -> HostFunctions<T> {
        HostFunctions(Arc::clone(&self.functions))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one row of the rules"
    )]
    fn register(
        &mut self,
        module: &str,
        name: &str,
        price: SyscallPrice,
        params: Vec<ValueType>,
        result: Option<ValueType>,
        may_suspend: bool,
        call: Arc<Call<T>>,
    ) -> Result<&mut Self, LinkError> {
        let mut known = self.syscalls.iter();
        if known.any(|known| known.module == module && known.name == name) {
            return Err(LinkError::Duplicate {
                module: module.to_owned(),
                name: name.to_owned(),
            });
        }
        if module == reserved::MODULE {
            return Err(LinkError::Reserved {
                module: module.to_owned(),
            });
        }
        let signature = || LinkError::Signature {
            module: module.to_owned(),
            name: name.to_owned(),
        };
        let number = u32::try_from(self.syscalls.len()).map_err(|_| signature())?;
        self.syscalls.push(SyscallRule {
            module: module.to_owned(),
            name: name.to_owned(),
            number,
            params,
            result,
            may_suspend,
            price,
        });
        Arc::make_mut(&mut self.functions).push(Function { price, call });
        Ok(self)
    }
}

impl<T: Send + 'static> Default for Linker<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Linked<T> {
    /// The embedder's state.
    #[must_use]
    pub const fn data(&self) -> &T {
        &self.data
    }

    /// The embedder's state.
    pub const fn data_mut(&mut self) -> &mut T {
        &mut self.data
    }

    /// The embedder's state.
    #[must_use]
    pub fn into_data(self) -> T {
        self.data
    }
}

impl<T: Send + 'static> Host for Linked<T> {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let number = call.request.number;
        self.functions.answer(number, call, &mut self.data)
    }
}

impl<T> HostFunctions<T> {
    /// Answers a call of the function with this number, as [`Linker::syscalls`] lists it, and
    /// charges the base of its price.
    ///
    /// # Errors
    ///
    /// [`Stop`], if the function returns it, the gas does not suffice, or there is no such
    /// function.
    pub fn answer(&self, number: u32, call: &mut Syscall<'_>, data: &mut T) -> Result<u64, Stop> {
        let function = usize::try_from(number)
            .ok()
            .and_then(|position| self.0.get(position));
        let Some(function) = function else {
            let why = format!("the linker has no syscall {number}: prepare by its own syscalls");
            return Err(Stop::Fail(EngineError::Host(why.into())));
        };
        call.charge(function.price.base)?;
        (function.call)(&mut Caller {
            call,
            price: &function.price,
            data,
        })
    }
}

impl<T> Clone for HostFunctions<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for HostFunctions<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HostFunctions")
            .field("count", &self.0.len())
            .finish()
    }
}

impl<T> Caller<'_, '_, T> {
    /// The embedder's state.
    #[must_use]
    pub const fn data(&self) -> &T {
        self.data
    }

    /// The embedder's state.
    pub const fn data_mut(&mut self) -> &mut T {
        self.data
    }

    /// The guest's whole memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        self.call.memory.reborrow()
    }

    /// The guest's whole memory, and the embedder's state.
    pub fn memory_and_data(&mut self) -> (GuestMemory<'_>, &mut T) {
        (self.call.memory.reborrow(), self.data)
    }

    /// The gas that the guest has left.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.call.gas_left()
    }

    /// Charges gas.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if less is left.
    pub fn charge(&mut self, gas: Gas) -> Result<(), OutOfGas> {
        self.call.charge(gas)
    }

    /// Charges for bytes, by the function's price. Call it before the bytes are touched.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if less is left.
    pub fn charge_bytes(&mut self, bytes: u64) -> Result<(), OutOfGas> {
        let price = self.price.length(bytes);
        self.call.charge(price)
    }

    fn arg(&self, index: usize) -> u64 {
        self.call.arg(index)
    }
}

/// A number that a host function takes or returns.
pub trait HostNumber: private::Sealed {
    #[doc(hidden)]
    const TYPE: ValueType;
    #[doc(hidden)]
    fn from_arg(arg: u64) -> Self;
    #[doc(hidden)]
    fn into_result(self) -> u64;
}

/// What a host function returns.
pub trait HostReturn: private::Sealed {
    #[doc(hidden)]
    const TYPE: Option<ValueType>;
    #[doc(hidden)]
    fn into_result(self) -> Result<u64, Stop>;
}

/// A closure that can be a host function.
pub trait IntoHostFunction<T, A, R> {
    #[doc(hidden)]
    fn into_call(self) -> (Vec<ValueType>, Option<ValueType>, Arc<Call<T>>);
}

mod private {
    pub trait Sealed {}
}

/// The low 32 bits.
fn low(arg: u64) -> u32 {
    u32::try_from(arg & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

macro_rules! numbers {
    ($($number:ty: $type:ident, $arg:ident => $from:expr, $result:ident => $into:expr;)*) => { $(
        impl private::Sealed for $number {}

        impl HostNumber for $number {
            const TYPE: ValueType = ValueType::$type;
            fn from_arg($arg: u64) -> Self {
                $from
            }
            fn into_result(self) -> u64 {
                let $result = self;
                $into
            }
        }

        impl HostReturn for $number {
            const TYPE: Option<ValueType> = Some(ValueType::$type);
            fn into_result(self) -> Result<u64, Stop> {
                Ok(HostNumber::into_result(self))
            }
        }
    )* };
}

numbers! {
    i32: I32, arg => low(arg).cast_signed(), result => u64::from(result.cast_unsigned());
    u32: I32, arg => low(arg), result => u64::from(result);
    i64: I64, arg => arg.cast_signed(), result => result.cast_unsigned();
    u64: I64, arg => arg, result => result;
    f32: F32, arg => f32::from_bits(low(arg)), result => u64::from(result.to_bits());
    f64: F64, arg => f64::from_bits(arg), result => result.to_bits();
}

impl private::Sealed for () {}

impl HostReturn for () {
    const TYPE: Option<ValueType> = None;
    fn into_result(self) -> Result<u64, Stop> {
        Ok(0)
    }
}

impl<R: HostReturn> private::Sealed for Result<R, Stop> {}

impl<R: HostReturn> HostReturn for Result<R, Stop> {
    const TYPE: Option<ValueType> = R::TYPE;
    fn into_result(self) -> Result<u64, Stop> {
        self?.into_result()
    }
}

macro_rules! functions {
    ($(($($arg:ident $index:literal),*))*) => { $(
        impl<T, F, R, $($arg),*> IntoHostFunction<T, ($($arg,)*), R> for F
        where
            F: Fn(&mut Caller<'_, '_, T> $(, $arg)*) -> R + Send + Sync + 'static,
            R: HostReturn,
            $($arg: HostNumber,)*
        {
            fn into_call(self) -> (Vec<ValueType>, Option<ValueType>, Arc<Call<T>>) {
                let call = move |caller: &mut Caller<'_, '_, T>| {
                    self(caller $(, $arg::from_arg(caller.arg($index)))*).into_result()
                };
                (vec![$($arg::TYPE),*], R::TYPE, Arc::new(call))
            }
        }
    )* };
}

functions! {
    ()
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, G 5)
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6)
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7)
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8)
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9)
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10)
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11)
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11, N 12)
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11, N 12, O 13)
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11, N 12, O 13, P 14)
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11, N 12, O 13, P 14, Q 15)
}

impl<T> fmt::Debug for Linker<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Linker")
            .field("syscalls", &self.syscalls)
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for Linked<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Linked")
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}
