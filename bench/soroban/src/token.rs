//! A token for soroban-env-host, and a transfer of it: a whole invocation of a contract as a node
//! makes it, from encoded arguments and entries of the ledger to their changes and the events.

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use soroban_env_host::{
    Host, LedgerInfo, ModuleCache,
    budget::Budget,
    e2e_invoke::{InvokeHostFunctionResult, TtlLedgerEntryMeta, invoke_host_function},
    meta::INTERFACE_VERSION,
    xdr::{
        AccountId, ContractCodeEntry, ContractCodeEntryExt, ContractDataDurability,
        ContractDataEntry, ContractExecutable, ContractId, ExtensionPoint, Hash, HostFunction,
        InvokeContractArgs, LedgerEntry, LedgerEntryData, LedgerEntryExt, LedgerFootprint,
        LedgerKey, LedgerKeyContractCode, LedgerKeyContractData, Limits, PublicKey, ScAddress,
        ScContractInstance, ScSymbol, ScVal, SorobanAuthorizationEntry, SorobanAuthorizedFunction,
        SorobanAuthorizedInvocation, SorobanCredentials, SorobanResources, Uint256, WriteXdr,
    },
};

/// Balances are under the addresses of their accounts. An amount is a `U64Small`: the number in the
/// upper 56 bits, and the tag 6.
const TEXT: &str = r#"(module
    (import "a" "0" (func $require_auth (param i64) (result i64)))
    (import "l" "1" (func $load (param i64 i64) (result i64)))
    (import "l" "0" (func $exists (param i64 i64) (result i64)))
    (import "l" "_" (func $store (param i64 i64 i64) (result i64)))
    (import "v" "g" (func $vector (param i64 i64) (result i64)))
    (import "x" "1" (func $event (param i64 i64) (result i64)))
    (memory (export "memory") 1)
    ;; The storage that lasts, as a type of storage.
    (func $balance (param $account i64) (result i64)
        (if (result i64) (i64.eq (call $exists (local.get $account) (i64.const 1)) (i64.const 1))
            (then (i64.shr_u (call $load (local.get $account) (i64.const 1)) (i64.const 8)))
            (else (i64.const 0))))
    (func $set_balance (param $account i64) (param $balance i64)
        (drop (call $store (local.get $account)
            (i64.or (i64.shl (local.get $balance) (i64.const 8)) (i64.const 6)) (i64.const 1))))
    (func (export "transfer") (param $from i64) (param $to i64) (param $amount i64) (result i64)
        (local $moved i64) (local $rest i64)
        (drop (call $require_auth (local.get $from)))
        (local.set $moved (i64.shr_u (local.get $amount) (i64.const 8)))
        (local.set $rest (call $balance (local.get $from)))
        (if (i64.lt_u (local.get $rest) (local.get $moved)) (then unreachable))
        (call $set_balance (local.get $from) (i64.sub (local.get $rest) (local.get $moved)))
        (call $set_balance (local.get $to)
            (i64.add (call $balance (local.get $to)) (local.get $moved)))
        (i64.store (i32.const 0) (local.get $from))
        (i64.store (i32.const 8) (local.get $to))
        (drop (call $event
            (call $vector (i64.const 4) (i64.const 0x2_0000_0004)) (local.get $amount)))
        (i64.const 2))"#;

const LEDGER: LedgerInfo = LedgerInfo {
    protocol_version: INTERFACE_VERSION.protocol,
    sequence_number: 1_000_000,
    timestamp: 12_345_678,
    network_id: [5; 32],
    base_reserve: 5_000_000,
    min_temp_entry_ttl: 16,
    min_persistent_entry_ttl: 100_000,
    max_entry_ttl: 10_000_000,
};

/// Where the module of the contract comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Modules {
    /// From a cache, as in a node.
    Cached,
    /// From the bytes in the ledger, at each invocation.
    Parsed,
}

/// A transfer, as bytes.
pub(crate) struct Token {
    function: Vec<u8>,
    resources: Vec<u8>,
    sender: Vec<u8>,
    authorization: Vec<u8>,
    entries: Vec<Vec<u8>>,
    modules: Option<ModuleCache>,
}

impl Token {
    pub(crate) fn new(modules: Modules) -> Result<Self> {
        let wasm = contract()?;
        let contract = ScAddress::Contract(ContractId(Hash([1; 32])));
        let sender = account(2);
        let [from, to] = [&sender, &account(3)].map(|id| ScAddress::Account(id.clone()));
        let call = InvokeContractArgs {
            contract_address: contract.clone(),
            function_name: ScSymbol("transfer".try_into()?),
            args: vec![
                ScVal::Address(from.clone()),
                ScVal::Address(to.clone()),
                ScVal::U64(1),
            ]
            .try_into()?,
        };
        let host = Host::default();
        host.set_ledger_info(LEDGER)?;
        let cache = ModuleCache::new(&host)?;
        cache.parse_and_cache_module_simple(&host, LEDGER.protocol_version, &wasm)?;
        let hash = hash_of(&wasm);
        let instance = ScVal::ContractInstance(ScContractInstance {
            executable: ContractExecutable::Wasm(hash.clone()),
            storage: None,
        });
        let keys = [
            ScVal::LedgerKeyContractInstance,
            ScVal::Address(from),
            ScVal::Address(to),
        ];
        let values = [instance, ScVal::U64(1_000_000), ScVal::U64(1)];
        let code_key = LedgerKey::ContractCode(LedgerKeyContractCode { hash: hash.clone() });
        let code = LedgerEntryData::ContractCode(ContractCodeEntry {
            ext: ContractCodeEntryExt::V0,
            hash,
            code: wasm.try_into()?,
        });
        let [instance_key, from_key, to_key] = keys.clone().map(|key| {
            LedgerKey::ContractData(LedgerKeyContractData {
                contract: contract.clone(),
                key,
                durability: ContractDataDurability::Persistent,
            })
        });
        let data = keys.into_iter().zip(values).map(|(key, val)| {
            LedgerEntryData::ContractData(ContractDataEntry {
                ext: ExtensionPoint::V0,
                contract: contract.clone(),
                key,
                durability: ContractDataDurability::Persistent,
                val,
            })
        });
        // Keys that are only read, in their order, and then the others in theirs.
        let mut data = data.collect::<Vec<_>>();
        data.insert(1, code);
        let entries = data
            .into_iter()
            .map(|data| {
                encode(&LedgerEntry {
                    last_modified_ledger_seq: 0,
                    data,
                    ext: LedgerEntryExt::V0,
                })
            })
            .collect::<Result<_>>()?;
        let resources = SorobanResources {
            footprint: LedgerFootprint {
                read_only: vec![instance_key, code_key].try_into()?,
                read_write: vec![from_key, to_key].try_into()?,
            },
            instructions: u32::MAX,
            disk_read_bytes: u32::MAX,
            write_bytes: u32::MAX,
        };
        let authorization = SorobanAuthorizationEntry {
            credentials: SorobanCredentials::SourceAccount,
            root_invocation: SorobanAuthorizedInvocation {
                function: SorobanAuthorizedFunction::ContractFn(call.clone()),
                sub_invocations: Vec::new().try_into()?,
            },
        };
        Ok(Self {
            function: encode(&HostFunction::InvokeContract(call))?,
            resources: encode(&resources)?,
            sender: encode(&sender)?,
            authorization: encode(&authorization)?,
            entries,
            modules: (modules == Modules::Cached).then_some(cache),
        })
    }

    /// Moves a token. Each transfer is the first on the same ledger.
    pub(crate) fn transfer(&self) -> Result<()> {
        let ttl = TtlLedgerEntryMeta {
            live_until_ledger: 2_000_000,
            entry_size_for_rent: 100,
        };
        let InvokeHostFunctionResult {
            encoded_invoke_result,
            ledger_changes,
            encoded_contract_events,
        } = invoke_host_function(
            &Budget::default(),
            false,
            self.function.as_slice(),
            &self.resources,
            &[],
            &self.sender,
            [self.authorization.as_slice()].into_iter(),
            LEDGER,
            self.entries
                .iter()
                .map(|entry| (Some(entry.as_slice()), Some(ttl))),
            &[7; 32],
            &mut Vec::new(),
            None,
            self.modules.clone(),
        )?;
        encoded_invoke_result.context("the transfer failed")?;
        let written = ledger_changes
            .iter()
            .filter(|change| change.encoded_new_value.is_some());
        ensure!(
            written.count() == 2 && encoded_contract_events.len() == 1,
            "a transfer changes two balances and emits an event"
        );
        Ok(())
    }
}

fn account(number: u8) -> AccountId {
    AccountId(PublicKey::PublicKeyTypeEd25519(Uint256([number; 32])))
}

/// The module, with the section that names the interface of the host.
fn contract() -> Result<Vec<u8>> {
    // The tag of an interface version, the protocol, and no version before a release.
    let meta = [0, INTERFACE_VERSION.protocol, 0]
        .map(u32::to_be_bytes)
        .concat();
    let meta: String = meta.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let section = format!(r#"(@custom "contractenvmetav0" "{meta}"))"#);
    Ok(wat::parse_str(format!("{TEXT}{section}"))?)
}

fn encode(value: &impl WriteXdr) -> Result<Vec<u8>> {
    Ok(value.to_xdr(Limits::none())?)
}

fn hash_of(wasm: &[u8]) -> Hash {
    Hash(Sha256::digest(wasm).into())
}
