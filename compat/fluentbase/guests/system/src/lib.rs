//! A system program by Fluent's SDK, which does what the first byte of its input says.
#![cfg_attr(target_arch = "wasm32", no_std, no_main)]

extern crate alloc;
extern crate fluentbase_sdk;

use alloc::{borrow::Cow, vec::Vec};
use fluentbase_sdk::{system_entrypoint, ExitCode, SystemAPI, B256, U256};

pub fn main_entry(sdk: &mut impl SystemAPI) -> Result<(), ExitCode> {
    // An answer: the frame goes on behind its interruption.
    if let Some(outcome) = sdk.take_interruption_outcome() {
        sdk.write(&outcome.exit_code.into_i32().to_le_bytes());
        sdk.write(&outcome.output);
        return Ok(());
    }
    let input = sdk.bytes_input();
    let Some((operation, rest)) = input.split_first() else {
        return Err(ExitCode::MalformedBuiltinParams);
    };
    match operation {
        b'e' => {
            let reversed: Vec<u8> = rest.iter().rev().copied().collect();
            sdk.write(&reversed);
            Ok(())
        }
        // Adds one to a slot, and tells its value before.
        b's' => {
            let slot = U256::from(rest.first().copied().unwrap_or(0));
            let before = sdk.storage(&slot);
            if before.status != ExitCode::Ok {
                return Err(before.status);
            }
            sdk.write_storage(slot, before.data + U256::from(1));
            sdk.emit_log(&[B256::repeat_byte(7)], b"counted");
            sdk.write(&before.data.to_le_bytes::<32>());
            Ok(())
        }
        b'i' => {
            sdk.insert_interruption_income(
                B256::repeat_byte(9),
                Cow::Owned(rest.to_vec()),
                Some(1_234),
                0,
            );
            Err(ExitCode::InterruptionCalled)
        }
        b'p' => panic!("as asked: {}", rest.len()),
        b'l' => loop {
            sdk.write(b"");
        },
        _ => Err(ExitCode::NotSupportedBytecode),
    }
}

pub fn deploy_entry(sdk: &mut impl SystemAPI) -> Result<(), ExitCode> {
    sdk.write(b"deployed");
    Ok(())
}

system_entrypoint!(main_entry, deploy_entry);
