//! Our side as a chain uses it: whole transactions of contracts, from the request to the receipt
//! and the difference of the state, which stays in memory.
//!
//! Each transaction that is measured is the first on the same state.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use fusee::chain::{
    Action, Address, BlockContext, Capsule, ContractRules, Contracts, Included, Inspector,
    MemoryState, StateReader, Status, Transaction, set_balances,
};
use fusee::sandbox::{Engine, Executor, Gas, Interrupt};

use crate::contest::Call;

const TOKEN: &[u8] = include_bytes!("../../../guests/wasm/token.wasm");

/// More bytes than a trace here has.
const TRACE_BYTES: usize = 1 << 20;

/// The end of a transaction whose result is not read.
pub(crate) const DONE: i32 = 0;

/// Contracts on a state in memory, and an account with all that they cost.
pub(crate) struct Chain {
    contracts: Contracts,
    state: MemoryState,
}

/// The account that sends every transaction.
pub(crate) fn sender() -> Address {
    Address::of_development_account("alice")
}

impl Chain {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self::by(ContractRules::latest(), engine)
    }

    /// By other rules.
    pub(crate) fn by(rules: ContractRules, engine: Arc<dyn Engine>) -> Self {
        let executor = Executor::builder(engine).build();
        let contracts = Contracts::without_fallback(Arc::new(executor), rules);
        let mut state = MemoryState::new();
        state.apply(&set_balances(&[(sender(), u128::MAX)]));
        Self { contracts, state }
    }

    pub(crate) fn deploy(&mut self, code: &[u8], input: &[u8]) -> Result<Address> {
        let deployed = self.commit(Action::Deploy {
            code: code.to_vec(),
            input: input.to_vec(),
        })?;
        deployed.receipt.deployed.context("nothing was deployed")
    }

    /// Executes a transaction, and keeps what it changes.
    pub(crate) fn commit(&mut self, action: Action) -> Result<Included> {
        let included = self.snapshot().execute(action)?;
        self.state.apply(&included.changes);
        Ok(included)
    }

    /// The state as it is, which no transaction on it changes.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            contracts: self.contracts.clone(),
            state: Arc::new(self.state.clone()),
        }
    }
}

/// Contracts on a state that stays.
#[derive(Clone)]
pub(crate) struct Snapshot {
    contracts: Contracts,
    state: Arc<dyn StateReader>,
}

impl Snapshot {
    /// With a trace of each transaction.
    fn traced(self) -> Self {
        let inspector = Inspector::new(TRACE_BYTES);
        Self {
            contracts: self.contracts.inspector(inspector),
            ..self
        }
    }

    pub(crate) fn execute(&self, action: Action) -> Result<Included> {
        let transaction = of_sender(action);
        let result = self.contracts.execute(
            Arc::clone(&self.state),
            transaction,
            &BlockContext::default(),
            &Interrupt::new(),
        )?;
        let included = result.included()?;
        ensure!(
            included.receipt.status == Status::Success,
            "a transaction ended so: {:?} {:?}",
            included.receipt,
            included.refusal,
        );
        Ok(included)
    }

    /// The capsule of a transaction.
    fn recorded(&self, action: Action) -> Result<Vec<u8>> {
        let (_, capsule) = Capsule::record(
            &self.contracts,
            Arc::clone(&self.state),
            of_sender(action),
            &BlockContext::default(),
            &Interrupt::new(),
        )?;
        let capsule = capsule.context("an invalid transaction has no capsule")?;
        Ok(capsule.encode()?)
    }

    /// The same transaction each time, which ends with the same output.
    fn repeated(self, action: Action, output: Vec<u8>) -> Call {
        Box::new(move || {
            let included = self.execute(action.clone())?;
            ensure!(
                included.receipt.output == output,
                "the output was {:?}, and is {output:?}",
                included.receipt.output
            );
            Ok(DONE)
        })
    }
}

fn of_sender(action: Action) -> Transaction {
    Transaction {
        from: sender(),
        action,
        value: 0,
        gas: Gas::MAX,
    }
}

pub(crate) fn call(to: Address, method: &str, input: Vec<u8>) -> Action {
    Action::Call {
        to,
        method: method.to_owned(),
        input,
    }
}

/// A transfer of the token in `guests/`.
pub(crate) fn transfer(engine: Arc<dyn Engine>) -> Result<Call> {
    let (chain, transfer) = token(engine)?;
    Ok(chain.repeated(transfer, Vec::new()))
}

/// The same, with a trace of it.
pub(crate) fn traced(engine: Arc<dyn Engine>) -> Result<Call> {
    let (chain, transfer) = token(engine)?;
    Ok(chain.traced().repeated(transfer, Vec::new()))
}

/// The same from the bytes of its capsule, and the comparison with what was recorded.
pub(crate) fn replayed(engine: Arc<dyn Engine>) -> Result<Call> {
    let (chain, transfer) = token(engine)?;
    let bytes = chain.recorded(transfer)?;
    let contracts = chain.contracts;
    Ok(Box::new(move || {
        let capsule = Capsule::decode(&bytes)?;
        let outcome = capsule.replay(&contracts, &Interrupt::new())?;
        ensure!(
            outcome == capsule.outcome(),
            "a replay ended so: {outcome:?}"
        );
        Ok(DONE)
    }))
}

fn token(engine: Arc<dyn Engine>) -> Result<(Snapshot, Action)> {
    let mut chain = Chain::new(engine);
    let token = chain.deploy(TOKEN, &1_000_000_u64.to_le_bytes())?;
    let receiver = Address::of_development_account("bob");
    let input = [receiver.as_bytes().as_slice(), &1_u64.to_le_bytes()].concat();
    Ok((chain.snapshot(), call(token, "transfer", input)))
}

/// A transaction in which `caller` calls the method `nothing` of `callee`, as often as its input
/// says after the address of `callee`.
pub(crate) fn nested(
    engine: Arc<dyn Engine>,
    caller: &[u8],
    callee: &[u8],
    times: u32,
) -> Result<Call> {
    let mut chain = Chain::new(engine);
    let callee = chain.deploy(callee, &[])?;
    let caller = chain.deploy(caller, &[])?;
    let input = [callee.as_bytes().as_slice(), &times.to_le_bytes()].concat();
    let calls = call(caller, "calls", input);
    Ok(chain.snapshot().repeated(calls, Vec::new()))
}

/// A transaction in which a contract goes through its storage, in which it has put so many entries
/// when it was deployed, and tells how many it found.
pub(crate) fn iterated(engine: Arc<dyn Engine>, contract: &[u8], entries: u32) -> Result<Call> {
    let mut chain = Chain::new(engine);
    let contract = chain.deploy(contract, &entries.to_le_bytes())?;
    let iterate = call(contract, "iterate", Vec::new());
    let found = entries.to_le_bytes().to_vec();
    Ok(chain.snapshot().repeated(iterate, found))
}
