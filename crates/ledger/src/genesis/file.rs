//! The genesis file, as JSON has it: amounts beyond 2^53 are texts, and bytes are hexadecimal.

use std::{collections::BTreeSet, fs, num::NonZeroU64, path::Path, str::FromStr};

use fusee_contract::{Address, ContractRulesId};
use fusee_engine::Gas;
use serde::Deserialize;
use serde_json::Value;

use super::{Genesis, GenesisAccount, GenesisContract, GenesisError};
use crate::{
    Activation, BlockLimits, FeeDestination, LedgerRulesId, Parameters, Payment, Phase,
    ScheduledCall, Validator,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    chain_id: String,
    initial_height: u64,
    time: u64,
    parameters: FileParameters,
    #[serde(default)]
    accounts: Vec<FileAccount>,
    #[serde(default)]
    development_accounts: Vec<FileDevelopmentAccount>,
    #[serde(default)]
    contracts: Vec<FileContract>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileParameters {
    activations: Vec<FileActivation>,
    limits: FileLimits,
    payment: FilePayment,
    #[serde(default)]
    calls: Vec<FileCall>,
    #[serde(default)]
    validators: Vec<FileValidator>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileValidator {
    key: String,
    power: u64,
    account: FileAddress,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileActivation {
    height: u64,
    ledger_rules: String,
    contract_rules: String,
    #[serde(default)]
    migration: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLimits {
    gas: u64,
    bytes: u64,
    transactions: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum FilePayment {
    Fees(FileFees),
    Quotas(FileQuotas),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileFees {
    minimum_price: String,
    destination: FileDestination,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileQuotas {
    gas: u64,
    window: NonZeroU64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum FileDestination {
    Proposer,
    Treasury(FileAddress),
    Burned,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCall {
    phase: FilePhase,
    every: NonZeroU64,
    to: FileAddress,
    method: String,
    #[serde(default)]
    input: String,
    gas: u64,
    #[serde(default)]
    updates_parameters: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FilePhase {
    Begin,
    End,
    Misbehaviour,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileAccount {
    address: FileAddress,
    balance: String,
    #[serde(default)]
    quota: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDevelopmentAccount {
    name: String,
    balance: String,
    #[serde(default)]
    quota: Option<u64>,
}

/// An address, or that of the contract of a name.
#[derive(Deserialize)]
#[serde(untagged)]
enum FileAddress {
    Digits(String),
    Contract(FileName),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileName {
    contract: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileContract {
    name: String,
    code: FileCode,
    #[serde(default)]
    admin: Option<FileAddress>,
    #[serde(default)]
    input: String,
    /// Whether the encoding of the parameters follows the input.
    #[serde(default)]
    with_parameters: bool,
    gas: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileCode {
    /// Relative to the folder of the genesis file.
    Path(String),
    Hex(String),
}

pub(super) fn read(json: &str, folder: Option<&Path>) -> Result<Genesis, GenesisError> {
    let file: File = serde_json::from_str(json)?;
    check_objects("", &serde_json::from_str(json)?)?;
    let names = Names(file.contracts.iter().map(|it| it.name.clone()).collect());
    let parameters = parameters(file.chain_id, file.parameters, &names)?;
    let contracts = file.contracts.into_iter().enumerate();
    let contracts = contracts.map(|(index, contract)| {
        let with_parameters = contract.with_parameters;
        let mut contract = self::contract((index, contract), folder, &names)?;
        if with_parameters {
            contract.input.extend(parameters.encode());
        }
        Ok(contract)
    });
    let contracts = contracts.collect::<Result<Vec<_>, GenesisError>>()?;
    let has_fees = matches!(parameters.payment, Payment::Fees { .. });
    let mut genesis = Genesis {
        initial_height: file.initial_height,
        time: file.time,
        parameters,
        accounts: std::collections::BTreeMap::new(),
        contracts,
    };
    let mut sum = 0_u128;
    let mut insert = |field: String, address, balance: &str, quota| {
        let of_balance = format!("{field}.balance");
        let balance = amount(&of_balance, balance)?;
        let total = sum.checked_add(balance);
        sum = total.ok_or(GenesisError::Sum { field: of_balance })?;
        let quota = match quota {
            Some(_) if has_fees => {
                let reason = "it has to be left out, since the chain has fees in place of quotas";
                return Err(invalid(&format!("{field}.quota"), reason));
            }
            Some(units) => Some(gas(&format!("{field}.quota"), units)?),
            None => None,
        };
        let account = GenesisAccount { balance, quota };
        match genesis.accounts.insert(address, account) {
            Some(_) => Err(GenesisError::Duplicate { field, address }),
            None => Ok(()),
        }
    };
    for (index, account) in file.accounts.iter().enumerate() {
        let field = format!("accounts[{index}]");
        let address = names.address(&format!("{field}.address"), &account.address)?;
        insert(field, address, &account.balance, account.quota)?;
    }
    for (index, account) in file.development_accounts.iter().enumerate() {
        let field = format!("development_accounts[{index}]");
        let address = Address::of_development_account(&account.name);
        insert(field, address, &account.balance, account.quota)?;
    }
    Ok(genesis)
}

fn parameters(
    chain_id: String,
    file: FileParameters,
    names: &Names,
) -> Result<Parameters, GenesisError> {
    let activations = file.activations.into_iter().enumerate();
    let activations = activations.map(|(index, activation)| {
        let field = format!("parameters.activations[{index}]");
        let id = |name: &str, text: &str| bytes32(&format!("{field}.{name}"), text);
        Ok(Activation {
            height: activation.height,
            ledger_rules: LedgerRulesId::from_bytes(id("ledger_rules", &activation.ledger_rules)?),
            contract_rules: ContractRulesId::from_bytes(id(
                "contract_rules",
                &activation.contract_rules,
            )?),
            migration: activation.migration,
        })
    });
    let calls = file.calls.into_iter().enumerate();
    let calls = calls.map(|scheduled| call(scheduled, names));
    let validators = file.validators.iter().enumerate();
    let validators = validators.map(|(index, validator)| {
        let field = format!("parameters.validators[{index}]");
        Ok(Validator {
            key: bytes32(&format!("{field}.key"), &validator.key)?,
            power: validator.power,
            account: names.address(&format!("{field}.account"), &validator.account)?,
        })
    });
    Ok(Parameters {
        chain_id,
        activations: activations.collect::<Result<_, GenesisError>>()?,
        limits: BlockLimits {
            gas: gas("parameters.limits.gas", file.limits.gas)?,
            bytes: file.limits.bytes,
            transactions: file.limits.transactions,
        },
        payment: payment(file.payment, names)?,
        calls: calls.collect::<Result<_, _>>()?,
        validators: validators.collect::<Result<_, GenesisError>>()?,
    })
}

fn payment(file: FilePayment, names: &Names) -> Result<Payment, GenesisError> {
    let field = "parameters.payment";
    Ok(match file {
        FilePayment::Fees(fees) => Payment::Fees {
            minimum_price: amount(&format!("{field}.fees.minimum_price"), &fees.minimum_price)?,
            destination: match fees.destination {
                FileDestination::Proposer => FeeDestination::Proposer,
                FileDestination::Treasury(treasury) => FeeDestination::Treasury(
                    names.address(&format!("{field}.fees.destination.treasury"), &treasury)?,
                ),
                FileDestination::Burned => FeeDestination::Burned,
            },
        },
        FilePayment::Quotas(quotas) => Payment::Quotas {
            gas: gas(&format!("{field}.quotas.gas"), quotas.gas)?,
            window: quotas.window,
        },
    })
}

fn call((index, file): (usize, FileCall), names: &Names) -> Result<ScheduledCall, GenesisError> {
    let field = format!("parameters.calls[{index}]");
    if file.method.is_empty() {
        let reason = "it has to be the name of a method";
        return Err(invalid(&format!("{field}.method"), reason));
    }
    Ok(ScheduledCall {
        phase: match file.phase {
            FilePhase::Begin => Phase::Begin,
            FilePhase::End => Phase::End,
            FilePhase::Misbehaviour => Phase::Misbehaviour,
        },
        every: file.every,
        to: names.address(&format!("{field}.to"), &file.to)?,
        method: file.method,
        input: bytes(&format!("{field}.input"), &file.input)?,
        gas: gas(&format!("{field}.gas"), file.gas)?,
        updates_parameters: file.updates_parameters,
    })
}

fn contract(
    (index, file): (usize, FileContract),
    folder: Option<&Path>,
    names: &Names,
) -> Result<GenesisContract, GenesisError> {
    let field = format!("contracts[{index}]");
    let admin = file
        .admin
        .map(|admin| names.address(&format!("{field}.admin"), &admin));
    let code = match (file.code, folder) {
        (FileCode::Hex(text), _) => bytes(&format!("{field}.code.hex"), &text)?,
        (FileCode::Path(path), Some(folder)) => {
            let path = folder.join(path);
            fs::read(&path).map_err(|error| GenesisError::Read { path, error })?
        }
        (FileCode::Path(_), None) => {
            let reason = "it has to be `hex`, since a text without a file has no folder";
            return Err(invalid(&format!("{field}.code.path"), reason));
        }
    };
    Ok(GenesisContract {
        name: file.name,
        code,
        admin: admin.transpose()?,
        input: bytes(&format!("{field}.input"), &file.input)?,
        gas: gas(&format!("{field}.gas"), file.gas)?,
    })
}

fn invalid(field: &str, reason: &'static str) -> GenesisError {
    let field = field.to_owned();
    GenesisError::Field { field, reason }
}

fn amount(field: &str, text: &str) -> Result<u128, GenesisError> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    let amount = u128::from_str(text).ok().filter(|_| is_decimal);
    amount.ok_or_else(|| {
        invalid(
            field,
            "it has to be a decimal number below 2^128, as a text",
        )
    })
}

fn gas(field: &str, units: u64) -> Result<Gas, GenesisError> {
    match units <= Gas::MAX.units() {
        true => Ok(Gas::new(units)),
        false => Err(invalid(field, "it has to be below 2^63")),
    }
}

fn bytes32(field: &str, text: &str) -> Result<[u8; 32], GenesisError> {
    let mut bytes = [0; 32];
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(invalid(field, "it has to be 64 hexadecimal digits")),
    }
}

fn bytes(field: &str, text: &str) -> Result<Vec<u8>, GenesisError> {
    hex::decode(text).map_err(|_| invalid(field, "it has to be bytes in hexadecimal"))
}

/// The names of the contracts of the file.
struct Names(BTreeSet<String>);

impl Names {
    fn address(&self, field: &str, address: &FileAddress) -> Result<Address, GenesisError> {
        match address {
            FileAddress::Digits(text) => bytes32(field, text).map(Address::new),
            FileAddress::Contract(FileName { contract }) if self.0.contains(contract) => {
                Ok(GenesisContract::address_of(contract))
            }
            FileAddress::Contract(_) => {
                let reason = "it has to be the name of a contract of the file";
                Err(invalid(&format!("{field}.contract"), reason))
            }
        }
    }
}

/// The fields that are lists of objects.
const LISTS: [&str; 6] = [
    "accounts",
    "contracts",
    "development_accounts",
    "parameters.activations",
    "parameters.calls",
    "parameters.validators",
];

/// Checks that no list stands in place of an object, whose fields it would give without names.
fn check_objects(field: &str, value: &Value) -> Result<(), GenesisError> {
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| match field {
            "" => check_objects(name, value),
            _ => check_objects(&format!("{field}.{name}"), value),
        }),
        Value::Array(items) if LISTS.contains(&field) => (items.iter().enumerate())
            .try_for_each(|(index, item)| check_objects(&format!("{field}[{index}]"), item)),
        Value::Array(_) => {
            let reason = "it has to be an object, with the names of its fields";
            let field = if field.is_empty() { "file" } else { field };
            Err(invalid(field, reason))
        }
        _ => Ok(()),
    }
}
