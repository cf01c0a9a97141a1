//! The attributes of `fusee-sdk`, which documents them by examples.
//!
//! What they generate names everything by absolute paths below `::fusee_sdk`. An error points at
//! the code that it is about, and says what to write instead.
#![forbid(unsafe_code)]

mod codec;
mod contract;
mod error;
mod event;
mod methods;
mod shared;

use proc_macro::TokenStream;

/// Makes a struct the storage of a contract: each field is a `Value`, `Map`, `Set` or `Vector`.
///
/// `#[contract(events(Transfer, Approve))]` lists the events that its methods emit.
#[proc_macro_attribute]
pub fn contract(arguments: TokenStream, item: TokenStream) -> TokenStream {
    shared::expanded(contract::expand(arguments.into(), item.into()))
}

/// Makes the public functions of an impl block the methods of a contract, and generates its client.
///
/// A method takes `&self` if it changes nothing, else `&mut self`. `#[payable]` marks those that
/// take a value. `deploy` runs once, at deployment, `migrate` at an upgrade, `receive` for plain
/// transfers. Functions that are not `pub` are the contract's own.
///
/// `#[methods(unless_feature = "library")]` exports the methods unless the crate has that feature,
/// so that other contracts can depend on it for its client.
#[proc_macro_attribute]
pub fn methods(arguments: TokenStream, item: TokenStream) -> TokenStream {
    shared::expanded(methods::expand(arguments.into(), item.into()))
}

/// Makes a struct an event. Its name is that of the struct in snake case, unless
/// `#[event(name = "..")]` says another. Fields with `#[topic]` can be searched by.
#[proc_macro_attribute]
pub fn event(arguments: TokenStream, item: TokenStream) -> TokenStream {
    shared::expanded(event::expand(arguments.into(), item.into()))
}

/// Makes an enum the errors of methods. `#[message("has {has}, needs {needs}")]` is what the call
/// reverts with. Default: the words of the variant's name.
#[proc_macro_attribute]
pub fn error(arguments: TokenStream, item: TokenStream) -> TokenStream {
    shared::expanded(error::expand(arguments.into(), item.into()))
}

/// Makes a struct or enum a type of arguments, results, events and storage.
#[proc_macro_derive(Codec)]
pub fn codec(item: TokenStream) -> TokenStream {
    shared::expanded(codec::expand(item.into()))
}

#[cfg(test)]
mod tests;
