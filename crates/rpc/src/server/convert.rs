//! Values of the ledger as the types of answers, and back.

use fusee_chain::StoredBlock;
use fusee_contract::{self as contract, Address, Status};
use fusee_engine::{CodeHash, Gas};
use fusee_ledger::{self as ledger, Phase, SignedTransaction};
use fusee_node as node;

use super::failures::invalid_params;
use crate::error::RpcError;
use crate::types::{
    Amount, BlockSummary, BlockTransaction, Body, Bytes, CallResult, Event, EventEntry, EventPlace,
    Hex32, Invalid, Misbehaviour, Operation, Receipt, TransactionResult,
};

impl From<Address> for Hex32 {
    fn from(address: Address) -> Self {
        Self(*address.as_bytes())
    }
}

impl From<Hex32> for Address {
    fn from(hex: Hex32) -> Self {
        Address::new(hex.0)
    }
}

impl From<CodeHash> for Hex32 {
    fn from(hash: CodeHash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl From<ledger::HeaderHash> for Hex32 {
    fn from(hash: ledger::HeaderHash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl From<ledger::TransactionId> for Hex32 {
    fn from(id: ledger::TransactionId) -> Self {
        Self(*id.as_bytes())
    }
}

impl From<ledger::LedgerRulesId> for Hex32 {
    fn from(id: ledger::LedgerRulesId) -> Self {
        Self(*id.as_bytes())
    }
}

impl From<contract::ContractRulesId> for Hex32 {
    fn from(id: contract::ContractRulesId) -> Self {
        Self(*id.as_bytes())
    }
}

impl From<node::EventPlace> for EventPlace {
    fn from(place: node::EventPlace) -> Self {
        let node::EventPlace {
            height,
            result,
            event,
        } = place;
        Self {
            height,
            result,
            event,
        }
    }
}

impl From<EventPlace> for node::EventPlace {
    fn from(place: EventPlace) -> Self {
        let EventPlace {
            height,
            result,
            event,
        } = place;
        Self {
            height,
            result,
            event,
        }
    }
}

/// A length as JSON has it.
pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

pub(super) fn bytes(bytes: &[u8]) -> Bytes {
    Bytes(bytes.to_vec())
}

/// The bytes as text, if they are UTF-8 without control characters.
pub(super) fn printable(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

/// The bytes as text, or as digits.
pub(super) fn text_or_hex(bytes: &[u8]) -> String {
    printable(bytes).map_or_else(|| Bytes(bytes.to_vec()).to_string(), str::to_owned)
}

pub(super) fn receipt(receipt: &contract::Receipt) -> Receipt {
    let reverted = receipt.status == Status::Reverted;
    Receipt {
        status: receipt.status.name().to_owned(),
        gas_used: receipt.gas_used.units(),
        gas_limit: receipt.gas_limit.units(),
        output: bytes(&receipt.output),
        events: receipt.events.iter().map(event).collect(),
        revert: reverted.then(|| text_or_hex(&receipt.output)),
        trap: match receipt.status {
            Status::Trapped(trap) => Some(trap.name().to_owned()),
            _ => None,
        },
        rejection: match receipt.status {
            Status::Rejected(rejection) => Some(rejection.name().to_owned()),
            _ => None,
        },
        deployed: receipt.deployed.map(Hex32::from),
    }
}

pub(super) fn event(event: &contract::Event) -> Event {
    let name = event.topics.first().map(Vec::as_slice).unwrap_or_default();
    let topics = event.topics.iter().map(|topic| bytes(topic));
    Event {
        address: event.address.into(),
        topic: bytes(name),
        topic_text: printable(name).map(str::to_owned),
        topics: (event.topics.len() != 1).then(|| topics.collect()),
        data: bytes(&event.data),
    }
}

pub(super) fn event_entry(entry: &node::EventEntry) -> EventEntry {
    EventEntry {
        place: entry.place.into(),
        transaction: entry.transaction.map(Hex32::from),
        event: event(&entry.event),
    }
}

pub(super) fn invalid(invalid: &ledger::Invalid) -> Invalid {
    Invalid {
        code: invalid.code(),
        name: invalid.name().to_owned(),
        message: invalid.to_string(),
    }
}

impl From<&StoredBlock> for BlockSummary {
    fn from(block: &StoredBlock) -> Self {
        let header = &block.header;
        Self {
            height: header.height,
            time: header.time,
            hash: header.hash().into(),
            parent: header.parent.into(),
            proposer: header.proposer.into(),
            state_root: Hex32(header.state_root),
            transactions_root: Hex32(header.transactions_root),
            misbehaviour_root: Hex32(header.misbehaviour_root),
            receipts_root: Hex32(header.receipts_root),
            ledger_rules: header.ledger_rules.into(),
            contract_rules: header.contract_rules.into(),
            transaction_count: count(block.transactions.len()),
            gas_declared: header.gas_declared.units(),
            gas_used: header.gas_used.units(),
            fees: Amount(header.fees),
        }
    }
}

impl From<&ledger::Misbehaviour> for Misbehaviour {
    fn from(report: &ledger::Misbehaviour) -> Self {
        Self {
            kind: report.kind.name().to_owned(),
            address: Bytes(report.address.to_vec()),
            account: report.account.into(),
            power: report.power,
            height: report.height,
            time: report.time,
            total_power: report.total_power,
        }
    }
}

pub(super) fn block_transaction(
    transaction: Option<&SignedTransaction>,
    result: &ledger::TransactionResult,
) -> BlockTransaction {
    BlockTransaction {
        id: transaction.map(|it| it.id().into()),
        body: transaction.map(|it| body(it.body())),
        result: transaction_result(result),
    }
}

pub(super) fn transaction_result(result: &ledger::TransactionResult) -> TransactionResult {
    let status = match (result.code, result.status()) {
        (0, status) => status.unwrap_or(Status::Success).name(),
        _ => "invalid",
    };
    TransactionResult {
        code: result.code,
        status: status.to_owned(),
        gas_used: result.gas_used.units(),
        gas_limit: result.gas_limit.units(),
        fee: Amount(result.fee),
        receipts: result.receipts.iter().map(receipt).collect(),
    }
}

pub(super) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Begin => "begin",
        Phase::End => "end",
        Phase::Misbehaviour => "misbehaviour",
    }
}

pub(super) fn call_result(result: &ledger::CallResult) -> CallResult {
    let update = match result.update {
        ledger::ParameterUpdate::None => "none",
        ledger::ParameterUpdate::Applied => "applied",
        ledger::ParameterUpdate::Refused => "refused",
    };
    CallResult {
        index: result.index,
        phase: phase(result.phase).to_owned(),
        parameter_update: update.to_owned(),
        receipt: receipt(&result.receipt),
    }
}

pub(super) fn body(body: &ledger::TransactionBody) -> Body {
    Body {
        chain_id: body.chain_id.clone(),
        sender: body.sender.into(),
        nonce: body.nonce,
        expiry: body.expiry,
        gas_limit: body.gas_limit.units(),
        gas_price: Amount(body.gas_price),
        fee_payer: body.fee_payer.map(Hex32::from),
        operations: body.operations.iter().map(operation).collect(),
    }
}

/// The body of what a client sends.
pub(super) fn body_from(body: Body) -> Result<ledger::TransactionBody, RpcError> {
    let operations = body.operations.into_iter().map(operation_from);
    Ok(ledger::TransactionBody {
        chain_id: body.chain_id,
        sender: body.sender.into(),
        nonce: body.nonce,
        expiry: body.expiry,
        gas_limit: Gas::new(body.gas_limit),
        gas_price: body.gas_price.0,
        fee_payer: body.fee_payer.map(Address::from),
        operations: operations.collect::<Result<_, _>>()?,
    })
}

fn operation(operation: &ledger::Operation) -> Operation {
    use ledger::Operation as It;
    match operation {
        It::Transfer { to, value } => Operation::Transfer {
            to: (*to).into(),
            value: Amount(*value),
        },
        It::Call {
            to,
            method,
            input,
            value,
        } => Operation::Call {
            to: (*to).into(),
            method: method.clone(),
            input: bytes(input),
            value: Amount(*value),
        },
        It::Upload { code } => Operation::Upload { code: bytes(code) },
        It::Deploy { code, input, value } => Operation::Deploy {
            code: bytes(code),
            input: bytes(input),
            value: Amount(*value),
        },
        It::Create {
            code,
            salt,
            admin,
            input,
            value,
        } => Operation::Create {
            code_hash: Hex32(*code),
            salt: salt.map(Hex32),
            admin: admin.map(Hex32::from),
            input: bytes(input),
            value: Amount(*value),
        },
        It::Upgrade {
            contract,
            code,
            input,
            value,
        } => Operation::Upgrade {
            contract: (*contract).into(),
            code_hash: Hex32(*code),
            input: bytes(input),
            value: Amount(*value),
        },
        It::SetAdmin { contract, admin } => Operation::SetAdmin {
            contract: (*contract).into(),
            admin: admin.map(Hex32::from),
        },
        It::RemoveCode { code } => Operation::RemoveCode {
            code_hash: Hex32(*code),
        },
        _ => Operation::Unknown,
    }
}

fn operation_from(operation: Operation) -> Result<ledger::Operation, RpcError> {
    use ledger::Operation as It;
    Ok(match operation {
        Operation::Transfer { to, value } => It::Transfer {
            to: to.into(),
            value: value.0,
        },
        Operation::Call {
            to,
            method,
            input,
            value,
        } => It::Call {
            to: to.into(),
            method,
            input: input.0,
            value: value.0,
        },
        Operation::Upload { code } => It::Upload { code: code.0 },
        Operation::Deploy { code, input, value } => It::Deploy {
            code: code.0,
            input: input.0,
            value: value.0,
        },
        Operation::Create {
            code_hash,
            salt,
            admin,
            input,
            value,
        } => It::Create {
            code: code_hash.0,
            salt: salt.map(|salt| salt.0),
            admin: admin.map(Address::from),
            input: input.0,
            value: value.0,
        },
        Operation::Upgrade {
            contract,
            code_hash,
            input,
            value,
        } => It::Upgrade {
            contract: contract.into(),
            code: code_hash.0,
            input: input.0,
            value: value.0,
        },
        Operation::SetAdmin { contract, admin } => It::SetAdmin {
            contract: contract.into(),
            admin: admin.map(Address::from),
        },
        Operation::RemoveCode { code_hash } => It::RemoveCode { code: code_hash.0 },
        Operation::Unknown => return Err(invalid_params("an operation has no kind")),
    })
}
