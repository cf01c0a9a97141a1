//! Simulations and queries.

use std::sync::Arc;

use fusee_contract as contract;
use fusee_engine::{Gas, Interrupt};
use fusee_ledger::PublicKey;
use fusee_node::{Simulated, Tracing};
use fusee_state::StateReader;

use super::{
    context::Context,
    convert,
    failures::invalid_params,
    storage::{self, Room, named_key},
    traces,
};
use crate::{
    error::RpcError,
    methods::{Key, Query, SimulateTransaction},
    types::{Change, QueryAnswer, Simulation},
};

pub(super) async fn simulate(
    context: Arc<Context>,
    params: SimulateTransaction,
) -> Result<Simulation, RpcError> {
    let simulated = match (params.transaction, params.body) {
        (Some(transaction), None) => Simulated::Encoded(transaction.0),
        (None, Some(body)) => Simulated::Body {
            body: Box::new(convert::body_from(body)?),
            sender: params.keys.sender.map(public_key).transpose()?,
            fee_payer: params.keys.fee_payer.map(public_key).transpose()?,
        },
        _ => return Err(invalid_params("give a transaction, or else a body")),
    };
    let (height, is_traced) = (params.height, params.trace);
    let work = move |context: &Context, interrupt: &Interrupt| {
        context.simulate(simulated, height, is_traced, interrupt)
    };
    context.execute(work).await
}

pub(super) async fn query(context: Arc<Context>, params: Query) -> Result<QueryAnswer, RpcError> {
    let work = move |context: &Context, interrupt: &Interrupt| {
        let query = contract::Query {
            from: params.caller.into(),
            to: params.address.into(),
            method: params.method,
            input: params.input.0,
            gas: params.gas.map_or(context.node.query_gas(), Gas::new),
        };
        // The last block may be another one by then, so the height is fixed first.
        let state = context.node.version(params.height)?;
        let position = context.position(&state)?;
        let height = Some(state.height());
        let (receipt, reads) = context.node.query_with_reads(height, query, interrupt)?;
        let proofs = match params.proof {
            true => {
                let keys: Vec<_> = reads.iter().map(<[u8]>::to_vec).collect();
                storage::check_proofs(keys.len())?;
                let room = &mut Room::new(context);
                Some(storage::proofs(&state, &keys, (room, interrupt))?)
            }
            false => None,
        };
        Ok(QueryAnswer {
            position,
            receipt: convert::receipt(&receipt),
            proofs,
        })
    };
    context.execute(work).await
}

impl Context {
    fn simulate(
        &self,
        simulated: Simulated,
        height: Option<u64>,
        is_traced: bool,
        interrupt: &Interrupt,
    ) -> Result<Simulation, RpcError> {
        let state = self.node.version(height)?;
        let tracing = match is_traced {
            true => Tracing::Calls(self.options.limits.trace_bytes),
            false => Tracing::Off,
        };
        let height = Some(state.height());
        let simulation = self
            .node
            .simulate(simulated, height, tracing, interrupt)??;
        let mut room = Room::new(self);
        let mut change = |(key, after): (&[u8], Option<&[u8]>)| {
            let before = state.read(key)?;
            room.take(before.as_deref().map_or(0, <[u8]>::len))?;
            room.take(after.map_or(0, <[u8]>::len))?;
            Ok(Change {
                name: named_key(key),
                key: convert::bytes(key),
                before: before.map(|value| convert::bytes(&value)),
                after: after.map(convert::bytes),
            })
        };
        let changes = simulation.changes.iter().map(&mut change);
        let outcome = &simulation.outcome;
        Ok(Simulation {
            height: simulation.height,
            invalid: outcome.invalid.as_ref().map(convert::invalid),
            result: convert::transaction_result(&outcome.result),
            refusal: outcome.refusal.as_ref().map(ToString::to_string),
            changes: changes.collect::<Result<_, RpcError>>()?,
            trace: simulation.trace.as_ref().map(traces::convert),
        })
    }
}

fn public_key(key: Key) -> Result<PublicKey, RpcError> {
    let Key { scheme, key } = key;
    let bytes = key.0;
    let length = bytes.len();
    let public = match scheme.as_str() {
        "development" => String::from_utf8(bytes).ok().map(PublicKey::Development),
        "ed25519" => bytes.try_into().ok().map(PublicKey::Ed25519),
        "secp256k1" => bytes.try_into().ok().map(PublicKey::Secp256k1),
        "webauthn" => bytes.try_into().ok().map(PublicKey::WebAuthn),
        _ => {
            return Err(invalid_params(format!(
                "there is no scheme `{scheme}`: there are ed25519, secp256k1, webauthn and \
                 development"
            )));
        }
    };
    public.ok_or_else(|| invalid_params(format!("no key of {scheme} has these {length} bytes")))
}
