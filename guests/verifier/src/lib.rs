//! The verifier system program: checks Ed25519 signatures, and remembers keys.
//!
//! Input: public key (32 bytes), signature (64), message (the rest, of any length). Payload: one
//! byte, 1 if the signature is valid and 0 if it is not. An input without a whole signature is
//! malformed.
//!
//! A key that it has seen lately need not be decompressed again: that is what living on is good
//! for. So the gas of a call depends on the calls before it. Under consensus an instance lives for
//! one transaction therefore, whose calls every machine makes in the same order.
//!
//! Exports carry their plain names, which is the `unsafe` of their attribute: no two may be alike.
#![cfg_attr(target_family = "wasm", no_std)]
#![cfg_attr(
    not(any(target_family = "wasm", test)),
    allow(dead_code, reason = "only wasm has the exports")
)]

mod verification;

#[cfg(target_family = "wasm")]
mod program {
    use fusee_system_guest::{
        exit_code,
        host::{finish, input_size, read_input},
    };
    use spin::Mutex;

    use crate::verification::{Keys, Verification};

    /// How much of a message is read at once.
    const CHUNK_BYTES: usize = 1024;

    /// What lives on. There is one thread, and no call enters while another runs.
    static KEYS: Mutex<Keys> = Mutex::new(Keys::new());

    #[unsafe(no_mangle)]
    extern "C" fn main(_: i32, _: i32) -> i32 {
        let mut head = [0; 96];
        let mut offset = head.len();
        let size = input_size();
        if size < offset {
            return finish(
                exit_code::MALFORMED_BUILTIN_PARAMS,
                b"no key and signature of 96 bytes",
            );
        }
        read_input(0, &mut head);
        let mut keys = KEYS.try_lock().expect("no call enters while another runs");
        let is_valid = match Verification::begin(&mut keys, &head) {
            None => false,
            Some(mut verification) => {
                let mut chunk = [0; CHUNK_BYTES];
                while offset < size {
                    let length = CHUNK_BYTES.min(size - offset);
                    let (filled, _) = chunk.split_at_mut(length);
                    read_input(offset, filled);
                    verification.absorb(filled);
                    offset += length;
                }
                verification.finish()
            }
        };
        finish(exit_code::OK, &[u8::from(is_valid)])
    }

    #[unsafe(no_mangle)]
    extern "C" fn deploy() -> i32 {
        finish(exit_code::OK, &[])
    }
}
