//! Panics, which are bugs in a guest.
//!
//! By default a panic traps, and its message is dropped with the code to format it. With the
//! feature `panic-messages` the call reverts instead, with where it panicked and why.

use core::panic::PanicInfo;

#[cfg(not(feature = "panic-messages"))]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    crate::trap()
}

#[cfg(feature = "panic-messages")]
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    text::revert(info)
}

#[cfg(feature = "panic-messages")]
mod text {
    use core::{fmt, fmt::Write, panic::PanicInfo};

    /// Room for a message. What is longer is cut between two pieces of text.
    const TEXT_BYTES: usize = 512;

    struct Text {
        bytes: [u8; TEXT_BYTES],
        length: usize,
    }

    impl Write for Text {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            let end = self.length.saturating_add(piece.len());
            let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
            room.copy_from_slice(piece.as_bytes());
            self.length = end;
            Ok(())
        }
    }

    /// Reverts with `panicked at FILE:LINE:COLUMN: MESSAGE`, in one line.
    pub(super) fn revert(info: &PanicInfo<'_>) -> ! {
        let mut text = Text {
            bytes: [0; TEXT_BYTES],
            length: 0,
        };
        // A message that is too long is cut.
        let _ = match info.location() {
            Some(location) => write!(text, "panicked at {location}: {}", info.message()),
            None => write!(text, "panicked: {}", info.message()),
        };
        let (written, _) = text.bytes.split_at(text.length);
        crate::revert_with(written)
    }
}
