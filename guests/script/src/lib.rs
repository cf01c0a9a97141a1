//! The script system program: a small stack machine that calls other programs.
//!
//! Input: the length of the code (`u32`), the code, data. Payload: the number that the script
//! returns (`i64`), or a message if it is no good script. The machine is in `machine.rs`; its
//! frames, those that wait included, are in `frames.rs`. The program keeps its own accounts: every
//! opcode charges its price before it acts.
//!
//! Exports carry their plain names, which is the `unsafe` of their attribute: no two may be alike.
#![cfg_attr(target_family = "wasm", no_std)]
#![cfg_attr(
    not(any(target_family = "wasm", test)),
    allow(dead_code, reason = "only wasm has the exports")
)]

mod frames;
mod machine;

#[cfg(target_family = "wasm")]
mod program {
    use fusee_system_guest::{
        Interruption, OUTPUT_OFFSET, Outcome, STATE_MAIN, exit_code,
        host::{
            charge_fuel, finish, input_size, read_input, read_return_data, return_data_size, write,
        },
    };
    use spin::Mutex;

    use crate::{
        frames::{Frames, Pause},
        machine::Answer,
    };

    /// What lives on: the frames that wait. There is one thread, and no call enters while another
    /// runs.
    static FRAMES: Mutex<Frames> = Mutex::new(Frames::new());

    /// Begins a script if there is no return data, and goes on with the one that waits if there is.
    #[unsafe(no_mangle)]
    extern "C" fn main(_: i32, _: i32) -> i32 {
        let mut frames = FRAMES
            .try_lock()
            .expect("no call enters while another runs");
        let pause = match return_data_size() {
            0 => frames.enter(input_size(), |input| read_input(0, input), charge_fuel),
            size => frames.resume(answer(size), charge_fuel),
        };
        match pause {
            Pause::Returned(value) => finish(exit_code::OK, &value.to_le_bytes()),
            Pause::Failed(fault) => finish(fault.code, fault.message.as_bytes()),
            Pause::Calls(call) => {
                let interruption = Interruption {
                    code_hash: call.code_hash,
                    fuel_limit: call.fuel_limit,
                    state: STATE_MAIN,
                    input_start: frames.address(call.input.start),
                    input_end: frames.address(call.input.end),
                };
                write(&interruption.encode());
                exit_code::INTERRUPTION_CALLED
            }
        }
    }

    #[unsafe(no_mangle)]
    extern "C" fn deploy() -> i32 {
        finish(exit_code::OK, &[])
    }

    /// What the return data says of a call.
    fn answer(size: usize) -> Answer {
        let outcome = Outcome::read(size, read_return_data).expect("return data is an outcome");
        let mut payload = [0; 8];
        let length = outcome.output_length.min(payload.len());
        let (filled, _) = payload.split_at_mut(length);
        read_return_data(OUTPUT_OFFSET, filled);
        Answer {
            exit_code: outcome.exit_code,
            payload: i64::from_le_bytes(payload),
        }
    }
}
