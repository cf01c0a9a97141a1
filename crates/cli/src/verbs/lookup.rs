//! `transaction`: what became of a transaction.

use serde::Serialize;

use super::blocks::TransactionJson;
use crate::{
    args::TransactionIdArgs,
    chain::Chain,
    failure::{Exit, Failure},
    numbers::grouped,
    output::Output,
};

#[derive(Serialize)]
struct LookupJson {
    state: &'static str,
    /// The height of the block.
    height: Option<u64>,
    /// The index in the block.
    index: Option<u32>,
    #[serde(flatten)]
    transaction: TransactionJson,
}

pub(crate) fn run(args: &TransactionIdArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chain = Chain::existing(&args.chain)?;
    let Some(found) = chain.transaction(args.id)? else {
        let error = anyhow::anyhow!("no block that is kept has transaction {}", args.id);
        return Err(Failure::new(Exit::Unsuccessful, error)
            .next("check the id; if it was sent and is not here, send it again"));
    };
    let place = found.included.as_ref();
    let result = place.map(|(.., result)| result);
    let answer = LookupJson {
        state: place.map_or("waiting", |_| "included"),
        height: place.map(|(height, ..)| *height),
        index: place.map(|(_, index, _)| *index),
        transaction: TransactionJson::new(Some(&found.id), Some(&found.body), result),
    };
    output.answer(&answer, || {
        let mut text = answer.transaction.text();
        if let (Some(height), Some(index)) = (answer.height, answer.index) {
            let height = grouped(height);
            text.push_str(&format!("  block      {height}, at index {index}\n"));
        }
        text
    })?;
    Ok(Exit::Success)
}
