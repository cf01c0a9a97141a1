//! A system program of the SDK: its frames, storage, logs, interruptions, panics and gas.

use std::collections::BTreeMap;

use fluentbase_types::{
    B256, Bytes, SyscallInvocationParams, U256,
    system::{RuntimeExecutionOutcomeV1, RuntimeNewFrameInputV1},
};
use fusee::{
    sandbox::Interrupt,
    system::{Answer, Billing, CallResult, ExitCode, Interruption, State, Step, Transaction},
};

use crate::{
    fusee_side::{GAS, call, on_both},
    guests,
};

/// A frame as Fluent's chain enters it.
fn frame(input: &[u8], storage: &[(u8, u64)]) -> Vec<u8> {
    let storage: BTreeMap<U256, U256> = storage
        .iter()
        .map(|(slot, value)| (U256::from(*slot), U256::from(*value)))
        .collect();
    let frame = RuntimeNewFrameInputV1 {
        input: Bytes::copy_from_slice(input),
        context: context(),
        storage: Some(storage),
        ..RuntimeNewFrameInputV1::default()
    };
    bincode::encode_to_vec(&frame, bincode::config::legacy()).expect("it has an encoding")
}

fn context() -> Bytes {
    let context = fluentbase_sdk::SharedContextInputV1::default();
    let context = bincode::encode_to_vec(&context, bincode::config::legacy());
    Bytes::from(context.expect("it has an encoding"))
}

fn outcome(result: &CallResult) -> RuntimeExecutionOutcomeV1 {
    let bytes = Bytes::copy_from_slice(&result.output);
    RuntimeExecutionOutcomeV1::decode(bytes).expect("the output of the SDK")
}

fn ended(step: Step) -> CallResult {
    match step {
        Step::Ended(result) => result,
        Step::Interrupted(waiting) => panic!("it waits: {waiting:?}"),
    }
}

fn waiting(step: Step) -> Interruption {
    match step {
        Step::Interrupted(waiting) => waiting,
        Step::Ended(result) => panic!("it ended: {result:?}"),
    }
}

/// Runs with a transaction of the guest on each engine.
fn run<T: PartialEq + std::fmt::Debug>(
    body: impl Fn(&mut Transaction<'_>, fusee::system::SystemProgram) -> T,
) -> Option<T> {
    let wasm = guests::system()?;
    Some(on_both(|mut programs| {
        let program = programs.register(wasm, Billing::Metered);
        let program = program.unwrap_or_else(|error| panic!("{error}"));
        let mut transaction = programs.transaction(Interrupt::new());
        body(&mut transaction, program)
    }))
}

#[test]
fn a_frame_has_an_output() {
    let Some((main, deployed)) = run(|transaction, program| {
        let main = call(State::Main, frame(b"eabc", &[]), GAS);
        let deploy = call(State::Deploy, frame(b"-", &[]), GAS);
        [main, deploy]
            .map(|call| ended(transaction.call(program, call).unwrap()))
            .into()
    }) else {
        return;
    };
    assert_eq!(main.exit_code, ExitCode::Ok);
    assert_eq!(outcome(&main).output, Bytes::from_static(b"cba"));
    assert_eq!(outcome(&deployed).output, Bytes::from_static(b"deployed"));
}

#[test]
fn storage_and_logs_are_in_the_outcome() {
    let Some(found) = run(|transaction, program| {
        let known = call(State::Main, frame(b"s\x05", &[(5, 41), (6, 1)]), GAS);
        let missing = call(State::Main, frame(b"s\x05", &[(6, 1)]), GAS);
        [known, missing].map(|call| ended(transaction.call(program, call).unwrap()))
    }) else {
        return;
    };
    let [known, missing] = found;
    let outcome = outcome(&known);
    assert_eq!(outcome.output[..8], 41_u64.to_le_bytes());
    let written = BTreeMap::from([(U256::from(5), U256::from(42))]);
    assert_eq!(outcome.storage, Some(written));
    assert_eq!(outcome.logs[0].topics, [B256::repeat_byte(7)]);
    assert_eq!(outcome.logs[0].data, Bytes::from_static(b"counted"));
    assert_eq!(missing.exit_code, ExitCode::MissingStorageSlot);
}

#[test]
fn interruptions_nest_in_one_instance() {
    let Some((first, second)) = run(|transaction, program| {
        let mut frames: Vec<Interruption> = [&b"ione"[..], b"itwo"]
            .into_iter()
            .map(|input| {
                let call = call(State::Main, frame(input, &[]), GAS);
                let mut waits = waiting(transaction.call(program, call).unwrap());
                let params = SyscallInvocationParams::decode(waits.params()).unwrap();
                assert_eq!(params.code_hash, B256::repeat_byte(9));
                assert_eq!((params.fuel_limit, params.state), (1_234, 0));
                let asked = transaction.exec_input(&mut waits).unwrap();
                assert_eq!(asked, &input[1..], "a range of the guest's memory");
                waits
            })
            .collect();
        let mut resume = |output: &[u8]| {
            let answer = Answer {
                halted: true,
                output: output.to_vec(),
                fuel_consumed: 100,
                exit_code: -1015,
                ..Answer::default()
            };
            let frame = frames.pop().unwrap();
            ended(transaction.resume(frame, &answer).unwrap())
        };
        let second = resume(b"second");
        (resume(b"first"), second)
    }) else {
        return;
    };
    for (result, output) in [(&first, &b"first"[..]), (&second, b"second")] {
        let expected = [&(-1015_i32).to_le_bytes()[..], output].concat();
        assert_eq!(outcome(result).output, Bytes::from(expected));
    }
}

#[test]
fn panics_and_the_end_of_fuel_are_exit_codes() {
    let Some(found) = run(|transaction, program| {
        let panics = call(State::Main, frame(b"p", &[]), GAS);
        let panics = ended(transaction.call(program, panics).unwrap());
        let endless = call(State::Main, frame(b"l", &[]), 5_000_000);
        let endless = ended(transaction.call(program, endless).unwrap());
        // The instance was lost, and the next call has another one.
        let after = call(State::Main, frame(b"eok", &[]), GAS);
        let after = ended(transaction.call(program, after).unwrap());
        (panics, endless, after)
    }) else {
        return;
    };
    let (panics, endless, after) = found;
    assert_eq!(panics.exit_code, ExitCode::Panic);
    assert_eq!(endless.exit_code, ExitCode::OutOfFuel);
    assert_eq!(outcome(&after).output, Bytes::from_static(b"ko"));
}
