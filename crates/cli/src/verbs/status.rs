//! `status`: what a chain is, where it is, and how the node is that serves it.

use fusee::ledger::{Parameters, Payment};
use fusee::rpc::types::HealthStatus;
use serde::Serialize;

use crate::{
    args::StatusArgs,
    chain::{Chain, NodeChain, is_development, ledger_rules, next_contract_rules},
    failure::{Exit, Failure},
    numbers::grouped,
    output::Output,
    receipt::line,
    table::table,
};

#[derive(Serialize)]
struct StatusJson {
    chain_id: String,
    /// The identity of genesis, which is the parent of the first block.
    genesis: String,
    initial_height: u64,
    /// The first height whose block is kept.
    first_height: u64,
    /// The height of the last block.
    height: u64,
    state_root: String,
    /// The rules of transactions in the next block, by name.
    ledger_rules: String,
    /// The rules of contracts in the next block, by name.
    contract_rules: String,
    is_development: bool,
    /// Absent on chains with quotas. As text, because JSON readers round large numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_price: Option<String>,
    /// The gas limit of a block.
    block_gas: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<NodeJson>,
}

#[derive(Serialize)]
struct NodeJson {
    url: String,
    status: HealthStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    version: String,
    engine: String,
    production: String,
    /// The time of the last block in milliseconds since the Unix epoch.
    time: Option<u64>,
    /// The number of transactions that wait.
    mempool: u64,
    catching_up: bool,
}

pub(crate) fn run(args: &StatusArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chain = Chain::existing(&args.chain)?;
    let answer = StatusJson::of(&chain)?;
    output.answer(&answer, || answer.text())?;
    Ok(match answer.node.as_ref().map(|node| node.status) {
        Some(HealthStatus::Failed) => Exit::Host,
        _ => Exit::Success,
    })
}

impl StatusJson {
    fn of(chain: &Chain) -> Result<Self, Failure> {
        let state = chain.state()?;
        let parameters = Parameters::read(&state)?;
        let next = state.height().saturating_add(1);
        Ok(Self {
            genesis: hex::encode(chain.genesis()),
            initial_height: chain.initial_height(),
            first_height: chain.first_height(),
            height: state.height(),
            state_root: hex::encode(state.root()),
            ledger_rules: ledger_rules(&parameters, next)?.name.to_string(),
            contract_rules: next_contract_rules(&state)?.name.to_string(),
            is_development: is_development(&state),
            minimum_price: match &parameters.payment {
                Payment::Fees { .. } => Some(parameters.minimum_price().to_string()),
                Payment::Quotas { .. } => None,
            },
            block_gas: parameters.limits.gas.units(),
            chain_id: parameters.chain_id,
            node: match chain {
                Chain::Folder(_) => None,
                Chain::Node(node) => Some(NodeJson::of(node)?),
            },
        })
    }

    fn text(&self) -> String {
        let mut lines = vec![
            line("chain", &self.chain_id),
            line("genesis", &self.genesis),
            line("height", grouped(self.height)),
            line("state root", &self.state_root),
            line("first block", grouped(self.first_height)),
            line(
                "rules",
                format!("{}, {}", self.ledger_rules, self.contract_rules),
            ),
            line("block gas", grouped(self.block_gas)),
        ];
        let price = self.minimum_price.iter();
        lines.extend(price.map(|price| line("least price", grouped(price))));
        if self.is_development {
            lines.push(line("development", "everybody can sign for its accounts"));
        }
        lines.extend(self.node.iter().flat_map(NodeJson::lines));
        table(0, &lines)
    }
}

impl NodeJson {
    fn of(node: &NodeChain) -> Result<Self, Failure> {
        let (facts, health) = (node.facts(), node.health()?);
        Ok(Self {
            url: node.url().to_owned(),
            status: health.status,
            reason: health.reason,
            version: facts.version.clone(),
            engine: facts.engine.clone(),
            production: facts.production.clone(),
            time: health.time,
            mempool: health.mempool,
            catching_up: health.catching_up,
        })
    }

    fn lines(&self) -> Vec<[String; 2]> {
        let status = match (self.status, &self.reason) {
            (HealthStatus::Ok, _) => "ok".to_owned(),
            (HealthStatus::NoBlock, _) => "no block yet".to_owned(),
            (HealthStatus::Failed, reason) => {
                format!("failed: {}", reason.as_deref().unwrap_or("no reason given"))
            }
        };
        vec![
            line("node", &self.url),
            line("status", status),
            line("version", &self.version),
            line("engine", &self.engine),
            line("production", &self.production),
            line("waiting", format!("{} transactions", grouped(self.mempool))),
        ]
    }
}
