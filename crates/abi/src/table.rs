//! What a table of syscalls is, and what is made from it.

use crate::{In, Len, Out, Status};

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
impl OnWire for i64 {
    const WIRE: Option<Wire> = Some(Wire::I64);
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
    /// What it does.
    pub doc: &'static str,
}

/// Makes of a table its numbers, its rows, and its stubs: those of wasm, and a macro for other targets, by the name behind `stubs`. The first token is
/// a dollar sign, for that macro. A function is imported by its name, or by the one behind it.
macro_rules! table {
    (@name $name:ident) => { stringify!($name) };
    (@name $name:ident $import:literal) => { $import };
    ($dollar:tt $table:ident from $module:literal, numbers from $first:expr, stubs $stubs:ident;
    $(
        $(#[doc = $doc:literal])*
        $number:literal $constant:ident $answer:ident
        fn $name:ident $(= $import:literal)? ($($param:ident: $type:ty),* $(,)?) -> $result:ty;
    )*) => {
        $( $(#[doc = $doc])* pub const $constant: u32 = $first + $number; )*

        /// All of them, in the order of the numbers.
        pub const $table: &[$crate::Syscall] = &[$(
            $crate::Syscall {
                number: $constant,
                name: table!(@name $name $($import)?),
                params: &[$(
                    $crate::Param {
                        name: stringify!($param),
                        rust_type: stringify!($type),
                        wire: <$type as $crate::table::OnWire>::WIRE,
                    }
                ),*],
                result: <$result as $crate::table::OnWire>::WIRE,
                rust_result: stringify!($result),
                answer: $crate::Answer::$answer,
                doc: concat!($($doc, "\n"),*),
            }
        ),*];

        /// The stubs that a guest links, on wasm targets. Each is declared safe to name and unsafe to call, because
        /// the host reads and writes the memory that its pointers name.
        #[cfg(target_family = "wasm")]
        pub mod guest {
            use super::*;

            #[link(wasm_import_module = $module)]
            unsafe extern "C" {
                $(
                    $(#[doc = $doc])*
                    $(#[link_name = $import])?
                    pub fn $name($($param: $type),*) -> $result;
                )*
            }
        }

        /// Declares the stubs that a guest links which is not wasm: in a block with the attribute of this name, which has to tell the linker what is
        /// imported, and by which symbol where that is not the function's name. The types of the table have to be in scope.
        #[macro_export]
        macro_rules! $stubs {
            ($dollar import:ident) => {
                #[$dollar import]
                unsafe extern "C" {
                    $(
                        $(#[doc = $doc])*
                        $(#[$dollar import(symbol = $import)])?
                        pub fn $name($($param: $type),*) -> $result;
                    )*
                }
            };
        }
    };
}
