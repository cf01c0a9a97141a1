//! What the attributes generate for: contracts, their methods, events and errors.

use alloc::vec::Vec;

use crate::{
    buffer::{Buffer, Filled, SMALL, on_the_heap},
    codec::{Codec, Malformed, Sink, from_slice, sum},
    interface::{ErrorMessage, Event as EventDescription, StorageField},
    message::Message,
    storage::encoded,
    syscalls,
};

/// The input is too short.
pub(crate) const SHORT: &str = "arguments end too early";
/// The input is too long.
pub(crate) const LONG: &str = "bytes after the arguments";
/// The input is malformed.
pub(crate) const INVALID: &str = "arguments are malformed";

/// The storage of a contract. `#[contract]` generates it.
pub trait Storage: Sized {
    /// The contract's name.
    const NAME: &'static str;

    /// What it is for.
    const DOC: &'static str;

    /// The events that it emits.
    const EVENTS: &'static [&'static EventDescription];

    /// What the interface tells of the fields.
    const FIELDS: &'static [StorageField];

    /// The fields. Reads nothing.
    fn open() -> Self;
}

/// A contract: its methods. `#[methods]` generates it.
pub trait Contract: Storage {
    /// The encoded interface, as the section `fusee.interface` of the wasm module has it.
    const INTERFACE: &'static [u8];

    /// The methods, by name, for native runs.
    const METHODS: &'static [(&'static str, fn())];
}

/// An event. `#[event]` generates it.
pub trait Event {
    /// What the interface tells of it.
    const DESCRIPTION: EventDescription;

    /// The most bytes of the topics behind the name, with their lengths. 0: there are none.
    const TOPIC_BYTES: usize;

    /// The most bytes of the data.
    const MAX_BYTES: usize;

    /// Adds the topics behind the name.
    fn topics(&self, topics: &mut impl Sink);

    /// Writes the data.
    fn data(&self, sink: &mut impl Sink);
}

/// Appends a topic to a list of them: its length, and its bytes.
pub fn put_topic<T: Codec>(topics: &mut impl Sink, value: &T) {
    encoded(value, |bytes| put_bytes(topics, bytes));
}

fn put_bytes(topics: &mut impl Sink, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    topics.put(&length.to_le_bytes());
    topics.put(bytes);
}

/// An event that a contract declares, and so can emit. `#[contract]` generates it.
#[diagnostic::on_unimplemented(
    message = "`{C}` does not declare the event `{Self}`",
    note = "add it to the attribute of the contract: `#[contract(events({Self}))]`. Tools then \
            know it by the interface"
)]
pub trait DeclaredBy<C> {}

/// Emits events: `self.emit(event)`. Each contract does, those that it declares.
pub trait Emit: Storage {
    /// Emits the event.
    #[inline]
    fn emit<E: Event + DeclaredBy<Self>>(&mut self, event: E) {
        emit(&event);
    }
}

impl<C: Storage> Emit for C {}

/// An error of a contract. `#[error]` generates it.
pub trait Error {
    /// The messages, as the interface has them.
    const MESSAGES: &'static [ErrorMessage];

    /// Writes the message that the call reverts with.
    fn write(&self, message: &mut Message);
}

/// What a method may return: a value, or a result of a value and an error.
#[diagnostic::on_unimplemented(
    message = "a method cannot return `{Self}`",
    note = "it returns a value with an encoding (`#[derive(Codec)]`), or a `Result` of one and an \
            error (`#[error]`)"
)]
pub trait Output: Sized {
    /// The type that a caller gets.
    type Value: Codec;

    /// The messages of the errors.
    const ERRORS: &'static [ErrorMessage];

    /// Makes it the output of the call, or reverts.
    fn finish(self);
}

impl<T: Codec> Output for T {
    type Value = T;

    const ERRORS: &'static [ErrorMessage] = &[];

    #[inline]
    fn finish(self) {
        if const { T::MAX_BYTES > 0 } {
            encoded(&self, syscalls::output_write);
        }
    }
}

impl<T: Codec, E: Error> Output for Result<T, E> {
    type Value = T;

    const ERRORS: &'static [ErrorMessage] = E::MESSAGES;

    #[inline]
    fn finish(self) {
        match self {
            Ok(value) => value.finish(),
            Err(error) => {
                let mut message = Message::new();
                error.write(&mut message);
                revert_with(message.as_bytes())
            }
        }
    }
}

/// Ends this call as reverted, with a message for the caller.
///
/// An error that callers should know has a type: `#[error]`.
pub fn revert(message: &str) -> ! {
    revert_with(message.as_bytes())
}

/// Ends this call as reverted, with the bytes of a message.
pub(crate) fn revert_with(message: &[u8]) -> ! {
    syscalls::revert(message);
    // The host does not return from a revert.
    #[cfg(target_os = "none")]
    crate::guest::trap();
    #[cfg(not(target_os = "none"))]
    crate::native::end();
}

/// The arguments of this call.
#[doc(hidden)]
#[inline]
#[must_use]
pub fn arguments<T: Codec>() -> T {
    if const { T::MAX_BYTES <= SMALL } {
        let mut buffer = Buffer::<SMALL>::new();
        match buffer.fill(syscalls::input_read) {
            Filled::Bytes(bytes) => decoded(bytes),
            Filled::Longer(..) | Filled::Status => malformed(Malformed::Long),
        }
    } else {
        decoded(&on_the_heap(syscalls::input_read).unwrap_or_default())
    }
}

#[inline]
fn decoded<T: Codec>(bytes: &[u8]) -> T {
    match from_slice(bytes) {
        Ok(value) => value,
        Err(error) => malformed(error),
    }
}

#[cold]
fn malformed(error: Malformed) -> ! {
    revert(match error {
        Malformed::Short => SHORT,
        Malformed::Long => LONG,
        Malformed::Invalid => INVALID,
    })
}

#[inline]
fn emit<E: Event>(event: &E) {
    if const { E::MAX_BYTES <= SMALL } {
        let mut data = Buffer::<SMALL>::new();
        event.data(&mut data);
        emit_data(event, data.as_bytes());
    } else {
        let mut data = Vec::new();
        event.data(&mut data);
        emit_data(event, &data);
    }
}

#[inline]
fn emit_data<E: Event>(event: &E, data: &[u8]) {
    let name = E::DESCRIPTION.name.as_bytes();
    if const { E::TOPIC_BYTES == 0 } {
        syscalls::event_emit(name, data);
    } else if const { sum(E::TOPIC_BYTES, 4 + E::DESCRIPTION.name.len()) <= SMALL } {
        let mut topics = Buffer::<SMALL>::new();
        put_bytes(&mut topics, name);
        event.topics(&mut topics);
        syscalls::event_emit_topics(topics.as_bytes(), data);
    } else {
        let mut topics = Vec::new();
        put_bytes(&mut topics, name);
        event.topics(&mut topics);
        syscalls::event_emit_topics(&topics, data);
    }
}

/// A place that needs a type of arguments: what `#[methods]` checks.
#[doc(hidden)]
pub const fn is_argument<T: Codec>() {}

/// A place that needs a type of results.
#[doc(hidden)]
pub const fn is_output<T: Output>() {}
