//! A panic reverts the call: the caller reads where it was.
//!
//! Without the feature `panic-messages` nothing of a panic but its place is read. The handler is
//! inlined into the functions of the core library that call it, where the optimiser sees that, and
//! so removes the messages with the code that would format them, about three kilobytes.

use core::panic::{Location, PanicInfo};

use crate::message::Message;

#[panic_handler]
#[inline(always)]
fn panic(info: &PanicInfo<'_>) -> ! {
    #[cfg(feature = "panic-messages")]
    with_message(info);
    #[cfg(not(feature = "panic-messages"))]
    revert_at(Message::new(), info.location())
}

#[cfg(feature = "panic-messages")]
fn with_message(info: &PanicInfo<'_>) -> ! {
    use core::fmt::Write;

    let mut message = Message::new();
    // What is too long is cut.
    let _ = write!(message, "{}: ", info.message());
    revert_at(message, info.location())
}

#[cold]
#[inline(never)]
fn revert_at(mut message: Message, location: Option<&Location<'_>>) -> ! {
    message.text("panicked at ");
    if let Some(location) = location {
        message
            .text(location.file())
            .text(":")
            .show(&location.line());
    }
    crate::contract::revert_with(message.as_bytes())
}
