//! A chain with many accounts, each with a balance and a token, and signed transactions of them.
//!
//! The keys of the accounts are made from their numbers. A migration at height 2 gives each account
//! its tokens, so a replay from genesis makes the same state.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, LazyLock, OnceLock},
    thread,
};

use anyhow::{Context, Result, ensure};
use fusee::chain::{
    Address, ContractError, ContractRules, Contracts, Diff, StateReader, Status, keys,
};
use fusee::chain::{Chain, Options, Pipeline};
use fusee::ledger::{
    Activation, Block, BlockLimits, FeeDestination, Finalized, Genesis, GenesisAccount, Ledger,
    LedgerRules, Operation, Parameters, Payment, Rulebook, SecretKey, SignedTransaction,
    TransactionBody,
};
use fusee::sandbox::{CodeHash, Executor, Gas};

use crate::ours;

const TOKEN: &[u8] = include_bytes!("../../../guests/wasm/token.wasm");

const CHAIN: &str = "fusee-bench-1";

/// The migration that gives each account its tokens, and its height.
const MIGRATION: (&str, u64) = ("tokens", 2);

/// The units of the token that each account has at first.
const TOKENS: u64 = 1_000_000_000;

/// What each account has at first, in the smallest unit.
const BALANCE: u128 = 1_000_000_000_000_000;

/// Of a transfer, which uses about 300,000 with its signature, and of a deployment.
const GAS: (u64, u64) = (500_000, 20_000_000);

/// More blocks than a checkpoint trails the head by.
const SETTLING: u64 = 70;

/// The time of genesis, in milliseconds.
const TIME: u64 = 1_790_000_000_000;

/// The tag of balances in the token's storage.
const TOKEN_BALANCE: u8 = 1;

/// The addresses of all accounts. A migration is a plain function, so they are here.
static ADDRESSES: OnceLock<Vec<Address>> = OnceLock::new();

/// What the transactions of a block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// Transfers of the token, from and to any account.
    Transfers,
    /// Transfers of the token, from any account to one: each changes what the next one reads.
    OneReceiver,
    /// Of 100: 84 transfers of the token, 8 of the coin, 5 that revert, 2 invalid, 1 deployment.
    Mixed,
}

/// The accounts, and what they have sent.
pub(super) struct World {
    pub(super) genesis: Genesis,
    pub(super) ledger: Ledger,
    nonces: Vec<u64>,
    random: u64,
    height: u64,
}

/// A transaction to be signed.
struct Unsigned {
    sender: usize,
    nonce: u64,
    gas: u64,
    operation: Operation,
}

impl World {
    /// Makes the keys of so many accounts, and the genesis.
    pub(super) fn new(accounts: u32) -> Result<Self> {
        let count = usize::try_from(accounts)?;
        let addresses = ADDRESSES.get_or_init(|| addresses(count));
        ensure!(addresses.len() == count, "one number of accounts a process");
        let rules = (LedgerRules::latest(), ContractRules::latest());
        let genesis = genesis(&rules, addresses);
        let executor = Arc::new(Executor::builder(ours::wasmtime()?).build());
        let rulebook = Rulebook::new()
            .with_ledger(rules.0)
            .with_contracts(Contracts::without_fallback(executor, rules.1))
            .with_migration(MIGRATION.0, seed);
        Ok(Self {
            genesis,
            ledger: Ledger::new(rulebook),
            nonces: vec![0; count],
            random: 0x9e37_79b9_7f4a_7c15,
            height: 1,
        })
    }

    /// The options of our store.
    pub(super) fn options(&self) -> Options {
        let mut options = Chain::options(&self.genesis);
        // However few accounts there are, a checkpoint has them before anything is measured.
        let accounts = u64::try_from(self.nonces.len()).unwrap_or(u64::MAX);
        options.checkpoint_keys = options.checkpoint_keys.min(accounts);
        options
    }

    /// Opens our chain.
    pub(super) fn open(&self, folder: &Path) -> Result<Chain> {
        let ledger = self.ledger.clone();
        Ok(Chain::open(folder, &self.genesis, ledger, self.options())?)
    }

    /// Commits the first blocks: the token is deployed, each account has its tokens, and a
    /// checkpoint has all of that.
    pub(super) fn settle(&mut self, chain: &Arc<Chain>) -> Result<()> {
        let deploy = Operation::Deploy {
            code: TOKEN.to_vec(),
            input: 1_u64.to_le_bytes().to_vec(),
            value: 0,
        };
        let deploy = self.from(0, GAS.1, deploy);
        let mut blocks = vec![self.block_of(vec![sign(&deploy)?])];
        blocks.extend((1..SETTLING).map(|_| self.block_of(Vec::new())));
        let mut pipeline = Pipeline::new(Arc::clone(chain))?;
        for block in blocks {
            pipeline.add(block)?;
        }
        pipeline.close();
        while let Some(committed) = pipeline.next() {
            committed?;
        }
        chain.store().wait_for_checkpoints()?;
        ensure!(
            chain.store().checkpoint() >= Some(MIGRATION.1),
            "no checkpoint has the accounts"
        );
        Ok(())
    }

    /// The next blocks, so many of `size` transactions each.
    pub(super) fn blocks(&mut self, count: u32, size: u32, load: Load) -> Result<Vec<Block>> {
        let total = usize::try_from(count)?.saturating_mul(usize::try_from(size)?);
        let unsigned: Vec<_> = (0..total).map(|index| self.next(index, load)).collect();
        let mut signed = sign_all(&unsigned)?.into_iter();
        let mut block = || {
            let transactions = signed.by_ref().take(usize::try_from(size)?).collect();
            Ok(self.block_of(transactions))
        };
        (0..count).map(|_| block()).collect()
    }

    /// The height of the next block.
    pub(super) fn next_height(&self) -> u64 {
        self.height
    }

    fn block_of(&mut self, transactions: Vec<Vec<u8>>) -> Block {
        let height = self.height;
        self.height += 1;
        Block {
            height,
            time: TIME + height,
            proposer: Address::new([77; 32]),
            transactions,
            misbehaviour: Vec::new(),
        }
    }

    fn next(&mut self, index: usize, load: Load) -> Unsigned {
        let sender = self.any();
        let receiver = match load {
            Load::OneReceiver => 0,
            Load::Transfers | Load::Mixed => self.any(),
        };
        let to = address(receiver);
        let transfer = |units| transfer(to, units);
        match (load, index % 100) {
            (Load::Mixed, 0) => {
                let code = TOKEN.to_vec();
                let input = TOKENS.to_le_bytes().to_vec();
                let value = 0;
                self.from(sender, GAS.1, Operation::Deploy { code, input, value })
            }
            (Load::Mixed, 1..=8) => self.from(sender, GAS.0, Operation::Transfer { to, value: 1 }),
            (Load::Mixed, 9..=13) => self.from(sender, GAS.0, transfer(u64::MAX)),
            (Load::Mixed, 14 | 15) => Unsigned {
                sender,
                nonce: u64::MAX - 1,
                gas: GAS.0,
                operation: transfer(1),
            },
            _ => self.from(sender, GAS.0, transfer(1)),
        }
    }

    fn from(&mut self, sender: usize, gas: u64, operation: Operation) -> Unsigned {
        let mut next = 0;
        if let Some(nonce) = self.nonces.get_mut(sender) {
            next = *nonce;
            *nonce += 1;
        }
        Unsigned {
            sender,
            nonce: next,
            gas,
            operation,
        }
    }

    /// Any account, by xorshift.
    pub(super) fn any(&mut self) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let count = u64::try_from(self.nonces.len()).unwrap_or(1);
        usize::try_from(self.random % count).unwrap_or_default()
    }
}

impl Load {
    /// Fails if a block did not come to what its load has to.
    pub(super) fn check(self, finalized: &Finalized) -> Result<()> {
        let outcomes = &finalized.transactions;
        let succeeded = |outcome: &&fusee::ledger::TransactionOutcome| {
            let mut receipts = outcome.result.receipts.iter();
            outcome.invalid.is_none() && receipts.all(|it| it.status == Status::Success)
        };
        let found = outcomes.iter().filter(succeeded).count();
        let expected = match self {
            Self::Transfers | Self::OneReceiver => outcomes.len(),
            Self::Mixed => outcomes.len() - outcomes.len() / 100 * 7,
        };
        let other = outcomes.iter().find(|outcome| !succeeded(outcome));
        ensure!(
            found == expected,
            "{found} transactions of a block succeeded, and not {expected}: {other:?}"
        );
        Ok(())
    }
}

/// The key of an account's tokens.
pub(super) fn token_key(account: usize) -> Vec<u8> {
    let rest = [&[TOKEN_BALANCE], address(account).as_bytes().as_slice()].concat();
    keys::storage(token(), &rest)
}

fn token() -> Address {
    static TOKEN_ADDRESS: LazyLock<Address> =
        LazyLock::new(|| Address::of_contract(address(0), 0, CodeHash::of(TOKEN)));
    *TOKEN_ADDRESS
}

fn transfer(to: Address, units: u64) -> Operation {
    Operation::Call {
        to: token(),
        method: "transfer".to_owned(),
        input: [to.as_bytes(), &units.to_le_bytes()[..]].concat(),
        value: 0,
    }
}

/// The tokens of all accounts.
fn seed(_: &dyn StateReader) -> Result<Diff, ContractError> {
    let accounts = 0..ADDRESSES.get().map_or(0, Vec::len);
    let tokens = TOKENS.to_le_bytes().to_vec();
    Ok(accounts
        .map(|account| (token_key(account), Some(tokens.clone())))
        .collect())
}

fn genesis((ledger, contracts): &(LedgerRules, ContractRules), accounts: &[Address]) -> Genesis {
    let activation = |height, migration: Option<&str>| Activation {
        height,
        ledger_rules: ledger.id(),
        contract_rules: contracts.id(),
        migration: migration.map(str::to_owned),
    };
    let account = GenesisAccount {
        balance: BALANCE,
        quota: None,
    };
    let accounts = accounts.iter().map(|address| (*address, account));
    Genesis {
        initial_height: 1,
        time: TIME,
        parameters: Parameters {
            chain_id: CHAIN.to_owned(),
            activations: vec![
                activation(1, None),
                activation(MIGRATION.1, Some(MIGRATION.0)),
            ],
            limits: BlockLimits {
                gas: Gas::new(1 << 40),
                bytes: 64 << 20,
                transactions: 20_000,
            },
            payment: Payment::Fees {
                minimum_price: 1,
                destination: FeeDestination::Proposer,
            },
            calls: Vec::new(),
            validators: Vec::new(),
        },
        accounts: BTreeMap::from_iter(accounts),
        contracts: Vec::new(),
    }
}

fn address(account: usize) -> Address {
    let addresses = ADDRESSES.get().and_then(|all| all.get(account));
    addresses.copied().unwrap_or(Address::new([0; 32]))
}

/// The secret key of an account.
fn secret(account: usize) -> SecretKey {
    let mut secret = [7; 32];
    for (byte, number) in secret.iter_mut().zip(account.to_le_bytes()) {
        *byte = number;
    }
    SecretKey::ed25519(secret)
}

fn addresses(count: usize) -> Vec<Address> {
    let numbers: Vec<_> = (0..count).collect();
    on_all_threads(&numbers, |account| secret(*account).public_key().address())
}

fn sign_all(transactions: &[Unsigned]) -> Result<Vec<Vec<u8>>> {
    on_all_threads(transactions, sign).into_iter().collect()
}

fn sign(unsigned: &Unsigned) -> Result<Vec<u8>> {
    let body = TransactionBody {
        chain_id: CHAIN.to_owned(),
        sender: address(unsigned.sender),
        nonce: unsigned.nonce,
        expiry: u64::MAX,
        gas_limit: Gas::new(unsigned.gas),
        gas_price: 1,
        fee_payer: None,
        operations: vec![unsigned.operation.clone()],
    };
    let authorization = secret(unsigned.sender).sign(&body.id());
    let transaction = SignedTransaction::new(body, authorization, None, &LedgerRules::latest());
    Ok(transaction.context("a transaction has no shape")?.encode())
}

/// What a function makes of each item, in their order, on all processors.
pub(super) fn on_all_threads<T: Sync, U: Send>(
    items: &[T],
    each: impl Fn(&T) -> U + Sync,
) -> Vec<U> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let portion = items.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let each = &each;
        let portions = items.chunks(portion);
        let threads: Vec<_> = portions
            .map(|items| scope.spawn(move || items.iter().map(each).collect::<Vec<_>>()))
            .collect();
        let made = threads.into_iter();
        made.flat_map(|thread| thread.join().unwrap_or_default())
            .collect()
    })
}
