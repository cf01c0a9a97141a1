//! A contract whose state is valid if its last byte is the sum of the others. Its parameters choose
//! what it does beside that: `spin` never ends, `hog` takes all the memory there is, `deep` calls itself
//! 60,000 times.

use freenet_stdlib::prelude::*;

struct Contract;

/// The sum of all bytes.
fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// A function that calls itself by a pointer, so that no compiler makes a loop of it.
#[derive(Clone, Copy)]
struct Deep(fn(Deep, u32) -> u32);

fn deep(next: Deep, calls: u32) -> u32 {
    match calls.checked_sub(1) {
        None => 1,
        Some(rest) => (next.0)(next, rest).rotate_left(calls % 7) ^ calls,
    }
}

#[contract]
impl ContractInterface for Contract {
    fn validate_state(
        parameters: Parameters<'static>,
        state: State<'static>,
        _: RelatedContracts<'static>,
    ) -> Result<ValidateResult, ContractError> {
        match parameters.as_ref() {
            b"spin" => loop {
                std::hint::black_box(());
            },
            b"deep" => {
                let next = std::hint::black_box(Deep(deep));
                std::hint::black_box((next.0)(next, 60_000));
            }
            b"hog" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            _ => {}
        }
        Ok(match state.as_ref().split_last() {
            Some((last, others)) if *last != sum(others) => ValidateResult::Invalid,
            _ => ValidateResult::Valid,
        })
    }

    /// Each update replaces the state, or is appended to it.
    fn update_state(
        _: Parameters<'static>,
        state: State<'static>,
        updates: Vec<UpdateData<'static>>,
    ) -> Result<UpdateModification<'static>, ContractError> {
        let mut next = state.into_bytes();
        for update in updates {
            match update {
                UpdateData::State(state) => next = state.into_bytes(),
                UpdateData::Delta(delta) => next.extend_from_slice(delta.as_ref()),
                _ => return Err(ContractError::InvalidUpdate),
            }
        }
        Ok(UpdateModification::valid(State::from(next)))
    }

    /// The sum and the length.
    fn summarize_state(
        _: Parameters<'static>,
        state: State<'static>,
    ) -> Result<StateSummary<'static>, ContractError> {
        let length =
            u32::try_from(state.as_ref().len()).map_err(|_| ContractError::InvalidState)?;
        let mut summary = vec![sum(state.as_ref())];
        summary.extend_from_slice(&length.to_le_bytes());
        Ok(StateSummary::from(summary))
    }

    /// What is behind the length in the summary.
    fn get_state_delta(
        _: Parameters<'static>,
        state: State<'static>,
        summary: StateSummary<'static>,
    ) -> Result<StateDelta<'static>, ContractError> {
        let length = summary
            .as_ref()
            .get(1..5)
            .and_then(|length| length.try_into().ok());
        let length = length
            .map(u32::from_le_bytes)
            .ok_or(ContractError::InvalidState)?;
        let rest = usize::try_from(length)
            .ok()
            .and_then(|from| state.as_ref().get(from..));
        Ok(StateDelta::from(rest.unwrap_or_default().to_vec()))
    }
}
