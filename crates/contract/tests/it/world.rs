//! A small world: some accounts, and every lane doing the same to the same state.

use std::sync::Arc;

use fusee_conformance::{Backend, Lane, lanes, mixed_lanes};
use fusee_contract::{
    Account, Action, Address, ContractError, ContractRules, Contracts, ExecutionResult, Included,
    InvalidTransaction, Progress, Query, Receipt, Transaction, genesis, keys,
};
use fusee_engine::{Gas, Interrupt};
use fusee_executor::Executor;
use fusee_instrument::Rules;
use fusee_state::{MemoryState, StateReader};

pub(crate) const TOKEN: &[u8] = include_bytes!("../../../../guests/wasm/token.wasm");
pub(crate) const CALLER: &[u8] = include_bytes!("../../../../guests/wasm/caller.wasm");
pub(crate) const COUNTER: &[u8] = include_bytes!("../../../../guests/wasm/counter.wasm");

pub(crate) const GAS: u64 = 100_000_000;
pub(crate) const FUNDS: u128 = 1_000_000;

pub(crate) struct World {
    lanes: Vec<(String, Contracts)>,
    executors: Vec<Arc<Executor>>,
    pub(crate) state: MemoryState,
}

pub(crate) fn alice() -> Address {
    Address::of_development_account("alice")
}

pub(crate) fn bob() -> Address {
    Address::of_development_account("bob")
}

/// Rules that admit neither PolkaVM programs nor nested VMs.
pub(crate) fn wasm_alone() -> ContractRules {
    let rules = ContractRules::v1();
    let contracts = rules.program.syscalls().iter();
    let contracts = contracts.filter(|syscall| syscall.module == fusee_abi::IMPORT_MODULE);
    ContractRules {
        name: "wasm-alone".into(),
        program: Rules::v1(contracts.cloned().collect()).with_name("wasm-alone-program"),
        children: None,
        ..rules
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_rules(&ContractRules::v1())
    }

    pub(crate) fn with_rules(rules: &ContractRules) -> Self {
        let lanes = lanes().into_iter();
        Self::on(lanes.map(|lane| (lane.name.to_owned(), lane)), rules)
    }

    /// Contracts of both formats: every way to run the one with every way to run the other, but
    /// processes.
    pub(crate) fn of_both_formats(rules: &ContractRules) -> Self {
        let backends = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            &[Backend::Interpreter, Backend::GenericSandbox][..]
        } else {
            &[Backend::Interpreter]
        };
        Self::on(backends.iter().copied().flat_map(mixed), rules)
    }

    /// Contracts of both formats: wasm interpreted, those for PolkaVM interpreted and compiled,
    /// which takes little of the machine.
    pub(crate) fn of_both_formats_on_few_lanes() -> Self {
        let mut world = Self::of_both_formats(&ContractRules::v1());
        world
            .lanes
            .retain(|(name, _)| name.starts_with("wasmi and"));
        world
    }

    /// Contracts of both formats: those for PolkaVM interpreted, and in processes of their own
    /// where the machine has that.
    pub(crate) fn of_both_formats_in_processes() -> Self {
        let mut lanes: Vec<_> = mixed(Backend::Interpreter).take(1).collect();
        if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            lanes.extend(mixed(Backend::ProcessSandbox).take(4));
        }
        Self::on(lanes, &ContractRules::v1())
    }

    fn on(lanes: impl IntoIterator<Item = (String, Lane)>, rules: &ContractRules) -> Self {
        let mut state = MemoryState::new();
        state.apply(&genesis(&[(alice(), FUNDS), (bob(), FUNDS)]));
        let mut executors = Vec::new();
        let mut contracts = |(name, lane): (String, Lane)| {
            let executor = Arc::new(lane.executor);
            executors.push(Arc::clone(&executor));
            let contracts =
                Contracts::without_fallback(executor, rules.clone()).suspension(lane.suspension);
            (name, contracts)
        };
        Self {
            lanes: lanes.into_iter().map(&mut contracts).collect(),
            executors,
            state,
        }
    }

    /// What a transaction comes to on every lane, where one that asks the oracle is left waiting.
    pub(crate) fn begin(&self, transaction: &Transaction) -> Vec<(String, Progress)> {
        let begin = |(name, contracts): &(String, Contracts)| {
            let progress = contracts.begin(self.reader(), transaction.clone(), &Interrupt::new());
            (name.clone(), progress.unwrap())
        };
        self.lanes.iter().map(begin).collect()
    }

    /// What a transaction comes to on every lane, of which somebody holds the interrupt.
    pub(crate) fn execute(
        &self,
        transaction: &Transaction,
        interrupt: &Interrupt,
    ) -> Vec<(String, Result<ExecutionResult, ContractError>)> {
        let execute = |(name, contracts): &(String, Contracts)| {
            let result = contracts.execute(self.reader(), transaction.clone(), interrupt);
            (name.clone(), result)
        };
        self.lanes.iter().map(execute).collect()
    }

    /// How many runs are parked, on all lanes.
    pub(crate) fn suspended_runs(&self) -> u32 {
        let parked = self
            .executors
            .iter()
            .map(|executor| executor.suspended_runs());
        parked.sum()
    }

    /// The bytes of programs that are kept, on all lanes.
    pub(crate) fn cached_bytes(&self) -> u64 {
        let cached = self
            .executors
            .iter()
            .map(|executor| executor.cached_bytes());
        cached.sum()
    }

    fn reader(&self) -> Arc<dyn StateReader> {
        Arc::new(self.state.clone())
    }

    /// Executes on every lane, holds receipts, changes and reads against each other, and applies
    /// the changes.
    pub(crate) fn send(&mut self, transaction: Transaction) -> Receipt {
        let included = self.try_send(transaction).unwrap();
        let receipt = included.receipt;
        assert_eq!(Receipt::decode(&receipt.encode()).unwrap(), receipt);
        receipt
    }

    /// The same of a transaction that may be invalid, which changes nothing.
    pub(crate) fn try_send(
        &mut self,
        transaction: Transaction,
    ) -> Result<Included, InvalidTransaction> {
        let mut results = self.lanes.iter().map(|(name, contracts)| {
            let result = contracts
                .execute(self.reader(), transaction.clone(), &Interrupt::new())
                .unwrap()
                .included();
            let invalid = contracts.check(self.reader(), &transaction).unwrap();
            assert_eq!(result.as_ref().err(), invalid.as_ref(), "{name}");
            (name, result)
        });
        let (first, result) = results.next().unwrap();
        for (name, other) in results {
            match (&other, &result) {
                (Ok(other), Ok(result)) => {
                    assert_same(other, result, &format!("{name} against {first}"))
                }
                (Err(other), Err(invalid)) => assert_eq!(other, invalid, "{name} against {first}"),
                _ => panic!("{name} against {first}: {other:?}, {result:?}"),
            }
        }
        let included = result?;
        self.state.apply(&included.changes);
        Ok(included)
    }

    pub(crate) fn deploy(&mut self, code: &[u8], input: &[u8]) -> Address {
        let action = Action::Deploy {
            code: code.to_vec(),
            input: input.to_vec(),
        };
        let receipt = self.send(Transaction {
            from: alice(),
            action,
            value: 0,
            gas: Gas::new(GAS),
        });
        receipt
            .deployed
            .unwrap_or_else(|| panic!("not deployed: {receipt:?}"))
    }

    pub(crate) fn deploy_wat(&mut self, wat: &str) -> Address {
        let code = wat::parse_str(wat).unwrap();
        self.deploy(&code, &[])
    }

    pub(crate) fn call(
        &mut self,
        from: Address,
        to: Address,
        method: &str,
        input: &[u8],
    ) -> Receipt {
        self.call_with(from, to, method, input, 0, GAS)
    }

    pub(crate) fn call_with(
        &mut self,
        from: Address,
        to: Address,
        method: &str,
        input: &[u8],
        value: u128,
        gas: u64,
    ) -> Receipt {
        let action = Action::Call {
            to,
            method: method.to_owned(),
            input: input.to_vec(),
        };
        self.send(Transaction {
            from,
            action,
            value,
            gas: Gas::new(gas),
        })
    }

    pub(crate) fn query(&self, to: Address, method: &str, input: &[u8]) -> Receipt {
        let query = Query {
            from: bob(),
            to,
            method: method.to_owned(),
            input: input.to_vec(),
            gas: Gas::new(GAS),
        };
        let mut results = self.lanes.iter().map(|(name, contracts)| {
            (
                name,
                contracts
                    .query(self.reader(), query.clone(), &Interrupt::new())
                    .unwrap(),
            )
        });
        let (first, receipt) = results.next().unwrap();
        for (name, other) in results {
            assert_eq!(other, receipt, "{name} against {first}");
        }
        receipt
    }

    pub(crate) fn account(&self, address: Address) -> Account {
        Account::read(&self.state, address).unwrap()
    }

    pub(crate) fn stored(&self, contract: Address, key: &[u8]) -> Option<Vec<u8>> {
        let value = self.state.read(&keys::storage(contract, key)).unwrap();
        value.map(|value| value.to_vec())
    }

    pub(crate) fn methods(&self, contract: Address) -> Option<Vec<String>> {
        self.lanes[0].1.methods(self.reader(), contract).unwrap()
    }
}

fn mixed(backend: Backend) -> impl Iterator<Item = (String, Lane)> {
    let lanes = mixed_lanes(backend).into_iter();
    lanes.map(move |lane| (format!("{} and {backend:?}", lane.name), lane))
}

/// Holds what two ways to run a transaction left against each other.
pub(crate) fn assert_same(found: &Included, expected: &Included, message: &str) {
    assert_eq!(found.receipt, expected.receipt, "{message}");
    assert_eq!(
        found.changes.encode(),
        expected.changes.encode(),
        "{message}"
    );
    assert_eq!(found.reads, expected.reads, "{message}");
}

/// The concatenation of encoded arguments.
pub(crate) fn args(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// Bytes with their length before them, as borsh has strings and vectors.
pub(crate) fn counted(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_le_bytes(), bytes].concat()
}
