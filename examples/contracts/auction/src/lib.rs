//! An auction of one thing, which ends at a time.
//!
//! Bids are sent along. A bid that was exceeded waits to be withdrawn by its bidder: a contract
//! that sent it back could be made to fail by a bidder that refuses it.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::prelude::*;

/// An auction that ends at a time. The highest bid goes to the seller.
#[contract(events(Bid, Ended))]
pub struct Auction {
    seller: Value<Address>,
    ends: Value<u64>,
    highest: Value<Offer>,
    refunds: Map<Address, u128>,
    is_settled: Value<bool>,
}

/// A bid that is the highest so far.
#[derive(Codec, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who made it.
    pub bidder: Address,
    /// How much it is.
    pub amount: u128,
}

/// Somebody made the highest bid.
#[event]
pub struct Bid {
    /// Who made it.
    #[topic]
    pub bidder: Address,
    /// How much it is.
    pub amount: u128,
}

/// The auction has ended.
#[event]
pub struct Ended {
    /// The highest bid, if there was one.
    pub winner: Option<Offer>,
}

/// Why nothing is done.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// No more bids are taken.
    TooLate,
    /// The auction goes on.
    #[message("the auction ends at {ends}, and it is {now}")]
    TooEarly {
        /// When it ends, in milliseconds since the Unix epoch.
        ends: u64,
        /// The time of the block.
        now: u64,
    },
    /// Another bid is as high.
    #[message("the highest bid is {highest}")]
    TooLow {
        /// The highest bid.
        highest: u128,
    },
    /// There is nothing to withdraw.
    NothingToWithdraw,
    /// The auction was settled before.
    SettledBefore,
}

#[methods(unless_feature = "library")]
impl Auction {
    /// Begins an auction of the caller, which takes so many milliseconds.
    pub fn deploy(&mut self, duration: u64) {
        self.seller.set(&env::caller());
        self.ends.set(&(env::block_time() + duration));
    }

    /// Bids the value that is sent.
    #[payable]
    pub fn bid(&mut self) -> Result<(), Error> {
        if env::block_time() >= self.ends.get_or_default() {
            return Err(Error::TooLate);
        }
        let (bidder, amount) = (env::caller(), env::value());
        let before = self.highest.get();
        let highest = before.map_or(0, |before| before.amount);
        if amount <= highest {
            return Err(Error::TooLow { highest });
        }
        if let Some(before) = before {
            let refund = self.refunds.get_or_default(&before.bidder) + before.amount;
            self.refunds.set(&before.bidder, &refund);
        }
        self.highest.set(&Offer { bidder, amount });
        self.emit(Bid { bidder, amount });
        Ok(())
    }

    /// Sends the caller's exceeded bids back.
    pub fn withdraw(&mut self) -> Result<u128, Error> {
        let bidder = env::caller();
        let amount = self.refunds.get(&bidder).ok_or(Error::NothingToWithdraw)?;
        // Before the call, which might come back.
        self.refunds.remove(&bidder);
        call::transfer(bidder, amount);
        Ok(amount)
    }

    /// Ends the auction, once its time is over: the seller gets the highest bid.
    pub fn settle(&mut self) -> Result<(), Error> {
        let (ends, now) = (self.ends.get_or_default(), env::block_time());
        if now < ends {
            return Err(Error::TooEarly { ends, now });
        }
        if self.is_settled.get_or_default() {
            return Err(Error::SettledBefore);
        }
        self.is_settled.set(&true);
        let winner = self.highest.get();
        if let (Some(winner), Some(seller)) = (winner, self.seller.get()) {
            call::transfer(seller, winner.amount);
        }
        self.emit(Ended { winner });
        Ok(())
    }

    /// The highest bid so far.
    pub fn highest(&self) -> Option<Offer> {
        self.highest.get()
    }
}
