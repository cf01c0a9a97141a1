//! A model of fees, balances, nonces and quotas in plain maps, which predicts each of them after
//! random blocks.
//!
//! It shares no code with the ledger, which tells it the gas that a transaction used and nothing
//! else: whether the transaction is valid, what it moves and who pays is the model's own.

use std::{collections::BTreeMap, sync::LazyLock};

use fusee_contract::{Address, Status};
use fusee_engine::{Gas, Trap};
use fusee_ledger::{
    FeeDestination, GenesisAccount, Ledger, Operation, Parameters, Payment, SignedTransaction,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::{
    chain::{
        Chain, FUNDS, account, body, call, changed, deploy, deployed, fails, interpreted, key,
    },
    chain_samples::{genesis, parameters},
    samples::{address, rules},
};

static LEDGERS: LazyLock<Vec<(String, Ledger)>> = LazyLock::new(interpreted);

const MINIMUM_PRICE: u128 = 2;
/// The quota of an account in a window of so many heights, and that of account 3.
const QUOTA: u64 = 5_000_000;
const OWN_QUOTA: u64 = 2_500_000;
const WINDOW: u64 = 3;

/// What an operation does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Transfer(u8),
    Works,
    Traps,
    Spins,
}

/// A transaction as the model sees it.
#[derive(Clone, Debug)]
struct Sent {
    from: u8,
    /// 1: the next nonce of the sender. 0: one that is past, 2: one of the future.
    nonce: u64,
    gas_limit: u64,
    price: u128,
    payer: Option<u8>,
    steps: Vec<(Step, u128)>,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..10_u8).prop_map(Step::Transfer),
        2 => Just(Step::Works),
        1 => Just(Step::Traps),
        1 => Just(Step::Spins),
    ]
}

/// Accounts 5 and 6 have nothing at first.
fn sent(prices: &'static [u128]) -> impl Strategy<Value = Sent> {
    let nonce = prop_oneof![18 => Just(1_u64), 1 => Just(0), 1 => Just(2)];
    let from = prop_oneof![9 => 1..5_u8, 1 => 5..7_u8];
    let payer = prop_oneof![9 => 1..5_u8, 1 => 5..7_u8];
    let value = select(&[0, 1, 250, 250, 999, 10_000, 70_000, FUNDS / 3, FUNDS][..]);
    let gas = select(&[1_000_000_u64, 2_000_000, 3_000_000][..]);
    let steps = vec((step(), value), 1..4);
    (from, nonce, gas, select(prices), option::of(payer), steps).prop_map(
        |(from, nonce, gas_limit, price, payer, steps)| Sent {
            from,
            nonce,
            gas_limit,
            price,
            payer: payer.filter(|payer| *payer != from),
            steps,
        },
    )
}

/// Who proposes and where fees go: also to accounts that send.
fn destination() -> impl Strategy<Value = FeeDestination> {
    let treasuries = vec![account(3), address(4)];
    prop_oneof![
        Just(FeeDestination::Proposer),
        select(treasuries).prop_map(FeeDestination::Treasury),
        Just(FeeDestination::Burned),
    ]
}

#[derive(Debug)]
struct Model {
    balances: BTreeMap<Address, u128>,
    nonces: BTreeMap<Address, u64>,
    /// The window, and the gas that the account has used in it.
    used: BTreeMap<Address, (u64, u64)>,
    payment: Payment,
    contract: Address,
}

impl Model {
    fn balance(&self, of: Address) -> u128 {
        self.balances.get(&of).copied().unwrap_or_default()
    }

    fn add(&mut self, to: Address, value: u128) {
        *self.balances.entry(to).or_default() += value;
    }

    fn take(&mut self, from: Address, value: u128) {
        *self.balances.get_mut(&from).unwrap() -= value;
    }

    fn nonce(&self, of: u8) -> u64 {
        self.nonces.get(&account(of)).copied().unwrap_or_default()
    }

    fn quota_left(&self, of: Address, height: u64) -> u64 {
        let quota = if of == account(3) { OWN_QUOTA } else { QUOTA };
        match self.used.get(&of) {
            Some((window, used)) if *window == height / WINDOW => quota.saturating_sub(*used),
            _ => quota,
        }
    }

    fn is_valid(&self, sent: &Sent, nonce: u64, height: u64) -> bool {
        let (from, payer) = (account(sent.from), sent.payer.map(account));
        let value: u128 = sent.steps.iter().map(|(_, value)| value).sum();
        let fee = u128::from(sent.gas_limit) * sent.price;
        let is_paid = match self.payment {
            Payment::Fees { .. } => sent.price >= MINIMUM_PRICE,
            Payment::Quotas { .. } => {
                let left = self.quota_left(payer.unwrap_or(from), height);
                sent.price == 0 && sent.gas_limit <= left
            }
        };
        let has_funds = match payer {
            None => value + fee <= self.balance(from),
            Some(payer) => value <= self.balance(from) && fee <= self.balance(payer),
        };
        is_paid && has_funds && nonce == self.nonce(sent.from)
    }

    /// Does what an included transaction does, which used this gas. Returns its fee and status.
    fn include(&mut self, sent: &Sent, gas_used: u64, height: u64) -> (u128, Status) {
        let from = account(sent.from);
        let payer = sent.payer.map_or(from, account);
        *self.nonces.entry(from).or_default() += 1;
        let fee = u128::from(gas_used) * sent.price;
        if fee > 0 {
            self.take(payer, fee);
        }
        if let Payment::Quotas { .. } = self.payment {
            let (window, used) = self.used.entry(payer).or_default();
            if *window != height / WINDOW {
                (*window, *used) = (height / WINDOW, 0);
            }
            *used += gas_used;
        }
        let failure = sent.steps.iter().find_map(|(step, _)| match step {
            Step::Transfer(_) | Step::Works => None,
            Step::Traps => Some(Status::Trapped(Trap::Unreachable)),
            Step::Spins => Some(Status::OutOfGas),
        });
        // On failure, all values come back.
        if failure.is_none() {
            for (step, value) in sent.steps.iter().filter(|(_, value)| *value > 0) {
                self.take(from, *value);
                self.add(
                    match step {
                        Step::Transfer(to) => account(*to),
                        _ => self.contract,
                    },
                    *value,
                );
            }
        }
        (fee, failure.unwrap_or(Status::Success))
    }

    /// Credits the fees of a block, at its end.
    fn credit(&mut self, fees: u128, proposer: Address) {
        match self.payment {
            Payment::Fees { destination, .. } => match destination {
                FeeDestination::Proposer => self.add(proposer, fees),
                FeeDestination::Treasury(treasury) => self.add(treasury, fees),
                FeeDestination::Burned => {}
            },
            Payment::Quotas { .. } => assert_eq!(fees, 0),
        }
    }

    /// Every balance and nonce is the predicted one.
    fn compare(&self, chain: &Chain) {
        let accounts = (1..10).map(account);
        let others = [self.contract, address(4), address(77)];
        for address in accounts.chain(others) {
            assert_eq!(chain.balance(address), self.balance(address), "{address}");
        }
        for number in 1..10 {
            assert_eq!(chain.nonce(account(number)), self.nonce(number), "{number}");
        }
    }
}

fn encode(sent: &Sent, nonce: u64, contract: Address) -> Vec<u8> {
    let mut body = body(sent.from, nonce);
    body.gas_limit = Gas::new(sent.gas_limit);
    body.gas_price = sent.price;
    body.fee_payer = sent.payer.map(account);
    let operation = |&(step, value): &(Step, u128)| match step {
        Step::Transfer(to) => Operation::Transfer {
            to: account(to),
            value,
        },
        Step::Works => call(contract, "works", &[], value),
        Step::Traps => call(contract, "traps", &[], value),
        Step::Spins => call(contract, "spins", &[], value),
    };
    body.operations = sent.steps.iter().map(operation).collect();
    let id = body.id();
    let by_payer = sent.payer.map(|payer| key(payer).sign(&id));
    let signed = SignedTransaction::new(body, key(sent.from).sign(&id), by_payer, &rules());
    signed.unwrap().encode()
}

/// Runs blocks on a chain with this payment, and compares after each. Returns how many transactions
/// were included, and how many not.
fn check(payment: Payment, blocks: &[Vec<Sent>], proposer: Address) -> [usize; 2] {
    let funds = [1, 2, 3, 4].map(|number| (account(number), FUNDS));
    let parameters = Parameters {
        payment,
        ..parameters()
    };
    let mut genesis = genesis(parameters, &funds);
    let code = fails();
    let contract = deployed(7, 0, &code);
    genesis.accounts.insert(
        account(7),
        GenesisAccount {
            balance: FUNDS,
            quota: Some(Gas::new(100_000_000)),
        },
    );
    if let (Payment::Quotas { .. }, Some(account)) =
        (payment, genesis.accounts.get_mut(&account(3)))
    {
        account.quota = Some(Gas::new(OWN_QUOTA));
    }
    let mut chain = Chain::of(LEDGERS.clone(), genesis);
    // Account 7, which sends nothing else, makes the contract.
    let deploying = changed(7, 0, |body| {
        body.gas_limit = Gas::new(20_000_000);
        body.gas_price = match payment {
            Payment::Fees { .. } => MINIMUM_PRICE,
            Payment::Quotas { .. } => 0,
        };
        body.operations = vec![deploy(&code, &[])];
    });
    let outcomes = chain.run(vec![deploying]);
    assert_eq!(outcomes[0].result.status(), Some(Status::Success));

    let read = (1..10)
        .map(account)
        .chain([contract, address(4), address(77)]);
    let mut model = Model {
        balances: read.map(|it| (it, chain.balance(it))).collect(),
        nonces: BTreeMap::from([(account(7), 1)]),
        used: BTreeMap::new(),
        payment,
        contract,
    };
    let mut counts = [0; 2];
    for sent in blocks {
        // A nonce is that after the transactions of the sender before it, if they are included.
        let mut ahead = BTreeMap::<u8, u64>::new();
        let nonces: Vec<u64> = sent
            .iter()
            .map(|sent| {
                let ahead = ahead
                    .entry(sent.from)
                    .or_insert_with(|| model.nonce(sent.from));
                let nonce = (*ahead + sent.nonce).saturating_sub(1);
                *ahead += u64::from(sent.nonce == 1);
                nonce
            })
            .collect();
        let encoded = sent.iter().zip(&nonces);
        let mut block = chain.next(
            encoded
                .map(|(it, nonce)| encode(it, *nonce, contract))
                .collect(),
        );
        block.proposer = proposer;
        let height = block.height;
        let outcomes = chain.commit(block).transactions;
        let mut fees = 0;
        for ((sent, nonce), outcome) in sent.iter().zip(nonces).zip(outcomes) {
            let is_valid = model.is_valid(sent, nonce, height);
            assert_eq!(outcome.invalid.is_none(), is_valid, "{sent:?}: {outcome:?}");
            counts[usize::from(!is_valid)] += 1;
            if is_valid {
                let used = outcome.result.gas_used.units();
                assert!(used > 0 && used <= sent.gas_limit);
                let (fee, status) = model.include(sent, used, height);
                assert_eq!(outcome.result.fee, fee, "{sent:?}");
                assert_eq!(outcome.result.status(), Some(status), "{sent:?}");
                fees += fee;
            } else {
                assert_eq!(
                    (outcome.result.gas_used, outcome.result.fee),
                    (Gas::ZERO, 0)
                );
            }
        }
        model.credit(fees, proposer);
        assert_eq!(chain.blocks.last().unwrap().1.fees, fees);
        model.compare(&chain);
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    #[test]
    fn fees_move_as_the_model_says(
        blocks in vec(vec(sent(&[0, 1, 2, 2, 2, 3, 3, 3, 5, 7, 7, 9]), 1..12), 1..5),
        destination in destination(),
        proposer in select(vec![account(2), account(6), address(77)]),
    ) {
        let payment = Payment::Fees { minimum_price: MINIMUM_PRICE, destination };
        check(payment, &blocks, proposer);
    }

    #[test]
    fn quotas_are_used_as_the_model_says(
        blocks in vec(vec(sent(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), 1..12), 1..8),
        proposer in select(vec![account(2), address(77)]),
    ) {
        let payment = Payment::Quotas { gas: Gas::new(QUOTA), window: WINDOW.try_into().unwrap() };
        check(payment, &blocks, proposer);
    }
}

/// The model is worth nothing if all that is sent is invalid.
#[test]
fn the_random_blocks_have_transactions_of_both_kinds() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let payment = Payment::Fees {
        minimum_price: MINIMUM_PRICE,
        destination: FeeDestination::Proposer,
    };
    let mut sums = [0; 2];
    for _ in 0..10 {
        let blocks = vec(
            vec(sent(&[0, 1, 2, 2, 2, 3, 3, 3, 5, 7, 7, 9]), 1..12),
            1..5,
        );
        let blocks = blocks.new_tree(&mut runner).unwrap().current();
        let counts = check(payment, &blocks, account(2));
        sums = [sums[0] + counts[0], sums[1] + counts[1]];
    }
    assert!(sums[0] > 20 && sums[1] > 20, "{sums:?}");
}
