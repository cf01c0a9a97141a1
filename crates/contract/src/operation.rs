//! Operations: what each action does before it calls a contract.

use std::sync::Arc;

use fusee_abi::DEPLOY_METHOD;
use fusee_engine::CodeHash;
use fusee_executor::PreparedProgram;
use fusee_instrument::Refusal;

use crate::{
    Action, Address, ContractError, ContractRules, Contracts, Rejection, Status,
    account::AccountCode, call_result::CallResult, changes::Changes, deployment::Opening,
    entry::Entry,
};

/// The operation of a batch that is to begin.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    /// The sender.
    pub(crate) from: Address,
    /// The sender's nonce before the batch.
    pub(crate) nonce: u64,
    /// The index of the operation.
    pub(crate) index: usize,
}

/// What an operation comes to before it calls a contract.
pub(crate) enum Begun {
    /// It calls a contract or account.
    Call(Callee),
    /// It has ended without a call.
    Ended(CallResult, Option<Refusal>),
}

/// The entry point of an operation's call.
pub(crate) struct Callee {
    pub(crate) address: Address,
    pub(crate) opening: Opening,
    pub(crate) method: String,
    pub(crate) input: Vec<u8>,
}

impl Contracts {
    /// Begins an operation. The caller reverts the changes if it fails.
    pub(crate) fn begin_operation(
        &self,
        changes: &mut Changes,
        action: &Action,
        position: Position,
    ) -> Result<Begun, ContractError> {
        let from = position.from;
        let (address, opening, input) = match action {
            Action::Call { to, method, input } => {
                return Ok(Begun::Call(Callee {
                    address: *to,
                    opening: Opening::Method,
                    method: method.clone(),
                    input: input.clone(),
                }));
            }
            Action::Deploy { code, input } => {
                return self.begin_deployment(changes, code, input, position);
            }
            Action::Upload { code } => return self.upload(changes, code, from),
            Action::SetAdmin { contract, admin } => {
                let result = changes.hand_over(*contract, from, *admin)?;
                return Ok(Begun::Ended(CallResult::immediate(result), None));
            }
            Action::RemoveCode { code } => {
                let result = changes.discard(*code, from)?;
                return Ok(Begun::Ended(CallResult::immediate(result), None));
            }
            Action::Create {
                code,
                salt,
                admin,
                input,
            } => {
                let address = match salt {
                    Some(salt) => Address::of_salted_contract(from, salt),
                    None => position.address_of_contract(*code),
                };
                let (code, admin) = (*code, *admin);
                (address, Opening::Create { code, admin }, input)
            }
            Action::Upgrade {
                contract,
                code,
                input,
            } => (*contract, Opening::Upgrade { code: *code }, input),
        };
        Ok(Begun::Call(Callee {
            address,
            opening,
            method: String::new(),
            input: input.clone(),
        }))
    }

    fn begin_deployment(
        &self,
        changes: &mut Changes,
        code: &[u8],
        input: &[u8],
        position: Position,
    ) -> Result<Begun, ContractError> {
        let program = match self.prepare_deployed(code)? {
            Ok(program) => program,
            Err(refusal) => return Ok(Begun::refused(refusal)),
        };
        let hash = program.program().code_hash;
        let address = position.address_of_contract(hash);
        let bytes = u32::try_from(code.len()).unwrap_or(u32::MAX);
        let account_code = AccountCode { hash, bytes };
        if self.rules.has_upgrades() {
            changes.upload(position.from, hash, code)?;
            changes.create(address, account_code, None)?;
        } else {
            changes.store_code(hash, code);
            changes.set_code(address, account_code);
        }
        let callee = Callee::deployed(&self.rules, address, program, input);
        Ok(Begun::Call(callee))
    }

    fn upload(
        &self,
        changes: &mut Changes,
        code: &[u8],
        from: Address,
    ) -> Result<Begun, ContractError> {
        let program = match self.prepare_deployed(code)? {
            Ok(program) => program,
            Err(refusal) => return Ok(Begun::refused(refusal)),
        };
        let hash = program.program().code_hash;
        changes.upload(from, hash, code)?;
        let result = CallResult {
            output: hash.as_bytes().to_vec(),
            ..CallResult::of(Status::Success)
        };
        Ok(Begun::Ended(result, None))
    }
}

impl Position {
    /// The address of a contract that the operation makes without a salt.
    fn address_of_contract(self, code: CodeHash) -> Address {
        let operation = u64::try_from(self.index).unwrap_or(u64::MAX);
        Address::of_contract_in_batch(self.from, self.nonce, operation, code)
    }
}

impl Begun {
    fn refused(refusal: Refusal) -> Self {
        Self::Ended(CallResult::rejected(Rejection::RefusedCode), Some(refusal))
    }
}

impl Callee {
    /// Begins the call of a contract's method `deploy`. A contract without `deploy` is deployed
    /// without a call, unless the operation has an input for it.
    fn deployed(
        rules: &ContractRules,
        address: Address,
        program: Arc<PreparedProgram>,
        input: &[u8],
    ) -> Self {
        let has_deploy = Entry::Deploy.admits(rules, &program, DEPLOY_METHOD);
        let method = if has_deploy || !input.is_empty() {
            DEPLOY_METHOD.to_owned()
        } else {
            String::new()
        };
        Self {
            address,
            opening: Opening::Deployed(program),
            method,
            input: input.to_vec(),
        }
    }

    /// The address that the call makes a contract of, if it makes one.
    pub(crate) fn deployed_address(&self) -> Option<Address> {
        (self.opening.entry() == Entry::Deploy).then_some(self.address)
    }
}
