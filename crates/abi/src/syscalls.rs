//! The syscall table, and what is made from it.

/// A region that the host reads: its address in guest memory.
pub type In = *const u8;
/// A region that the host writes: its address in guest memory.
pub type Out = *mut u8;
/// A length in bytes.
pub type Len = u32;
/// A length or flag if not negative, otherwise a code of [`crate::status`].
pub type Status = i32;

/// The type of one argument or result on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

/// A Rust type in the table and the wire type it travels as.
pub(crate) trait OnWire {
    const WIRE: Option<Wire>;
}

impl OnWire for In {
    const WIRE: Option<Wire> = Some(Wire::I32);
}
impl OnWire for Out {
    const WIRE: Option<Wire> = Some(Wire::I32);
}
impl OnWire for Len {
    const WIRE: Option<Wire> = Some(Wire::I32);
}
impl OnWire for Status {
    const WIRE: Option<Wire> = Some(Wire::I32);
}
impl OnWire for u64 {
    const WIRE: Option<Wire> = Some(Wire::I64);
}
impl OnWire for () {
    const WIRE: Option<Wire> = None;
}

/// Whether the host may park the guest before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The host answers at once.
    Inline,
    /// The guest may be suspended until the answer is there.
    MaySuspend,
}

/// What a syscall costs, in gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Charged before the syscall acts.
    pub base: u64,
    /// Charged for each byte that it reads or writes, before the bytes are touched.
    pub byte: u64,
}

/// One parameter of a syscall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name in the reference page.
    pub name: &'static str,
    /// Its Rust type in the guest stub.
    pub rust_type: &'static str,
    /// Its type on the wire.
    pub wire: Option<Wire>,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// The number by which the host dispatches; never reused.
    pub number: u32,
    /// The name that a guest imports.
    pub name: &'static str,
    /// The parameters, in order; six at most.
    pub params: &'static [Param],
    /// The result on the wire, if any.
    pub result: Option<Wire>,
    /// The result's Rust type in the guest stub; `()` where there is none.
    pub rust_result: &'static str,
    /// Whether it may suspend the guest.
    pub answer: Answer,
    /// What it costs.
    pub price: Price,
    /// What it does.
    pub doc: &'static str,
}

// The first token is a dollar sign, for the macro that this one makes.
macro_rules! syscalls {
    ($dollar:tt $(
        $(#[doc = $doc:literal])*
        $number:literal $constant:ident $answer:ident ($base:literal + $byte:literal / byte)
        fn $name:ident($($param:ident: $type:ty),* $(,)?) -> $result:ty;
    )*) => {
        $( $(#[doc = $doc])* pub const $constant: u32 = $number; )*

        /// Every syscall, in the order of the numbers.
        pub const SYSCALLS: &[Syscall] = &[$(
            Syscall {
                number: $number,
                name: stringify!($name),
                params: &[$(
                    Param {
                        name: stringify!($param),
                        rust_type: stringify!($type),
                        wire: <$type as OnWire>::WIRE,
                    }
                ),*],
                result: <$result as OnWire>::WIRE,
                rust_result: stringify!($result),
                answer: Answer::$answer,
                price: Price { base: $base, byte: $byte },
                doc: concat!($($doc, "\n"),*),
            }
        ),*];

        /// The stubs that a guest links. Each is declared safe to name and unsafe to call, because
        /// the host reads and writes the memory that its pointers name.
        #[cfg(target_family = "wasm")]
        pub mod guest {
            use super::*;

            #[link(wasm_import_module = "fusee")]
            unsafe extern "C" {
                $( $(#[doc = $doc])* pub fn $name($($param: $type),*) -> $result; )*
            }
        }

        /// Declares the stubs that a guest links which is not wasm, as a block with these attributes: one of them has
        /// to tell the linker what is imported. [`In`], [`Out`], [`Len`] and [`Status`] have to be in scope.
        #[macro_export]
        macro_rules! stubs {
            ($dollar(#[$dollar attribute:meta])*) => {
                $dollar(#[$dollar attribute])*
                unsafe extern "C" {
                    $( $(#[doc = $doc])* pub fn $name($($param: $type),*) -> $result; )*
                }
            };
        }
    };
}

syscalls! { $
    /// Copies the input of the call into the buffer; returns the input's length.
    0 INPUT_READ Inline (100 + 1 / byte)
    fn input_read(buffer: Out, capacity: Len) -> Status;

    /// Makes the region the output of the call, in place of any earlier output.
    1 OUTPUT_WRITE Inline (100 + 1 / byte)
    fn output_write(source: In, length: Len) -> ();

    /// Ends the call: its changes are undone, and the region, a message in UTF-8, is what the caller gets.
    2 REVERT Inline (100 + 1 / byte)
    fn revert(source: In, length: Len) -> ();

    /// Copies the value under the key into the buffer; returns the value's length, or `ABSENT`.
    3 STORAGE_READ Inline (2000 + 2 / byte)
    fn storage_read(key: In, key_length: Len, buffer: Out, capacity: Len) -> Status;

    /// Stores the value under the key, in the contract's own key-value space.
    4 STORAGE_WRITE Inline (5000 + 20 / byte)
    fn storage_write(key: In, key_length: Len, value: In, value_length: Len) -> ();

    /// Removes the value under the key; returns 1 if there was one, else 0.
    5 STORAGE_REMOVE Inline (5000 + 2 / byte)
    fn storage_remove(key: In, key_length: Len) -> Status;

    /// Writes the address of the account or contract that made this call (32 bytes).
    6 CALLER Inline (100 + 1 / byte)
    fn caller(address: Out) -> ();

    /// Writes the address of this contract (32 bytes).
    7 OWN_ADDRESS Inline (100 + 1 / byte)
    fn own_address(address: Out) -> ();

    /// Writes the amount that came with this call (16 bytes).
    8 VALUE Inline (100 + 1 / byte)
    fn value(amount: Out) -> ();

    /// Writes the balance of the account at the address (16 bytes).
    9 BALANCE Inline (2000 + 1 / byte)
    fn balance(address: In, amount: Out) -> ();

    /// Records an event: a topic to search by, and data.
    10 EVENT_EMIT Inline (1000 + 8 / byte)
    fn event_emit(topic: In, topic_length: Len, data: In, data_length: Len) -> ();

    /// Returns the gas that this call may still use.
    11 GAS_LEFT Inline (50 + 0 / byte)
    fn gas_left() -> u64;

    /// Calls a method of another contract. `options` names 24 bytes: the gas limit (`u64`, `ALL_GAS`
    /// for as much as may be forwarded), then the value to send (`u128`). Returns the length of the
    /// return data, or why the call failed; the changes of a failed call are undone, its gas is not.
    /// At most 63/64 of the caller's gas is forwarded. An empty method only sends the value. The caller
    /// pays for its memory, which waits: 500 for each page that it has, beside the base.
    12 CALL MaySuspend (5000 + 1 / byte)
    fn call(address: In, method: In, method_length: Len, input: In, input_length: Len, options: In) -> Status;

    /// Copies the last call's return data (its output, or its revert message) into the buffer;
    /// returns the data's length.
    13 RETURN_DATA_READ Inline (100 + 1 / byte)
    fn return_data_read(buffer: Out, capacity: Len) -> Status;

    /// Asks whoever runs the transaction for something from outside: a question that both understand. Returns the length of the answer,
    /// which is the return data then, or `UNANSWERED` where nobody answers. The transaction waits. The caller pays for its memory as
    /// with `call`.
    14 ASK_HOST MaySuspend (5000 + 1 / byte)
    fn ask_host(question: In, length: Len) -> Status;

    /// Says which symbols the children may import that this call compiles from now on: their names, one a line. Any, if it never says.
    15 ADMIT_SYMBOLS Inline (500 + 2 / byte)
    fn admit_symbols(names: In, length: Len) -> ();
}
