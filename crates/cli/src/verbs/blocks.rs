//! `blocks` and `block`: what the chain has committed.

use fusee::ledger::{
    CallResult, Operation, Phase, TransactionBody, TransactionId, TransactionResult,
};
use fusee::rpc::types::{BlockSummary, Misbehaviour};
use serde::Serialize;

use crate::{
    args::{BlockArgs, BlocksArgs},
    chain::{Chain, Included},
    failure::{Exit, Failure},
    names,
    numbers::grouped,
    output::Output,
    receipt::{self, ReceiptJson, line},
    table::table,
};

/// Digits of a hash in a list.
const SHORT: usize = 16;

#[derive(Serialize)]
struct BlocksJson {
    blocks: Vec<BlockSummary>,
}

#[derive(Serialize)]
struct BlockJson {
    #[serde(flatten)]
    header: BlockSummary,
    /// What the consensus engine reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    misbehaviour: Vec<Misbehaviour>,
    transactions: Vec<TransactionJson>,
    calls: Vec<CallJson>,
}

#[derive(Serialize)]
pub(super) struct TransactionJson {
    /// Absent if the bytes are no transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fee_payer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas_price: Option<String>,
    operations: Vec<String>,
    /// 0, or the number of the reason why it is invalid.
    code: u32,
    gas_used: u64,
    gas_limit: u64,
    fee: String,
    receipts: Vec<ReceiptJson>,
    #[serde(skip)]
    status: String,
}

#[derive(Serialize)]
struct CallJson {
    index: u32,
    phase: &'static str,
    receipt: ReceiptJson,
    #[serde(skip)]
    status: String,
}

pub(crate) fn list(args: &BlocksArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chain = Chain::existing(&args.chain)?;
    let blocks = chain.headers(args.last)?;
    let answer = BlocksJson { blocks };
    output.answer(&answer, || answer.text())?;
    Ok(Exit::Success)
}

pub(crate) fn show(args: &BlockArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chain = Chain::existing(&args.chain)?;
    let block = chain.block(args.height)?;
    let answer = BlockJson {
        header: block.header,
        misbehaviour: block.misbehaviour,
        transactions: block.transactions.iter().map(TransactionJson::of).collect(),
        calls: block.calls.iter().map(CallJson::of).collect(),
    };
    output.answer(&answer, || answer.text())?;
    Ok(Exit::Success)
}

impl TransactionJson {
    fn of(included: &Included) -> Self {
        let Included { id, body, result } = included;
        Self::new(id.as_ref(), body.as_ref(), Some(result))
    }

    /// A transaction with its result, if it has one yet.
    pub(super) fn new(
        id: Option<&TransactionId>,
        body: Option<&TransactionBody>,
        result: Option<&TransactionResult>,
    ) -> Self {
        let operations = body.map(|it| it.operations.as_slice());
        let operations = operations.unwrap_or_default().iter().map(shown);
        let status = match result.map(|it| (it.code, it.receipts.last())) {
            Some((0, Some(last))) => receipt::status_of(last.status, &last.output),
            Some((0, None)) => "no operation began".to_owned(),
            Some((code, _)) => receipt::invalid(code),
            None => "waits for a block".to_owned(),
        };
        let nothing = TransactionResult::invalid(0);
        let result = result.unwrap_or(&nothing);
        Self {
            id: id.map(ToString::to_string),
            sender: body.map(|it| it.sender.to_string()),
            nonce: body.map(|it| it.nonce),
            fee_payer: body.and_then(|it| Some(it.fee_payer?.to_string())),
            gas_price: body.map(|it| it.gas_price.to_string()),
            operations: operations.collect(),
            code: result.code,
            gas_used: result.gas_used.units(),
            gas_limit: result.gas_limit.units(),
            fee: result.fee.to_string(),
            receipts: result.receipts.iter().map(ReceiptJson::new).collect(),
            status,
        }
    }

    pub(super) fn text(&self) -> String {
        let id = self.id.as_deref().unwrap_or("undecodable bytes");
        let mut text = format!("transaction {id}\n");
        let sender = self.sender.as_deref().and_then(|it| it.parse().ok());
        let mut lines = vec![line(
            "  sender",
            sender.map(names::short).unwrap_or_default(),
        )];
        let operations = self.operations.iter();
        lines.extend(operations.map(|operation| line("  operation", operation)));
        lines.push(line("  status", &self.status));
        lines.push(line("  gas used", grouped(self.gas_used)));
        let price = self.gas_price.as_deref().unwrap_or("0");
        let fee = format!("{}, {} a unit", grouped(&self.fee), grouped(price));
        lines.push(line("  fee", fee));
        text.push_str(&table(0, &lines));
        text
    }
}

impl CallJson {
    fn of(result: &CallResult) -> Self {
        Self {
            index: result.index,
            phase: match result.phase {
                Phase::Begin => "begin",
                Phase::End => "end",
                Phase::Misbehaviour => "misbehaviour",
            },
            receipt: ReceiptJson::new(&result.receipt),
            status: receipt::status_of(result.receipt.status, &result.receipt.output),
        }
    }
}

impl BlocksJson {
    fn text(&self) -> String {
        if self.blocks.is_empty() {
            return "no blocks here: `fusee deploy FILE` makes one\n".to_owned();
        }
        let head = ["height", "time", "transactions", "gas used", "fees", "hash"];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.blocks.iter().map(|block| {
            [
                grouped(block.height),
                grouped(block.time),
                grouped(block.transaction_count),
                grouped(block.gas_used),
                grouped(block.fees),
                block.hash.to_string().chars().take(SHORT).collect(),
            ]
        }));
        table(0, &rows)
    }
}

impl BlockJson {
    fn text(&self) -> String {
        let header = &self.header;
        let gas = format!(
            "{} of {} declared",
            grouped(header.gas_used),
            grouped(header.gas_declared)
        );
        let lines = [
            line("height", grouped(header.height)),
            line("time", grouped(header.time)),
            line("hash", header.hash.to_string()),
            line("parent", header.parent.to_string()),
            line("proposer", header.proposer.to_string()),
            line("state root", header.state_root.to_string()),
            line("transactions root", header.transactions_root.to_string()),
            line("misbehaviour root", header.misbehaviour_root.to_string()),
            line("receipts root", header.receipts_root.to_string()),
            line("ledger rules", header.ledger_rules.to_string()),
            line("contract rules", header.contract_rules.to_string()),
            line("gas used", gas),
            line("fees", grouped(header.fees)),
        ];
        let mut text = table(0, &lines);
        for report in &self.misbehaviour {
            let (kind, address) = (&report.kind, &report.address);
            text.push_str(&format!("\nmisbehaviour {kind} of {address}\n"));
            let lines = [
                line("  height", grouped(report.height)),
                line("  account", report.account.to_string()),
            ];
            text.push_str(&table(0, &lines));
        }
        for transaction in &self.transactions {
            text.push('\n');
            text.push_str(&transaction.text());
        }
        for call in &self.calls {
            text.push_str(&format!(
                "\nscheduled call {}, at the {}\n",
                call.index, call.phase
            ));
            text.push_str(&table(0, &[line("  status", &call.status)]));
        }
        text
    }
}

/// What an operation does, for people.
fn shown(operation: &Operation) -> String {
    let text = match operation {
        Operation::Transfer { to, .. } => format!("transfer to {}", names::short(*to)),
        Operation::Call { to, method, .. } => format!("call {}.{method}", names::short(*to)),
        Operation::Upload { code } => format!("upload {} bytes of code", grouped(code.len())),
        Operation::Deploy { code, .. } => format!("deploy {} bytes of code", grouped(code.len())),
        Operation::Create { code, .. } => format!("create of code {}", hex::encode(code)),
        Operation::Upgrade { contract, code, .. } => format!(
            "upgrade {} to code {}",
            names::short(*contract),
            hex::encode(code)
        ),
        Operation::SetAdmin { contract, admin } => format!(
            "hand {} over to {}",
            names::short(*contract),
            admin.map_or_else(|| "nobody".to_owned(), names::short)
        ),
        Operation::RemoveCode { code } => format!("remove code {}", hex::encode(code)),
        _ => "another operation".to_owned(),
    };
    match operation.value() {
        0 => text,
        value => format!("{text}, value {}", grouped(value)),
    }
}
