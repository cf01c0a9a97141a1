//! The mempool on a real ledger. Its order and bounds have a model in the unit tests.

use std::sync::{Arc, Mutex, OnceLock};

use fusee_chain::Chain;
use fusee_engine::Gas;
use fusee_ledger::{BlockLimits, Invalid, TransactionBody};
use fusee_node::{Dropped, Mempool, MempoolLimits, Rejected};

use fusee_state::{Direction, KeyRange, StateError, StateReader, Value};

use crate::world::{MIGRATION, account, body, commit, id, open, priced, sign, to_nine, transfer};

fn mempool(chain: &Chain) -> Mempool {
    let state = Arc::new(chain.version(None).unwrap());
    Mempool::new(chain.ledger().clone(), state, MempoolLimits::default()).unwrap()
}

fn all() -> BlockLimits {
    BlockLimits {
        gas: Gas::MAX,
        bytes: u64::MAX,
        transactions: u32::MAX,
    }
}

#[test]
fn what_no_block_can_include_is_rejected_with_the_reason_of_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let mempool = mempool(&chain);
    let good = transfer(1, 0);
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    let mut expired = body(1, 0, to_nine(1));
    expired.expiry = 0;
    let mut poor = body(1, 0, to_nine(u128::MAX / 2));
    poor.gas_price = 1;
    for (transaction, name) in [
        (b"nothing".to_vec(), "unknown_version"),
        (forged, "wrong_signature"),
        (sign(1, expired), "expired"),
        (sign(1, poor), "cannot_pay"),
        (transfer(1, 64), "future_nonce"),
        (priced(1, 0, 0), "price_below_minimum"),
    ] {
        let rejected = mempool.add(transaction).unwrap().unwrap_err();
        let Rejected::Invalid(invalid) = &rejected else {
            panic!("{rejected}");
        };
        assert_eq!(invalid.name(), name, "{invalid}");
    }
    assert_eq!(mempool.size().transactions, 0);
    assert_eq!(mempool.add(good.clone()).unwrap().unwrap().id, id(&good));
    let again = mempool.add(good.clone()).unwrap();
    assert_eq!(again, Err(Rejected::AlreadyKnown { id: id(&good) }));
}

#[test]
fn a_gap_is_waited_for_and_a_higher_price_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let mempool = mempool(&chain);
    let add = |transaction: &Vec<u8>| mempool.add(transaction.clone()).unwrap();
    let (later, other, first) = (priced(1, 1, 100), priced(2, 0, 50), priced(1, 0, 20));
    add(&later).unwrap();
    add(&other).unwrap();
    assert_eq!(mempool.candidates(&all()), std::slice::from_ref(&other));
    add(&first).unwrap();
    // Between senders the price decides, and within one the nonce.
    assert_eq!(
        mempool.candidates(&all()),
        [other.clone(), first.clone(), later.clone()]
    );
    let rejected = add(&priced(1, 0, 21)).unwrap_err();
    let (price, required) = (21, 22);
    let cheap = Rejected::ReplacementTooCheap {
        id: id(&first),
        price,
        required,
    };
    assert_eq!(rejected, cheap);
    let dearer = priced(1, 0, 60);
    let by = id(&dearer);
    assert_eq!(
        add(&dearer).unwrap().dropped,
        [(id(&first), Dropped::Replaced { by })]
    );
    assert_eq!(mempool.candidates(&all()), [dearer, later, other]);
}

#[test]
fn a_block_takes_its_transactions_and_what_is_invalid_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let mempool = mempool(&chain);
    let add = |transaction: &Vec<u8>| mempool.add(transaction.clone()).unwrap().unwrap();
    let included = transfer(1, 0);
    let follows = transfer(1, 1);
    // Has the nonce of one in the block.
    let beaten = priced(2, 0, 9);
    let expiring = TransactionBody {
        expiry: 1,
        ..body(3, 0, to_nine(1))
    };
    let expiring = sign(3, expiring);
    // Spends what the one in the block has spent.
    let poor = sign(4, body(4, 1, to_nine(999_000_000_000)));
    for transaction in [&included, &follows, &beaten, &expiring, &poor] {
        add(transaction);
    }
    let spends = sign(4, body(4, 0, to_nine(999_000_000_000)));
    let block = commit(&chain, vec![included, transfer(2, 0), spends]);
    let state = Arc::new(chain.version(None).unwrap());
    let mut dropped = mempool.committed(&block.transactions, state).unwrap();
    dropped.sort_by_key(|(id, _)| *id);
    let mut expected = vec![
        (id(&beaten), "past_nonce"),
        (id(&expiring), "expired"),
        (id(&poor), "cannot_pay"),
    ];
    expected.sort_by_key(|(id, _)| *id);
    let name = |dropped: &Dropped| match dropped {
        Dropped::Invalid(invalid) => invalid.name(),
        other => panic!("{other}"),
    };
    let found: Vec<_> = dropped.iter().map(|(id, why)| (*id, name(why))).collect();
    assert_eq!(found, expected);
    assert_eq!(mempool.candidates(&all()), std::slice::from_ref(&follows));
    assert_eq!(mempool.transaction(&id(&follows)), Some(follows));
    let rejected = mempool.add(transfer(1, 0)).unwrap().unwrap_err();
    assert_eq!(
        rejected,
        Rejected::Invalid(Invalid::PastNonce { nonce: 0, next: 1 })
    );
}

#[test]
fn a_sender_has_a_bound_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let mut limits = MempoolLimits::default();
    limits.sender_transactions = 2;
    limits.transactions = 3;
    let state = Arc::new(chain.version(None).unwrap());
    let mempool = Mempool::new(chain.ledger().clone(), state, limits).unwrap();
    let add = |transaction: Vec<u8>| mempool.add(transaction).unwrap();
    add(priced(1, 0, 5)).unwrap();
    let last = priced(1, 1, 5);
    add(last.clone()).unwrap();
    let rejected = add(priced(1, 2, 5)).unwrap_err();
    assert!(matches!(rejected, Rejected::SenderFull { sender, .. } if sender == account(1)));
    add(priced(2, 0, 5)).unwrap();
    assert_eq!(add(priced(3, 0, 5)), Err(Rejected::Full { price: 5 }));
    // Of equal prices the latest goes first, and no transaction leaves a gap behind it.
    let added = add(priced(3, 0, 6)).unwrap();
    assert_eq!(added.dropped.len(), 1);
    let added = add(priced(4, 0, 6)).unwrap();
    assert_eq!(added.dropped, [(id(&last), Dropped::Evicted)]);
}

#[test]
fn a_migration_concerns_everything_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let mempool = mempool(&chain);
    // Half of its balance does not pay for it.
    let rich = sign(4, body(4, 0, to_nine(600_000_000_000)));
    mempool.add(rich.clone()).unwrap().unwrap();
    mempool.add(transfer(1, 0)).unwrap().unwrap();
    for height in 1..=MIGRATION {
        let block = commit(&chain, Vec::new());
        let state = Arc::new(chain.version(None).unwrap());
        let dropped = mempool.committed(&block.transactions, state).unwrap();
        match (height == MIGRATION, &dropped[..]) {
            (false, []) => {}
            (true, [(dropped, Dropped::Invalid(Invalid::CannotPay { .. }))]) => {
                assert_eq!(*dropped, id(&rich));
            }
            _ => panic!("{height}: {dropped:?}"),
        }
    }
    assert_eq!(mempool.candidates(&all()), [transfer(1, 0)]);
}

#[test]
fn what_is_invalid_in_a_block_waits_on() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let mempool = mempool(&chain);
    mempool.add(transfer(1, 1)).unwrap().unwrap();
    mempool.add(transfer(1, 0)).unwrap().unwrap();
    // A consensus engine had them the other way round.
    let block = commit(&chain, vec![transfer(1, 1), transfer(1, 0)]);
    let state = Arc::new(chain.version(None).unwrap());
    assert_eq!(mempool.committed(&block.transactions, state).unwrap(), []);
    assert_eq!(mempool.candidates(&all()), [transfer(1, 1)]);
}

/// A state during whose next read something happens.
struct Interrupted {
    state: Arc<dyn StateReader>,
    event: Arc<OnceEvent>,
}

type OnceEvent = Mutex<Option<Box<dyn FnOnce() + Send>>>;

impl Interrupted {
    fn happen(&self) {
        let event = self.event.lock().unwrap().take();
        if let Some(event) = event {
            event();
        }
    }
}

impl StateReader for Interrupted {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.happen();
        self.state.read(key)
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        self.state.seek(range, direction)
    }
}

#[test]
fn a_block_that_is_committed_while_a_transaction_is_checked_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let event = Arc::new(OnceEvent::default());
    let state = Interrupted {
        state: Arc::new(chain.version(None).unwrap()),
        event: Arc::clone(&event),
    };
    let limits = MempoolLimits::default();
    let mempool = Arc::new(OnceLock::<Mempool>::new());
    let made = Mempool::new(chain.ledger().clone(), Arc::new(state), limits).unwrap();
    mempool.set(made).unwrap();
    let commits = {
        let (chain, mempool) = (Arc::clone(&chain), Arc::clone(&mempool));
        move || {
            let block = commit(&chain, vec![transfer(1, 0)]);
            let state = Arc::new(chain.version(None).unwrap());
            let mempool = mempool.get().unwrap();
            mempool.committed(&block.transactions, state).unwrap();
        }
    };
    *event.lock().unwrap() = Some(Box::new(commits));
    // Valid by the state before the block, and not after it.
    let added = mempool.get().unwrap().add(priced(1, 0, 9)).unwrap();
    let past = Invalid::PastNonce { nonce: 0, next: 1 };
    assert_eq!(added, Err(Rejected::Invalid(past)));
    assert_eq!(mempool.get().unwrap().size().transactions, 0);
}
