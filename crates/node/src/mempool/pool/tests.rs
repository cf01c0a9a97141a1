//! The pool against a model that is nothing but its rules.

use proptest::prelude::*;

use super::*;

/// A pool as a list, by the rules alone.
#[derive(Clone, Debug, Default)]
struct Model {
    waiting: Vec<(u64, Waiting)>,
    next: BTreeMap<Address, u64>,
    arrivals: u64,
}

/// What each account has that pays for others.
const FUNDS: u128 = 40;

fn limits() -> MempoolLimits {
    MempoolLimits {
        transactions: 6,
        bytes: 60,
        sender_transactions: 4,
        sender_bytes: 40,
        nonce_window: 5,
    }
}

impl Model {
    fn next(&self, sender: Address) -> u64 {
        self.next.get(&sender).copied().unwrap_or(0)
    }

    fn of(&self, sender: Address) -> impl Iterator<Item = &(u64, Waiting)> {
        self.waiting
            .iter()
            .filter(move |(_, it)| it.sender == sender)
    }

    fn has(&self, sender: Address, nonce: u64) -> bool {
        self.of(sender).any(|(_, it)| it.nonce == nonce)
    }

    fn is_ready(&self, it: &Waiting) -> bool {
        (self.next(it.sender)..it.nonce).all(|nonce| self.has(it.sender, nonce))
    }

    fn bytes(&self) -> usize {
        self.waiting.iter().map(|(_, it)| it.bytes.len()).sum()
    }

    fn insert(&mut self, it: Waiting) -> Result<Vec<(TransactionId, Dropped)>, &'static str> {
        if self.waiting.iter().any(|(_, other)| other.id == it.id) {
            return Err("known");
        }
        let mut after = self.clone();
        let mut dropped = Vec::new();
        let same =
            |(_, other): &(u64, Waiting)| (other.sender, other.nonce) == (it.sender, it.nonce);
        if let Some(index) = after.waiting.iter().position(same) {
            let (_, old) = after.waiting.remove(index);
            // A tenth more, and more at all.
            if it.price * 10 < old.price * 11 || it.price == old.price {
                return Err("cheap");
            }
            dropped.push((old.id, Dropped::Replaced { by: it.id }));
        }
        let own: usize = after.of(it.sender).map(|(_, it)| it.bytes.len()).sum();
        if after.of(it.sender).count() >= 4 || own + it.bytes.len() > 40 {
            return Err("sender");
        }
        let of_payer = after
            .waiting
            .iter()
            .filter(|(_, other)| other.payer == it.payer);
        let sponsored: u128 = of_payer.map(|(_, other)| other.sponsored).sum();
        if it.sponsored > 0 && sponsored + it.sponsored > FUNDS {
            return Err("payer");
        }
        let rank = (after.is_ready(&it), it.price);
        while after.waiting.len() >= 6 || after.bytes() + it.bytes.len() > 60 {
            let is_last = |other: &Waiting| {
                after
                    .of(other.sender)
                    .all(|(_, later)| later.nonce <= other.nonce)
            };
            let least = after.waiting.iter().enumerate();
            let least = least.filter(|(_, (_, other))| {
                is_last(other) && (other.sender != it.sender || other.nonce > it.nonce)
            });
            let least = least.min_by_key(|(_, (arrival, other))| {
                (after.is_ready(other), other.price, Reverse(*arrival))
            });
            let Some((index, (_, victim))) = least else {
                return Err("full");
            };
            if (after.is_ready(victim), victim.price) >= rank {
                return Err("full");
            }
            dropped.push((victim.id, Dropped::Evicted));
            after.waiting.remove(index);
        }
        after.waiting.push((after.arrivals, it));
        after.arrivals += 1;
        *self = after;
        Ok(dropped)
    }

    fn candidates(&self, limits: &BlockLimits) -> Vec<TransactionId> {
        let mut next: BTreeMap<Address, Option<u64>> = BTreeMap::new();
        for (_, it) in &self.waiting {
            next.insert(it.sender, Some(self.next(it.sender)));
        }
        let mut left = *limits;
        let mut chosen = Vec::new();
        loop {
            let heads = self.waiting.iter();
            let heads = heads.filter(|(_, it)| next[&it.sender] == Some(it.nonce));
            let Some((_, it)) = heads.max_by_key(|(arrival, it)| (it.price, Reverse(*arrival)))
            else {
                return chosen;
            };
            let size = u64::try_from(it.bytes.len()).unwrap();
            if left.transactions >= 1 && left.bytes >= size && left.gas >= it.gas {
                left.transactions -= 1;
                left.bytes -= size;
                left.gas = left.gas.checked_sub(it.gas).unwrap();
                chosen.push(it.id);
                next.insert(it.sender, Some(it.nonce + 1));
            } else {
                next.insert(it.sender, None);
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert {
        sender: u8,
        ahead: u64,
        price: u128,
        size: usize,
    },
    /// Includes the first candidates, as a block.
    Include(u32),
    /// Drops one that waits.
    Drop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let insert = (0_u8..4, 0_u64..5, 0_u128..30, 1_usize..25);
    prop_oneof![
        12 => insert.prop_map(|(sender, ahead, price, size)| Step::Insert { sender, ahead, price, size }),
        2 => (0_u32..3).prop_map(Step::Include),
        1 => (0_usize..6).prop_map(Step::Drop),
    ]
}

fn name(error: &Rejected) -> &'static str {
    match error {
        Rejected::AlreadyKnown { .. } => "known",
        Rejected::ReplacementTooCheap { .. } => "cheap",
        Rejected::SenderFull { .. } => "sender",
        Rejected::PayerFull { .. } => "payer",
        Rejected::Full { .. } => "full",
        other => panic!("{other}"),
    }
}

fn block(transactions: u32) -> BlockLimits {
    BlockLimits {
        gas: Gas::new(25),
        bytes: 40,
        transactions,
    }
}

/// An id for each content, so that equal transactions are the same one.
fn waiting(sender: u8, nonce: u64, price: u128, size: usize) -> Waiting {
    let mut id = [0; 32];
    id[0] = sender;
    id[1] = u8::try_from(nonce).unwrap();
    id[2] = u8::try_from(price).unwrap();
    id[3] = u8::try_from(size).unwrap();
    Waiting {
        id: TransactionId::from_bytes(id),
        sender: Address::new([sender; 32]),
        nonce,
        payer: Address::new([sender & 1; 32]),
        // The first two pay for themselves and for one other each.
        sponsored: if sender > 1 { price } else { 0 },
        price,
        expiry: nonce.saturating_mul(10),
        gas: Gas::new(u64::try_from(size).unwrap()),
        bytes: vec![sender; size],
    }
}

fn ids(chosen: Vec<&Waiting>) -> Vec<TransactionId> {
    chosen.into_iter().map(|it| it.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_pool_does_what_its_rules_say(steps in proptest::collection::vec(step(), 1..60)) {
        let (mut pool, mut model) = (Pool::default(), Model::default());
        for step in steps {
            match step {
                Step::Insert { sender, ahead, price, size } => {
                    let next = model.next(Address::new([sender; 32]));
                    let it = waiting(sender, next + ahead, price, size);
                    let before = (pool.len(), pool.bytes());
                    let inserted = pool.insert(it.clone(), (next, FUNDS), &limits());
                    if inserted.is_err() {
                        prop_assert_eq!(before, (pool.len(), pool.bytes()));
                    }
                    prop_assert_eq!(inserted.map_err(|error| name(&error)), model.insert(it));
                }
                Step::Include(count) => {
                    for id in ids(pool.candidates(&block(count))) {
                        let it = pool.remove(&id).unwrap();
                        model.waiting.retain(|(_, other)| other.id != id);
                        model.next.insert(it.sender, it.nonce + 1);
                        pool.set_next(it.sender, it.nonce + 1);
                    }
                }
                Step::Drop(index) => {
                    if index < model.waiting.len() {
                        let (_, it) = model.waiting.remove(index);
                        prop_assert_eq!(pool.remove(&it.id), Some(it));
                    }
                }
            }
            for id in pool.all() {
                let bytes = pool.lend_bytes(&id);
                pool.return_bytes(&id, bytes);
            }
            let affected = |it: &Waiting| it.expiry < 20 || it.payer == Address::new([1; 32]);
            let affected = model.waiting.iter().filter(|(_, it)| affected(it));
            let mut affected: Vec<_> = affected.map(|(_, it)| it.id).collect();
            affected.sort();
            let mut found = pool.affected(&BTreeSet::from([Address::new([1; 32])]), 20);
            found.sort();
            prop_assert_eq!(found, affected);
            prop_assert_eq!(pool.len(), model.waiting.len());
            prop_assert_eq!(pool.bytes(), u64::try_from(model.bytes()).unwrap());
            for (_, it) in &model.waiting {
                prop_assert_eq!(pool.transaction(&it.id), Some(&it.bytes[..]));
            }
            let chosen = ids(pool.candidates(&block(u32::MAX)));
            prop_assert_eq!(chosen, model.candidates(&block(u32::MAX)));
        }
    }
}
