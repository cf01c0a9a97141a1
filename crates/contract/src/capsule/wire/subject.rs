//! The bytes of batches, their operations, and system calls. Code is named by its hash.

use fusee_engine::CodeHash;

use super::bytes::{Reader, Writer};
use crate::{Action, Batch, BatchOperation, CapsuleError, CapsuleSubject, GasFee, SystemCall};

const BATCH: u8 = 0;
const SYSTEM: u8 = 1;

/// The tags of actions.
mod action {
    pub(super) const DEPLOY: u8 = 0;
    pub(super) const CALL: u8 = 1;
    pub(super) const UPLOAD: u8 = 2;
    pub(super) const CREATE: u8 = 3;
    pub(super) const UPGRADE: u8 = 4;
    pub(super) const SET_ADMIN: u8 = 5;
    pub(super) const REMOVE_CODE: u8 = 6;
}

impl Writer {
    /// `sent_code` has the hash of the code of each operation that deploys or uploads some.
    pub(super) fn subject(&mut self, subject: &CapsuleSubject, sent_code: &[CodeHash]) {
        match subject {
            CapsuleSubject::Batch(batch) => {
                self.raw(&[BATCH]);
                self.batch(batch, sent_code);
            }
            CapsuleSubject::System(call) => {
                self.raw(&[SYSTEM]);
                self.system_call(call);
            }
        }
    }

    fn batch(&mut self, batch: &Batch, sent_code: &[CodeHash]) {
        let Batch {
            from,
            operations,
            gas,
            overhead,
            fee,
        } = batch;
        self.raw(from.as_bytes());
        self.raw(&gas.units().to_le_bytes());
        self.raw(&overhead.units().to_le_bytes());
        self.option(fee.as_ref(), |writer, GasFee { payer, price }| {
            writer.raw(payer.as_bytes());
            writer.raw(&price.to_le_bytes());
        });
        let mut sent_code = sent_code.iter();
        let operations = operations.iter();
        self.list(operations, |writer, BatchOperation { action, value }| {
            writer.raw(&value.to_le_bytes());
            writer.action(action, &mut sent_code);
        });
    }

    fn action<'a>(&mut self, action: &Action, sent_code: &mut impl Iterator<Item = &'a CodeHash>) {
        let sent_code = sent_code.by_ref();
        match action {
            Action::Deploy { input, .. } => {
                self.raw(&[action::DEPLOY]);
                sent_code.take(1).for_each(|hash| self.raw(hash.as_bytes()));
                self.bytes(input);
            }
            Action::Call { to, method, input } => {
                self.raw(&[action::CALL]);
                self.raw(to.as_bytes());
                self.bytes(method.as_bytes());
                self.bytes(input);
            }
            Action::Upload { .. } => {
                self.raw(&[action::UPLOAD]);
                sent_code.take(1).for_each(|hash| self.raw(hash.as_bytes()));
            }
            Action::Create {
                code,
                salt,
                admin,
                input,
            } => {
                self.raw(&[action::CREATE]);
                self.raw(code.as_bytes());
                self.option(salt.as_ref(), |writer, salt| writer.raw(salt));
                self.option(admin.as_ref(), |writer, admin| writer.raw(admin.as_bytes()));
                self.bytes(input);
            }
            Action::Upgrade {
                contract,
                code,
                input,
            } => {
                self.raw(&[action::UPGRADE]);
                self.raw(contract.as_bytes());
                self.raw(code.as_bytes());
                self.bytes(input);
            }
            Action::SetAdmin { contract, admin } => {
                self.raw(&[action::SET_ADMIN]);
                self.raw(contract.as_bytes());
                self.option(admin.as_ref(), |writer, admin| writer.raw(admin.as_bytes()));
            }
            Action::RemoveCode { code } => {
                self.raw(&[action::REMOVE_CODE]);
                self.raw(code.as_bytes());
            }
        }
    }

    fn system_call(&mut self, call: &SystemCall) {
        let SystemCall {
            to,
            method,
            input,
            gas,
        } = call;
        self.raw(to.as_bytes());
        self.bytes(method.as_bytes());
        self.bytes(input);
        self.raw(&gas.units().to_le_bytes());
    }
}

impl Reader<'_> {
    /// Reads the subject, and the hash of the code of each operation that deploys or uploads some.
    pub(super) fn subject(&mut self) -> Result<(CapsuleSubject, Vec<CodeHash>), CapsuleError> {
        let mut sent_code = Vec::new();
        let subject = match self.array()? {
            [BATCH] => CapsuleSubject::Batch(self.batch(&mut sent_code)?),
            [SYSTEM] => CapsuleSubject::System(self.system_call()?),
            _ => return Err(self.malformed("the byte before is neither 0 nor 1")),
        };
        Ok((subject, sent_code))
    }

    fn batch(&mut self, sent_code: &mut Vec<CodeHash>) -> Result<Batch, CapsuleError> {
        Ok(Batch {
            from: self.address()?,
            gas: self.gas()?,
            overhead: self.gas()?,
            fee: self.option(|reader| {
                Ok(GasFee {
                    payer: reader.address()?,
                    price: reader.u128()?,
                })
            })?,
            operations: self.list(|reader| {
                Ok(BatchOperation {
                    value: reader.u128()?,
                    action: reader.action(sent_code)?,
                })
            })?,
        })
    }

    fn action(&mut self, sent_code: &mut Vec<CodeHash>) -> Result<Action, CapsuleError> {
        let code = Vec::new();
        Ok(match self.array()? {
            [action::DEPLOY] => {
                sent_code.push(self.hash()?);
                let input = self.owned()?;
                Action::Deploy { code, input }
            }
            [action::CALL] => Action::Call {
                to: self.address()?,
                method: self.text()?,
                input: self.owned()?,
            },
            [action::UPLOAD] => {
                sent_code.push(self.hash()?);
                Action::Upload { code }
            }
            [action::CREATE] => Action::Create {
                code: self.hash()?,
                salt: self.option(Self::array)?,
                admin: self.option(Self::address)?,
                input: self.owned()?,
            },
            [action::UPGRADE] => Action::Upgrade {
                contract: self.address()?,
                code: self.hash()?,
                input: self.owned()?,
            },
            [action::SET_ADMIN] => Action::SetAdmin {
                contract: self.address()?,
                admin: self.option(Self::address)?,
            },
            [action::REMOVE_CODE] => Action::RemoveCode { code: self.hash()? },
            _ => return Err(self.malformed("the byte before is the number of no action")),
        })
    }

    fn system_call(&mut self) -> Result<SystemCall, CapsuleError> {
        Ok(SystemCall {
            to: self.address()?,
            method: self.text()?,
            input: self.owned()?,
            gas: self.gas()?,
        })
    }
}
