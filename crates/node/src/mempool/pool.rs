//! The transactions that wait, in their order, without what makes them valid.
//!
//! All orders are total: by price, then by arrival. Each operation takes logarithmic time in the
//! number of transactions, and linear time in those of one sender.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    mem,
};

use fusee_contract::Address;
use fusee_engine::Gas;
use fusee_ledger::{BlockLimits, TransactionId};

use super::{Dropped, MempoolLimits, Rejected};

/// A transaction that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) id: TransactionId,
    pub(super) sender: Address,
    pub(super) nonce: u64,
    /// The account that pays for the gas.
    pub(super) payer: Address,
    /// The most that another account than the sender pays. 0: the sender pays.
    pub(super) sponsored: u128,
    pub(super) price: u128,
    /// The last height that can include it.
    pub(super) expiry: u64,
    pub(super) gas: Gas,
    pub(super) bytes: Vec<u8>,
}

/// The transactions that wait.
#[derive(Debug, Default)]
pub(super) struct Pool {
    senders: BTreeMap<Address, Queue>,
    ids: BTreeMap<TransactionId, (Address, u64)>,
    /// The last transaction of each sender. The first one here is the first to be evicted.
    tails: BTreeSet<Tail>,
    /// What accounts pay for others at most, together.
    sponsors: BTreeMap<Address, u128>,
    bytes: u64,
    arrivals: u64,
}

/// The transactions of one sender.
#[derive(Debug)]
struct Queue {
    /// The next nonce of the account. No transaction has a lower one.
    next: u64,
    waiting: BTreeMap<u64, Arrived>,
    bytes: u64,
    /// What `tails` has of this sender.
    tail: Option<Tail>,
}

#[derive(Clone, Debug)]
struct Arrived {
    arrival: u64,
    /// The next nonce of its sender when it was added or taken.
    next: u64,
    it: Waiting,
}

/// The rank of a transaction for eviction: what has to wait for a missing nonce is worth less than
/// anything that a block can include.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_ready: bool,
    price: u128,
}

/// Of equal rank, the one that came last is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tail {
    rank: Rank,
    arrival: Reverse<u64>,
    sender: Address,
    nonce: u64,
}

/// The place of a sender's first transaction among those of others. The greatest goes first.
type Place = (u128, Reverse<u64>, Address, u64);

impl Pool {
    /// The number of transactions.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The size of all encodings in bytes.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn contains(&self, id: &TransactionId) -> bool {
        self.ids.contains_key(id)
    }

    /// The encoding of a transaction that waits.
    pub(super) fn transaction(&self, id: &TransactionId) -> Option<&[u8]> {
        let (sender, nonce) = self.ids.get(id)?;
        let arrived = self.senders.get(sender)?.waiting.get(nonce)?;
        Some(&arrived.it.bytes)
    }

    /// The encodings of all transactions, those of each sender in the order of their nonces.
    pub(super) fn transactions(&self) -> impl Iterator<Item = &[u8]> {
        let waiting = self
            .senders
            .values()
            .flat_map(|queue| queue.waiting.values());
        waiting.map(|arrived| arrived.it.bytes.as_slice())
    }

    /// The ids, in their order.
    pub(super) fn ids(&self) -> impl Iterator<Item = TransactionId> {
        self.ids.keys().copied()
    }

    /// The nonce after those of a sender that wait without a gap. `None` if none waits.
    pub(super) fn next_nonce(&self, sender: Address) -> Option<u64> {
        let queue = self.senders.get(&sender)?;
        let mut next = queue.next;
        while queue.waiting.contains_key(&next) {
            next = next.checked_add(1)?;
        }
        Some(next)
    }

    pub(super) fn senders(&self) -> impl Iterator<Item = Address> {
        self.senders.keys().copied()
    }

    /// Adds a transaction of a sender whose next nonce is `next`, and whose payer has so much.
    /// Returns those that had to make room. If it is rejected, nothing has changed.
    pub(super) fn insert(
        &mut self,
        it: Waiting,
        (next, funds): (u64, u128),
        limits: &MempoolLimits,
    ) -> Result<Vec<(TransactionId, Dropped)>, Rejected> {
        if self.contains(&it.id) {
            return Err(Rejected::AlreadyKnown { id: it.id });
        }
        let replaced = self.replaced_by(&it)?;
        self.check_sender(&it, replaced, limits)?;
        self.check_sponsor(&it, replaced, funds)?;
        let is_ready = self.is_ready(&it, next);
        let rank = Rank {
            is_ready,
            price: it.price,
        };
        let mut taken: Vec<Arrived> = Vec::new();
        taken.extend(replaced.and_then(|id| self.take(&id)));
        while self.exceeds(&it, limits) {
            let victim = self.victim(&it, rank);
            let Some(victim) = victim.and_then(|id| self.take(&id)) else {
                for arrived in taken {
                    self.put(arrived);
                }
                return Err(Rejected::Full { price: it.price });
            };
            taken.push(victim);
        }
        let by = it.id;
        let arrival = self.arrivals;
        self.arrivals = arrival.saturating_add(1);
        self.put(Arrived { arrival, next, it });
        let dropped = taken.into_iter().map(|arrived| {
            let id = arrived.it.id;
            let dropped = match replaced == Some(id) {
                true => Dropped::Replaced { by },
                false => Dropped::Evicted,
            };
            (id, dropped)
        });
        Ok(dropped.collect())
    }

    /// Removes a transaction.
    pub(super) fn remove(&mut self, id: &TransactionId) -> Option<Waiting> {
        self.take(id).map(|arrived| arrived.it)
    }

    /// Sets the next nonce of a sender. Transactions with lower ones were removed before.
    pub(super) fn set_next(&mut self, sender: Address, next: u64) {
        if let Some(queue) = self.senders.get_mut(&sender) {
            queue.next = next;
            self.refresh(sender);
        }
    }

    /// The ids of all transactions.
    pub(super) fn all(&self) -> Vec<TransactionId> {
        self.ids.keys().copied().collect()
    }

    /// The transactions whose sender or payer is one of these, and those that have expired at a
    /// height.
    pub(super) fn affected(&self, by: &BTreeSet<Address>, height: u64) -> Vec<TransactionId> {
        let waiting = self
            .senders
            .values()
            .flat_map(|queue| queue.waiting.values());
        let affected = waiting.filter(|Arrived { it, .. }| {
            it.expiry < height || by.contains(&it.sender) || by.contains(&it.payer)
        });
        affected.map(|arrived| arrived.it.id).collect()
    }

    /// Takes the encoding of a transaction, to be put back by
    /// [`return_bytes`](Self::return_bytes).
    pub(super) fn lend_bytes(&mut self, id: &TransactionId) -> Vec<u8> {
        let arrived = self.arrived(id);
        arrived.map_or_else(Vec::new, |arrived| mem::take(&mut arrived.it.bytes))
    }

    /// Puts an encoding back.
    pub(super) fn return_bytes(&mut self, id: &TransactionId, bytes: Vec<u8>) {
        if let Some(arrived) = self.arrived(id) {
            arrived.it.bytes = bytes;
        }
    }

    fn arrived(&mut self, id: &TransactionId) -> Option<&mut Arrived> {
        let (sender, nonce) = self.ids.get(id)?;
        self.senders.get_mut(sender)?.waiting.get_mut(nonce)
    }

    /// What a block with these limits can include: the dearest first, those of each sender in the
    /// order of their nonces. A sender whose next transaction does not fit is left out from there.
    pub(super) fn candidates(&self, limits: &BlockLimits) -> Vec<&Waiting> {
        let heads = self
            .senders
            .values()
            .filter_map(|queue| queue.place(queue.next));
        let mut heads: BinaryHeap<Place> = heads.collect();
        let mut left = *limits;
        let mut chosen = Vec::new();
        while let Some((_, _, sender, nonce)) = heads.pop() {
            let Some(queue) = self.senders.get(&sender) else {
                continue;
            };
            let Some(arrived) = queue.waiting.get(&nonce) else {
                continue;
            };
            if left.transactions == 0 {
                break;
            }
            if take_room(&mut left, &arrived.it) {
                chosen.push(&arrived.it);
                heads.extend(nonce.checked_add(1).and_then(|nonce| queue.place(nonce)));
            }
        }
        chosen
    }

    /// The transaction with the same nonce, if the new one pays enough to replace it.
    fn replaced_by(&self, it: &Waiting) -> Result<Option<TransactionId>, Rejected> {
        let queue = self.senders.get(&it.sender);
        let Some(old) = queue.and_then(|queue| queue.waiting.get(&it.nonce)) else {
            return Ok(None);
        };
        let required = old
            .it
            .price
            .saturating_add(old.it.price.div_ceil(10).max(1));
        match it.price < required {
            true => Err(Rejected::ReplacementTooCheap {
                id: old.it.id,
                price: it.price,
                required,
            }),
            false => Ok(Some(old.it.id)),
        }
    }

    fn check_sender(
        &self,
        it: &Waiting,
        replaced: Option<TransactionId>,
        limits: &MempoolLimits,
    ) -> Result<(), Rejected> {
        let Some(queue) = self.senders.get(&it.sender) else {
            return Ok(());
        };
        let replaced = replaced.and_then(|_| queue.waiting.get(&it.nonce));
        let replaced_bytes = replaced.map_or(0, |old| size(&old.it));
        let count = queue
            .waiting
            .len()
            .saturating_sub(usize::from(replaced.is_some()));
        let bytes = queue
            .bytes
            .saturating_sub(replaced_bytes)
            .saturating_add(size(it));
        if count >= limits.sender_transactions || bytes > limits.sender_bytes {
            return Err(Rejected::SenderFull {
                sender: it.sender,
                transactions: limits.sender_transactions,
                bytes: limits.sender_bytes,
            });
        }
        Ok(())
    }

    /// What an account pays for others has to be there for all of them: a block would find out only
    /// after they have displaced transactions that are paid for.
    fn check_sponsor(
        &self,
        it: &Waiting,
        replaced: Option<TransactionId>,
        balance: u128,
    ) -> Result<(), Rejected> {
        if it.sponsored == 0 {
            return Ok(());
        }
        let replaced = replaced.and_then(|id| {
            let (sender, nonce) = self.ids.get(&id)?;
            self.senders.get(sender)?.waiting.get(nonce)
        });
        let freed = replaced.filter(|old| old.it.payer == it.payer);
        let freed = freed.map_or(0, |old| old.it.sponsored);
        let before = self.sponsors.get(&it.payer).copied().unwrap_or_default();
        let cost = before.saturating_sub(freed).saturating_add(it.sponsored);
        match cost <= balance {
            true => Ok(()),
            false => Err(Rejected::PayerFull {
                payer: it.payer,
                cost,
                balance,
            }),
        }
    }

    /// Whether a block can include it once those before it are.
    fn is_ready(&self, it: &Waiting, next: u64) -> bool {
        let queue = self.senders.get(&it.sender);
        let before = queue.map_or(0, |queue| queue.waiting.range(next..it.nonce).count());
        u64::try_from(before) == Ok(it.nonce.saturating_sub(next))
    }

    fn exceeds(&self, it: &Waiting, limits: &MempoolLimits) -> bool {
        self.len() >= limits.transactions || self.bytes.saturating_add(size(it)) > limits.bytes
    }

    /// The transaction to be evicted for a new one, if one is worth less. No sender's transaction
    /// makes room for a later one of its own.
    fn victim(&self, it: &Waiting, rank: Rank) -> Option<TransactionId> {
        let mut tails = self.tails.iter();
        let tail = tails.find(|tail| tail.sender != it.sender || tail.nonce > it.nonce)?;
        let queue = self.senders.get(&tail.sender)?;
        let id = queue.waiting.get(&tail.nonce)?.it.id;
        (tail.rank < rank).then_some(id)
    }

    fn take(&mut self, id: &TransactionId) -> Option<Arrived> {
        let (sender, nonce) = self.ids.remove(id)?;
        let queue = self.senders.get_mut(&sender)?;
        let mut arrived = queue.waiting.remove(&nonce)?;
        arrived.next = queue.next;
        let bytes = size(&arrived.it);
        queue.bytes = queue.bytes.saturating_sub(bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(sum) = self.sponsors.get_mut(&arrived.it.payer) {
            *sum = sum.saturating_sub(arrived.it.sponsored);
            if *sum == 0 {
                self.sponsors.remove(&arrived.it.payer);
            }
        }
        self.refresh(sender);
        Some(arrived)
    }

    fn put(&mut self, arrived: Arrived) {
        let (sender, next) = (arrived.it.sender, arrived.next);
        let bytes = size(&arrived.it);
        self.ids.insert(arrived.it.id, (sender, arrived.it.nonce));
        self.bytes = self.bytes.saturating_add(bytes);
        if arrived.it.sponsored > 0 {
            let sum = self.sponsors.entry(arrived.it.payer).or_default();
            *sum = sum.saturating_add(arrived.it.sponsored);
        }
        let queue = self.senders.entry(sender).or_insert_with(|| Queue {
            next,
            waiting: BTreeMap::new(),
            bytes: 0,
            tail: None,
        });
        queue.bytes = queue.bytes.saturating_add(bytes);
        queue.waiting.insert(arrived.it.nonce, arrived);
        self.refresh(sender);
    }

    /// Brings `tails` up to date, and forgets a sender without transactions.
    fn refresh(&mut self, sender: Address) {
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        let tail = queue.last();
        if let Some(old) = mem::replace(&mut queue.tail, tail) {
            self.tails.remove(&old);
        }
        match tail {
            Some(tail) => {
                self.tails.insert(tail);
            }
            None => {
                self.senders.remove(&sender);
            }
        }
    }
}

impl Queue {
    fn last(&self) -> Option<Tail> {
        let (nonce, arrived) = self.waiting.last_key_value()?;
        let count = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        Some(Tail {
            rank: Rank {
                is_ready: nonce.saturating_sub(self.next) < count,
                price: arrived.it.price,
            },
            arrival: Reverse(arrived.arrival),
            sender: arrived.it.sender,
            nonce: *nonce,
        })
    }

    fn place(&self, nonce: u64) -> Option<Place> {
        let arrived = self.waiting.get(&nonce)?;
        let it = &arrived.it;
        Some((it.price, Reverse(arrived.arrival), it.sender, nonce))
    }
}

fn size(it: &Waiting) -> u64 {
    u64::try_from(it.bytes.len()).unwrap_or(u64::MAX)
}

/// Takes the room of a transaction from what is left, if it is enough.
fn take_room(left: &mut BlockLimits, it: &Waiting) -> bool {
    let room = (
        left.transactions.checked_sub(1),
        left.bytes.checked_sub(size(it)),
        left.gas.checked_sub(it.gas),
    );
    match room {
        (Some(transactions), Some(bytes), Some(gas)) => {
            *left = BlockLimits {
                gas,
                bytes,
                transactions,
            };
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
