//! A panic reverts the call: the caller reads where it was.

use core::panic::PanicInfo;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut message = crate::message::Message::new();
    #[cfg(feature = "panic-messages")]
    {
        use core::fmt::Write;

        // What is too long is cut.
        let _ = write!(message, "{}: ", info.message());
    }
    message.text("panicked at ");
    if let Some(location) = info.location() {
        message
            .text(location.file())
            .text(":")
            .show(&location.line());
    }
    crate::contract::revert_with(message.as_bytes())
}
