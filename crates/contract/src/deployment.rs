//! Code and the contracts that have it: upload, deployment, upgrade, removal.
//!
//! Code is stored once, under its hash, and counted ([`CodeUse`]). It can be removed while no
//! contract has it, so a contract never loses its code. A contract is upgraded to code that has all
//! methods of the old one, so its callers find what they rely on; frames that run keep their code.
//!
//! A deployment or an upgrade is the begin of a call, so what it changes is reverted with that
//! call.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fusee_abi::{DEPLOY_METHOD, MIGRATE_METHOD};
use fusee_engine::{CodeHash, Gas};
use fusee_executor::PreparedProgram;

use crate::{
    Address, CodeUse, ContractError, Rejection,
    account::AccountCode,
    call_result::CallResult,
    call_stack::{Frames, LoadedCode},
    changes::Changes,
    entry::Entry,
    frame::Context,
};

/// What a call does before it enters its method.
#[derive(Debug)]
pub(crate) enum Opening {
    /// Nothing: the contract is there.
    Method,
    /// Nothing: the transaction has deployed the contract, with this program.
    Deployed(Arc<PreparedProgram>),
    /// Makes the contract.
    Create {
        code: CodeHash,
        admin: Option<Address>,
    },
    /// Replaces the code of the contract.
    Upgrade { code: CodeHash },
}

impl Opening {
    /// The methods that the call may enter.
    pub(crate) const fn entry(&self) -> Entry {
        match self {
            Opening::Method => Entry::Method,
            Opening::Deployed(_) | Opening::Create { .. } => Entry::Deploy,
            Opening::Upgrade { .. } => Entry::Migrate,
        }
    }
}

/// The methods of code that a transaction compares. Each name has a number, so that names are
/// compared once for each code, and numbers in each upgrade: a contract can be upgraded back and
/// forth at the price of the syscall, between programs that have a thousand methods each.
#[derive(Debug, Default)]
pub(crate) struct MethodSets {
    numbers: BTreeMap<String, usize>,
    sets: BTreeMap<CodeHash, BTreeSet<usize>>,
}

/// The code that a call enters. The error is the result of a call that enters none.
pub(crate) type Loaded = Result<LoadedCode, CallResult>;

impl MethodSets {
    /// Adds the methods of code, unless they are known.
    pub(crate) fn insert<'a, I: Iterator<Item = &'a str>>(
        &mut self,
        code: CodeHash,
        names: impl FnOnce() -> I,
    ) {
        let Self { numbers, sets } = self;
        let set = || {
            let number = |name: &str| match numbers.get(name) {
                Some(number) => *number,
                None => {
                    let number = numbers.len();
                    numbers.insert(name.to_owned(), number);
                    number
                }
            };
            names().map(number).collect()
        };
        sets.entry(code).or_insert_with(set);
    }

    /// Whether code that was added has all methods of other code that was added.
    pub(crate) fn contains_all(&self, code: CodeHash, other: CodeHash) -> bool {
        let [code, other] = [code, other].map(|hash| self.sets.get(&hash));
        code.zip(other)
            .is_some_and(|(code, other)| code.is_superset(other))
    }
}

impl Changes {
    /// Stores uploaded code, unless it is stored already.
    pub(crate) fn upload(
        &mut self,
        uploader: Address,
        hash: CodeHash,
        code: &[u8],
    ) -> Result<CodeUse, ContractError> {
        if let Some(known) = self.code_use(hash)? {
            return Ok(known);
        }
        // Rules that do not count may have stored it, for who knows how many contracts.
        let contracts = u64::from(self.has_code(hash)?);
        let code_use = CodeUse {
            uploader,
            contracts,
            bytes: u32::try_from(code.len()).unwrap_or(u32::MAX),
        };
        self.store_code(hash, code);
        self.set_code_use(hash, code_use);
        Ok(code_use)
    }

    /// Counts one more contract with this code, or one less.
    fn count_contract(&mut self, hash: CodeHash, is_more: bool) -> Result<(), ContractError> {
        // Code that is not counted stays.
        let Some(code_use) = self.code_use(hash)? else {
            return Ok(());
        };
        let contracts = match is_more {
            true => code_use.contracts.saturating_add(1),
            false => code_use.contracts.saturating_sub(1),
        };
        self.set_code_use(
            hash,
            CodeUse {
                contracts,
                ..code_use
            },
        );
        Ok(())
    }

    /// Gives a new contract its code and admin.
    pub(crate) fn create(
        &mut self,
        address: Address,
        code: AccountCode,
        admin: Option<Address>,
    ) -> Result<(), ContractError> {
        self.set_code(address, code);
        self.set_admin(address, admin);
        self.count_contract(code.hash, true)
    }

    /// Hands a contract over, if `by` is its admin.
    pub(crate) fn hand_over(
        &mut self,
        contract: Address,
        by: Address,
        to: Option<Address>,
    ) -> Result<Result<(), Rejection>, ContractError> {
        if self.admin(contract)? != Some(by) {
            return Ok(Err(Rejection::NotAdmin));
        }
        self.set_admin(contract, to);
        Ok(Ok(()))
    }

    /// Removes code that no contract has, if `by` uploaded it.
    pub(crate) fn discard(
        &mut self,
        hash: CodeHash,
        by: Address,
    ) -> Result<Result<(), Rejection>, ContractError> {
        let Some(code_use) = self.code_use(hash)? else {
            return Ok(Err(Rejection::UnknownCode));
        };
        if code_use.uploader != by {
            return Ok(Err(Rejection::NotAdmin));
        }
        if code_use.contracts > 0 {
            return Ok(Err(Rejection::CodeInUse));
        }
        self.remove_code(hash);
        Ok(Ok(()))
    }

    /// Uploaded code, as an account refers to it.
    fn uploaded(&mut self, hash: CodeHash) -> Result<Option<AccountCode>, ContractError> {
        let code_use = self.code_use(hash)?;
        Ok(code_use.map(|CodeUse { bytes, .. }| AccountCode { hash, bytes }))
    }
}

impl Frames {
    /// Makes the contract that the context addresses, and decides the method that begins it.
    pub(crate) fn create(
        &mut self,
        changes: &mut Changes,
        context: &mut Context,
        (code, admin): (CodeHash, Option<Address>),
        gas: Gas,
    ) -> Result<Loaded, ContractError> {
        let address = context.address;
        if changes.code(address)?.is_some() {
            return Ok(Err(CallResult::rejected(Rejection::AddressTaken)));
        }
        let Some(code) = changes.uploaded(code)? else {
            return Ok(Err(CallResult::rejected(Rejection::UnknownCode)));
        };
        let loaded = match self.load(changes, address, code, gas)? {
            Ok(loaded) => loaded,
            Err(result) => return Ok(Err(result)),
        };
        changes.create(address, code, admin)?;
        context.method = self.begins_with(&loaded, Entry::Deploy, DEPLOY_METHOD, &context.input);
        Ok(Ok(loaded))
    }

    /// Replaces the code of the contract that the context addresses, and decides the method that
    /// begins it. Both codes are loaded, and paid.
    pub(crate) fn upgrade(
        &mut self,
        changes: &mut Changes,
        context: &mut Context,
        code: CodeHash,
        gas: Gas,
    ) -> Result<Loaded, ContractError> {
        let address = context.address;
        if changes.admin(address)? != Some(context.caller) {
            return Ok(Err(CallResult::rejected(Rejection::NotAdmin)));
        }
        let Some(old_code) = changes.code(address)? else {
            return Ok(Err(CallResult::rejected(Rejection::UnknownAddress)));
        };
        let Some(code) = changes.uploaded(code)? else {
            return Ok(Err(CallResult::rejected(Rejection::UnknownCode)));
        };
        let old = match self.load(changes, address, old_code, gas)? {
            Ok(old) => old,
            Err(result) => return Ok(Err(result)),
        };
        let rest = gas.saturating_sub(old.loading_gas);
        let new = match self.load(changes, address, code, rest)? {
            Ok(new) => new,
            Err(result) => {
                let gas_used = result.gas_used.saturating_add(old.loading_gas);
                return Ok(Err(CallResult { gas_used, ..result }));
            }
        };
        let loaded = LoadedCode {
            loading_gas: old.loading_gas.saturating_add(new.loading_gas),
            ..new
        };
        // Nobody relies on the methods of code that the rules refuse: no call enters them.
        if let (Some(old), Some(new)) = (&old.program, &loaded.program)
            && !self.has_methods_of(new, old)
        {
            return Ok(Err(CallResult {
                gas_used: loaded.loading_gas,
                ..CallResult::rejected(Rejection::MissingMethods)
            }));
        }
        changes.count_contract(old_code.hash, false)?;
        changes.count_contract(code.hash, true)?;
        changes.set_code(address, code);
        context.method = self.begins_with(&loaded, Entry::Migrate, MIGRATE_METHOD, &context.input);
        Ok(Ok(loaded))
    }

    /// The method that a deployment or upgrade calls: none if the code lacks it, unless there is
    /// input for it.
    fn begins_with(&self, code: &LoadedCode, entry: Entry, method: &str, input: &[u8]) -> String {
        let program = code.program.as_ref();
        if !input.is_empty() || program.is_some_and(|program| self.admits(entry, program, method)) {
            method.to_owned()
        } else {
            String::new()
        }
    }
}
