//! The types of a syscall table, and the macro that generates code from one.

use crate::{In, Len, Out, Status};

/// The type of one argument or result on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

/// A Rust type in the table, and its type on the wire.
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

/// Whether the host may suspend the guest before it replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyMode {
    /// The host replies at once.
    Inline,
    /// The host may suspend the guest and reply later.
    MaySuspend,
}

/// One parameter of a syscall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// The name in the reference page.
    pub name: &'static str,
    /// The Rust type in the guest stub.
    pub rust_type: &'static str,
    /// The type on the wire.
    pub wire: Option<Wire>,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// The number by which the host dispatches. Numbers are never reused.
    pub number: u32,
    /// The name that a guest imports.
    pub name: &'static str,
    /// The parameters, in order. At most six, but for WASI, which has functions with up to nine.
    pub params: &'static [Param],
    /// The type of the result on the wire, if any.
    pub result: Option<Wire>,
    /// The Rust type of the result in the guest stub. Default: `()`.
    pub rust_result: &'static str,
    /// Whether the syscall may suspend the guest.
    pub reply_mode: ReplyMode,
    /// The description in the reference page.
    pub doc: &'static str,
}

/// Generates the numbers, the rows and the stubs of a table: wasm stubs, and a macro for other
/// targets that has the name behind `stubs`. The first token is a dollar sign, which that macro
/// needs. The imported name is the string behind the function's name (default: the function's
/// name).
macro_rules! table {
    (@name $name:ident) => { stringify!($name) };
    (@name $name:ident $import:literal) => { $import };
    ($dollar:tt $table:ident from $module:literal, numbers from $first:expr, stubs $stubs:ident;
    $(
        $(#[doc = $doc:literal])*
        $number:literal $constant:ident $reply_mode:ident
        fn $name:ident $(= $import:literal)? ($($param:ident: $type:ty),* $(,)?) -> $result:ty;
    )*) => {
        $( $(#[doc = $doc])* pub const $constant: u32 = $first + $number; )*

        /// All rows, in ascending order of numbers.
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
                reply_mode: $crate::ReplyMode::$reply_mode,
                doc: concat!($($doc, "\n"),*),
            }
        ),*];

        /// The stubs that a guest links on wasm targets. Each is declared safe to name and unsafe
        /// to call, because the host accesses the memory that its pointers name.
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

        /// Declares the stubs that a guest links on targets other than wasm, in a block with the
        /// attribute of the given name. The attribute tells the linker what is imported, and by
        /// which symbol if the symbol differs from the function's name. The types of the table must
        /// be in scope.
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
