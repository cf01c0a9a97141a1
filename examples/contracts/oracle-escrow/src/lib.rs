//! An escrow that pays out on the signed report of an oracle.
//!
//! The oracle is an Ed25519 key outside the chain. It signs a [`Report`], which anybody can send to
//! [`settle`](OracleEscrow::settle). A report names the chain, the contract, the number of the
//! escrow and its deadline, so it settles this escrow and no other. Each escrow is settled or
//! refunded once.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::{codec::to_vec, crypto, prelude::*};

/// Escrows that pay out on the signed report of an oracle.
#[contract(events(Opened, Closed))]
pub struct OracleEscrow {
    count: Value<u32>,
    escrows: Map<u32, Escrow>,
}

/// An amount that waits for a report.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct Escrow {
    /// Who deposited the amount, and gets it back without a report.
    pub payer: Address,
    /// Who gets the amount if the condition is met.
    pub payee: Address,
    /// The Ed25519 public key of the oracle.
    pub oracle: [u8; 32],
    /// The end of reports, in milliseconds since the Unix epoch.
    pub deadline: u64,
    /// The amount.
    pub amount: u128,
}

/// What the oracle signs: the encoding of this struct.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// [`Report::DOMAIN`]. No other message that the key signs begins with it.
    pub domain: [u8; 16],
    /// The id of the chain.
    pub chain_id: String,
    /// The address of the contract.
    pub contract: Address,
    /// The number of the escrow.
    pub number: u32,
    /// The deadline of the escrow.
    pub deadline: u64,
    /// Whether the condition is met: the payee gets the amount, otherwise the payer.
    pub is_met: bool,
}

impl Report {
    /// What every report begins with.
    pub const DOMAIN: [u8; 16] = *b"oracle-escrow/1\0";
}

/// An amount was deposited.
#[event]
pub struct Opened {
    /// The number of the escrow.
    #[topic]
    pub number: u32,
    /// The escrow.
    pub escrow: Escrow,
}

/// An escrow has ended.
#[event]
pub struct Closed {
    /// The number of the escrow.
    #[topic]
    pub number: u32,
    /// Who got the amount.
    pub to: Address,
}

/// Why nothing is done.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The deadline is in the past.
    DeadlineInThePast,
    /// There is no such escrow, or it has ended.
    UnknownEscrow,
    /// The oracle did not sign this report.
    WrongSignature,
    /// The deadline is over: the amount can only be refunded.
    TooLate,
    /// The oracle still has time.
    #[message("the deadline is {deadline}, and it is {now}")]
    TooEarly {
        /// The deadline, in milliseconds since the Unix epoch.
        deadline: u64,
        /// The time of the block.
        now: u64,
    },
}

#[methods(unless_feature = "library")]
impl OracleEscrow {
    /// Deposits the value that is sent. Returns the number of the escrow.
    #[payable]
    pub fn open(&mut self, payee: Address, oracle: [u8; 32], deadline: u64) -> Result<u32, Error> {
        if deadline <= env::block_time() {
            return Err(Error::DeadlineInThePast);
        }
        let number = self.count.get_or_default();
        self.count.set(&(number + 1));
        let escrow = Escrow {
            payer: env::caller(),
            payee,
            oracle,
            deadline,
            amount: env::value(),
        };
        self.escrows.set(&number, &escrow);
        self.emit(Opened { number, escrow });
        Ok(number)
    }

    /// Pays out by the oracle's report. Anybody can send it: the signature is what counts.
    pub fn settle(&mut self, number: u32, is_met: bool, signature: [u8; 64]) -> Result<(), Error> {
        let escrow = self.escrows.get(&number).ok_or(Error::UnknownEscrow)?;
        if env::block_time() >= escrow.deadline {
            return Err(Error::TooLate);
        }
        // The contract builds the message itself. What it is about is never taken from the caller.
        let report = Report {
            domain: Report::DOMAIN,
            chain_id: env::chain_id(),
            contract: env::self_address(),
            number,
            deadline: escrow.deadline,
            is_met,
        };
        if !crypto::ed25519_verify(&escrow.oracle, &signature, &to_vec(&report)) {
            return Err(Error::WrongSignature);
        }
        let to = match is_met {
            true => escrow.payee,
            false => escrow.payer,
        };
        self.close(number, to, escrow.amount);
        Ok(())
    }

    /// Sends the amount back to the payer, once the deadline is over.
    pub fn refund(&mut self, number: u32) -> Result<(), Error> {
        let escrow = self.escrows.get(&number).ok_or(Error::UnknownEscrow)?;
        let (deadline, now) = (escrow.deadline, env::block_time());
        if now < deadline {
            return Err(Error::TooEarly { deadline, now });
        }
        self.close(number, escrow.payer, escrow.amount);
        Ok(())
    }

    /// An escrow that has not ended.
    pub fn escrow(&self, number: u32) -> Option<Escrow> {
        self.escrows.get(&number)
    }

    fn close(&mut self, number: u32, to: Address, amount: u128) {
        // Before the transfer, whose receiver might call back.
        self.escrows.remove(&number);
        self.emit(Closed { number, to });
        call::transfer(to, amount);
    }
}
