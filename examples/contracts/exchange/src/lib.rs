//! A constant-product exchange of two tokens.
//!
//! The product of both reserves never falls by a swap. A fee of 0.3% stays in the reserves, and so
//! belongs to those who provided them.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::prelude::*;
use token::TokenClient;

/// What is taken of a swap, in thousandths.
const FEE: u128 = 3;

/// A constant-product exchange of two tokens.
#[contract(events(Provided, Withdrawn, Swapped))]
pub struct Exchange {
    tokens: Value<(Address, Address)>,
    reserves: Value<(u64, u64)>,
    shares: Map<Address, u64>,
    all_shares: Value<u64>,
}

/// Somebody added to the reserves.
#[event]
pub struct Provided {
    /// Who did.
    pub provider: Address,
    /// How many of the first token.
    pub first: u64,
    /// How many of the second token.
    pub second: u64,
    /// The shares that they became.
    pub shares: u64,
}

/// Somebody took a share of the reserves.
#[event]
pub struct Withdrawn {
    /// Who did.
    pub provider: Address,
    /// How many of the first token.
    pub first: u64,
    /// How many of the second token.
    pub second: u64,
}

/// Somebody exchanged tokens.
#[event]
pub struct Swapped {
    /// Who did.
    #[topic]
    pub trader: Address,
    /// The token that was sold.
    pub sold: Address,
    /// How many of it.
    pub amount: u64,
    /// How many of the other token were bought.
    pub bought: u64,
}

/// Why tokens are not exchanged.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The exchange is of other tokens.
    UnknownToken,
    /// Fewer tokens would be bought than wanted.
    #[message("{amount} would be bought, and at least {least} are wanted")]
    TooFew {
        /// How many would be bought.
        amount: u64,
        /// How many are wanted.
        least: u64,
    },
    /// The provider has fewer shares.
    #[message("insufficient shares: has {has}, needs {needs}")]
    InsufficientShares {
        /// The shares of the provider.
        has: u64,
        /// The shares to be withdrawn.
        needs: u64,
    },
    /// It would not be a share of the reserves.
    NothingProvided,
}

#[methods(unless_feature = "library")]
impl Exchange {
    /// Makes an exchange of two tokens.
    pub fn deploy(&mut self, first: Address, second: Address) {
        self.tokens.set(&(first, second));
    }

    /// Adds to the reserves, out of allowances of both tokens: at most so many of each, in the
    /// ratio of the reserves. Returns the shares that they become.
    pub fn provide(&mut self, first: u64, second: u64) -> Result<u64, Error> {
        let (reserve_first, reserve_second) = self.reserves.get_or_default();
        let all = self.all_shares.get_or_default();
        let (first, second, shares) = match all {
            0 => (
                first,
                second,
                square_root(u128::from(first) * u128::from(second)),
            ),
            _ => {
                let shares =
                    share(first, all, reserve_first).min(share(second, all, reserve_second));
                // Rounded up, so that shares never become worth less.
                let needed = |reserve| {
                    narrow((u128::from(shares) * u128::from(reserve)).div_ceil(all.into()))
                };
                (needed(reserve_first), needed(reserve_second), shares)
            }
        };
        if shares == 0 {
            return Err(Error::NothingProvided);
        }
        let provider = env::caller();
        let has = self.shares.get_or_default(&provider);
        self.shares.set(&provider, &(has + shares));
        self.all_shares.set(&(all + shares));
        self.reserves
            .set(&(reserve_first + first, reserve_second + second));
        let (token_first, token_second) = self.tokens();
        let this = env::self_address();
        token_first.transfer_from(provider, this, first).call();
        token_second.transfer_from(provider, this, second).call();
        self.emit(Provided {
            provider,
            first,
            second,
            shares,
        });
        Ok(shares)
    }

    /// Takes shares of the caller out of the reserves. Returns how many of each token they were.
    pub fn withdraw(&mut self, shares: u64) -> Result<(u64, u64), Error> {
        let provider = env::caller();
        let has = self.shares.get_or_default(&provider);
        let rest = has
            .checked_sub(shares)
            .ok_or(Error::InsufficientShares { has, needs: shares })?;
        let all = self.all_shares.get_or_default();
        if shares == 0 {
            return Err(Error::NothingProvided);
        }
        let (reserve_first, reserve_second) = self.reserves.get_or_default();
        let (first, second) = (
            share(shares, reserve_first, all),
            share(shares, reserve_second, all),
        );
        self.shares.set(&provider, &rest);
        self.all_shares.set(&(all - shares));
        self.reserves
            .set(&(reserve_first - first, reserve_second - second));
        let (token_first, token_second) = self.tokens();
        token_first.transfer(provider, first).call();
        token_second.transfer(provider, second).call();
        self.emit(Withdrawn {
            provider,
            first,
            second,
        });
        Ok((first, second))
    }

    /// Sells so many of a token, out of an allowance, for at least so many of the other one.
    /// Returns how many were bought.
    pub fn swap(&mut self, sold: Address, amount: u64, least: u64) -> Result<u64, Error> {
        let bought = self.price(sold, amount)?;
        if bought < least {
            return Err(Error::TooFew {
                amount: bought,
                least,
            });
        }
        let (first, second) = self.tokens.get().ok_or(Error::UnknownToken)?;
        let (reserve_first, reserve_second) = self.reserves.get_or_default();
        let (reserves, other) = match sold == first {
            true => ((reserve_first + amount, reserve_second - bought), second),
            false => ((reserve_first - bought, reserve_second + amount), first),
        };
        self.reserves.set(&reserves);
        let trader = env::caller();
        TokenClient::at(sold)
            .transfer_from(trader, env::self_address(), amount)
            .call();
        TokenClient::at(other).transfer(trader, bought).call();
        self.emit(Swapped {
            trader,
            sold,
            amount,
            bought,
        });
        Ok(bought)
    }

    /// How many of the other token so many of a token buy.
    pub fn price(&self, sold: Address, amount: u64) -> Result<u64, Error> {
        let (first, second) = self.tokens.get().ok_or(Error::UnknownToken)?;
        let (reserve_first, reserve_second) = self.reserves.get_or_default();
        let (of_sold, of_bought) = match sold {
            _ if sold == first => (reserve_first, reserve_second),
            _ if sold == second => (reserve_second, reserve_first),
            _ => return Err(Error::UnknownToken),
        };
        let counted = u128::from(amount) * (1_000 - FEE) / 1_000;
        // Less than the reserve.
        Ok(match u128::from(of_sold) + counted {
            0 => 0,
            all => narrow(counted * u128::from(of_bought) / all),
        })
    }

    /// The reserves of both tokens.
    pub fn reserves(&self) -> (u64, u64) {
        self.reserves.get_or_default()
    }

    /// The shares of a provider.
    pub fn shares_of(&self, provider: Address) -> u64 {
        self.shares.get_or_default(&provider)
    }

    fn tokens(&self) -> (TokenClient, TokenClient) {
        let (first, second) = self.tokens.get().unwrap_or_default();
        (TokenClient::at(first), TokenClient::at(second))
    }
}

/// `part` of `whole` times `of`, rounded down.
fn share(part: u64, of: u64, whole: u64) -> u64 {
    narrow(u128::from(part) * u128::from(of) / u128::from(whole))
}

fn narrow(number: u128) -> u64 {
    u64::try_from(number).expect("it is a part of a number of 64 bits")
}

fn square_root(number: u128) -> u64 {
    let (mut low, mut high) = (0_u64, u64::MAX);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match u128::from(middle) * u128::from(middle) <= number {
            true => low = middle,
            false => high = middle - 1,
        }
    }
    low
}
