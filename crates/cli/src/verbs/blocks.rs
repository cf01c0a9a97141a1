//! `blocks` and `block`: what the chain has committed.

use fusee::chain::StoredBlock;
use fusee::ledger::{
    CallResult, Header, Misbehaviour, Operation, Phase, SignedTransaction, TransactionResult,
};
use serde::Serialize;

use crate::{
    args::{BlockArgs, BlocksArgs},
    chain::{Chain, ledger_rules},
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
    blocks: Vec<HeaderJson>,
}

#[derive(Serialize)]
struct BlockJson {
    #[serde(flatten)]
    header: HeaderJson,
    /// What the consensus engine reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    misbehaviour: Vec<MisbehaviourJson>,
    transactions: Vec<TransactionJson>,
    calls: Vec<CallJson>,
}

#[derive(Serialize)]
struct HeaderJson {
    height: u64,
    /// In milliseconds since the Unix epoch.
    time: u64,
    hash: String,
    parent: String,
    proposer: String,
    state_root: String,
    transactions_root: String,
    misbehaviour_root: String,
    receipts_root: String,
    ledger_rules: String,
    contract_rules: String,
    transaction_count: usize,
    gas_declared: u64,
    gas_used: u64,
    /// As text, because JSON readers round large numbers.
    fees: String,
}

#[derive(Serialize)]
struct TransactionJson {
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
struct MisbehaviourJson {
    kind: &'static str,
    /// In the engine.
    address: String,
    account: String,
    power: u64,
    height: u64,
    /// In milliseconds since the Unix epoch.
    time: u64,
    total_power: u64,
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
    let Chain::Folder(chain) = Chain::existing(&args.chain)?;
    let last = chain.state()?.height();
    let first = chain.chain().store().first_height();
    let first = first.max(chain.chain().initial_height());
    let first = first.max(last.saturating_add(1).saturating_sub(args.last));
    let blocks = (first..=last).map(|height| {
        let block = chain.chain().block(height)?;
        Ok(HeaderJson::of(&block))
    });
    let blocks = blocks.collect::<Result<Vec<_>, Failure>>()?;
    let answer = BlocksJson { blocks };
    output.answer(&answer, || answer.text())?;
    Ok(Exit::Success)
}

pub(crate) fn show(args: &BlockArgs, output: &mut Output) -> Result<Exit, Failure> {
    let Chain::Folder(chain) = Chain::existing(&args.chain)?;
    let block = chain.chain().block(args.height)?;
    let parameters = fusee::ledger::Parameters::read(&chain.state()?)?;
    let rules = ledger_rules(&parameters, args.height)?;
    let decode = |bytes: &Vec<u8>| SignedTransaction::decode(bytes, &rules).ok();
    let (of_transactions, of_calls) = block
        .results
        .split_at_checked(block.transactions.len())
        .unwrap_or_default();
    let transactions = block.transactions.iter().zip(of_transactions);
    let transactions =
        transactions.map(|(bytes, result)| TransactionJson::of(decode(bytes).as_ref(), result));
    let answer = BlockJson {
        header: HeaderJson::of(&block),
        misbehaviour: block
            .misbehaviour
            .iter()
            .map(MisbehaviourJson::of)
            .collect(),
        transactions: transactions.collect::<Result<_, _>>()?,
        calls: of_calls
            .iter()
            .map(|result| CallJson::of(result))
            .collect::<Result<_, _>>()?,
    };
    output.answer(&answer, || answer.text())?;
    Ok(Exit::Success)
}

impl HeaderJson {
    fn of(block: &StoredBlock) -> Self {
        let header: &Header = &block.header;
        Self {
            height: header.height,
            time: header.time,
            hash: header.hash().to_string(),
            parent: header.parent.to_string(),
            proposer: header.proposer.to_string(),
            state_root: hex::encode(header.state_root),
            transactions_root: hex::encode(header.transactions_root),
            misbehaviour_root: hex::encode(header.misbehaviour_root),
            receipts_root: hex::encode(header.receipts_root),
            ledger_rules: header.ledger_rules.to_string(),
            contract_rules: header.contract_rules.to_string(),
            transaction_count: block.transactions.len(),
            gas_declared: header.gas_declared.units(),
            gas_used: header.gas_used.units(),
            fees: header.fees.to_string(),
        }
    }
}

impl TransactionJson {
    fn of(transaction: Option<&SignedTransaction>, result: &[u8]) -> Result<Self, Failure> {
        let result = TransactionResult::decode(result);
        let result = result.map_err(|error| Failure::new(Exit::Host, error))?;
        let operations = transaction.map(|it| it.body().operations.as_slice());
        let operations = operations.unwrap_or_default().iter().map(shown);
        let status = match (result.code, result.receipts.last()) {
            (0, Some(last)) => receipt::status_of(last.status, &last.output),
            (0, None) => "no operation began".to_owned(),
            (code, _) => receipt::invalid(code),
        };
        Ok(Self {
            id: transaction.map(|it| it.id().to_string()),
            sender: transaction.map(|it| it.body().sender.to_string()),
            nonce: transaction.map(|it| it.body().nonce),
            fee_payer: transaction.and_then(|it| Some(it.body().fee_payer?.to_string())),
            gas_price: transaction.map(|it| it.body().gas_price.to_string()),
            operations: operations.collect(),
            code: result.code,
            gas_used: result.gas_used.units(),
            gas_limit: result.gas_limit.units(),
            fee: result.fee.to_string(),
            receipts: result.receipts.iter().map(ReceiptJson::new).collect(),
            status,
        })
    }
}

impl MisbehaviourJson {
    fn of(report: &Misbehaviour) -> Self {
        Self {
            kind: report.kind.name(),
            address: hex::encode(report.address),
            account: report.account.to_string(),
            power: report.power,
            height: report.height,
            time: report.time,
            total_power: report.total_power,
        }
    }
}

impl CallJson {
    fn of(result: &[u8]) -> Result<Self, Failure> {
        let result = CallResult::decode(result);
        let result = result.map_err(|error| Failure::new(Exit::Host, error))?;
        Ok(Self {
            index: result.index,
            phase: match result.phase {
                Phase::Begin => "begin",
                Phase::End => "end",
                Phase::Misbehaviour => "misbehaviour",
            },
            receipt: ReceiptJson::new(&result.receipt),
            status: receipt::status_of(result.receipt.status, &result.receipt.output),
        })
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
                grouped(&block.fees),
                block.hash.chars().take(SHORT).collect(),
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
            line("hash", &header.hash),
            line("parent", &header.parent),
            line("proposer", &header.proposer),
            line("state root", &header.state_root),
            line("transactions root", &header.transactions_root),
            line("misbehaviour root", &header.misbehaviour_root),
            line("receipts root", &header.receipts_root),
            line("ledger rules", &header.ledger_rules),
            line("contract rules", &header.contract_rules),
            line("gas used", gas),
            line("fees", grouped(&header.fees)),
        ];
        let mut text = table(0, &lines);
        for report in &self.misbehaviour {
            let kind = report.kind;
            text.push_str(&format!("\nmisbehaviour {kind} of {}\n", report.address));
            let lines = [
                line("  height", grouped(report.height)),
                line("  account", &report.account),
            ];
            text.push_str(&table(0, &lines));
        }
        for transaction in &self.transactions {
            let id = transaction.id.as_deref().unwrap_or("undecodable bytes");
            text.push_str(&format!("\ntransaction {id}\n"));
            let sender = transaction.sender.as_deref().and_then(|it| it.parse().ok());
            let mut lines = vec![line(
                "  sender",
                sender.map(names::short).unwrap_or_default(),
            )];
            let operations = transaction.operations.iter();
            lines.extend(operations.map(|operation| line("  operation", operation)));
            lines.push(line("  status", &transaction.status));
            lines.push(line("  gas used", grouped(transaction.gas_used)));
            let price = transaction.gas_price.as_deref().unwrap_or("0");
            let fee = format!("{}, {} a unit", grouped(&transaction.fee), grouped(price));
            lines.push(line("  fee", fee));
            text.push_str(&table(0, &lines));
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
