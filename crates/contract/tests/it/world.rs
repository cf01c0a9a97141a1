//! A small world: some accounts, and every lane doing the same to the same state.

use std::{collections::BTreeMap, sync::Arc};

use fusee_conformance::{Backend, Lane, lanes, mixed_lanes};
use fusee_contract::{
    Account, Action, Address, BlockContext, Capsule, CapsuleOutcome, CapsuleResult, CapsuleRun,
    ContractError, ContractRules, Contracts, DebugLog, ExecutionResult, Included, Inspector,
    InvalidTransaction, LogLine, Progress, Query, Receipt, Trace, TraceStep, Transaction, keys,
    set_balances,
};
use fusee_engine::{
    Gas, Interrupt,
    profile::{Path, ProfileSpan},
};
use fusee_executor::{Executor, Suspension};
use fusee_instrument::Rules;
use fusee_state::{MemoryState, StateReader};

pub(crate) const TOKEN: &[u8] = include_bytes!("../../../../guests/wasm/token.wasm");
pub(crate) const CALLER: &[u8] = include_bytes!("../../../../guests/wasm/caller.wasm");
pub(crate) const COUNTER: &[u8] = include_bytes!("../../../../guests/wasm/counter.wasm");

pub(crate) const GAS: u64 = 100_000_000;
pub(crate) const FUNDS: u128 = 1_000_000;

/// Whether the machine runs compiled PolkaVM programs, in this process or another one.
pub(crate) const HAS_SANDBOX: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

pub(crate) struct World {
    lanes: Vec<(String, Contracts)>,
    executors: Vec<Arc<Executor>>,
    suspensions: Vec<Suspension>,
    pub(crate) state: MemoryState,
    pub(crate) block: BlockContext,
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
        Self::on(backends().flat_map(mixed), rules)
    }

    /// Contracts of both formats: wasm in every way with PolkaVM interpreted, and wasm interpreted
    /// with PolkaVM compiled. It takes half of the addresses of all ways with all ways, of which
    /// two worlds take all that a process has.
    pub(crate) fn in_both_formats(rules: &ContractRules) -> Self {
        let mut lanes = Vec::new();
        if HAS_SANDBOX {
            lanes.extend(mixed(Backend::GenericSandbox));
            lanes.retain(|(name, _)| name.starts_with("wasmi and"));
        }
        lanes.extend(mixed(Backend::Interpreter));
        Self::on(lanes, rules)
    }

    /// Continues under other rules, with the same state.
    pub(crate) fn adopt(&mut self, rules: &ContractRules) {
        let executors = self.executors.iter().zip(&self.suspensions);
        for ((_, contracts), (executor, suspension)) in self.lanes.iter_mut().zip(executors) {
            *contracts = Contracts::without_fallback(Arc::clone(executor), rules.clone())
                .suspension(*suspension);
        }
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

    /// Contracts on the lanes of these names.
    pub(crate) fn on_lanes(names: &[&str], rules: &ContractRules) -> Self {
        let lanes = lanes().into_iter();
        Self::on_some(names, lanes.map(|lane| (lane.name.to_owned(), lane)), rules)
    }

    /// Contracts of both formats, on the lanes of these names.
    pub(crate) fn on_mixed_lanes(names: &[&str], rules: &ContractRules) -> Self {
        Self::on_some(names, backends().flat_map(mixed), rules)
    }

    fn on_some(
        names: &[&str],
        lanes: impl Iterator<Item = (String, Lane)>,
        rules: &ContractRules,
    ) -> Self {
        let lanes: Vec<_> = lanes
            .filter(|(name, _)| names.contains(&name.as_str()))
            .collect();
        assert_eq!(lanes.len(), names.len());
        Self::on(lanes, rules)
    }

    /// Contracts of both formats: those for PolkaVM interpreted, and in processes of their own
    /// where the machine has that.
    pub(crate) fn of_both_formats_in_processes() -> Self {
        let mut lanes: Vec<_> = mixed(Backend::Interpreter).take(1).collect();
        if HAS_SANDBOX {
            lanes.extend(mixed(Backend::ProcessSandbox).take(4));
        }
        Self::on(lanes, &ContractRules::v1())
    }

    fn on(lanes: impl IntoIterator<Item = (String, Lane)>, rules: &ContractRules) -> Self {
        let mut state = MemoryState::new();
        state.apply(&set_balances(&[(alice(), FUNDS), (bob(), FUNDS)]));
        let (mut executors, mut suspensions) = (Vec::new(), Vec::new());
        let mut contracts = |(name, lane): (String, Lane)| {
            let executor = Arc::new(lane.executor);
            executors.push(Arc::clone(&executor));
            suspensions.push(lane.suspension);
            let contracts =
                Contracts::without_fallback(executor, rules.clone()).suspension(lane.suspension);
            (name, contracts)
        };
        Self {
            lanes: lanes.into_iter().map(&mut contracts).collect(),
            executors,
            suspensions,
            state,
            block: BlockContext::default(),
        }
    }

    /// What a transaction comes to on every lane, where one that asks the oracle is left waiting.
    pub(crate) fn begin(&self, transaction: &Transaction) -> Vec<(String, Progress)> {
        let begin = |(name, contracts): &(String, Contracts)| {
            let progress = contracts.begin(
                self.reader(),
                transaction.clone(),
                &self.block,
                &Interrupt::new(),
            );
            (name.clone(), progress.unwrap())
        };
        self.lanes.iter().map(begin).collect()
    }

    /// What a transaction would come to on another state: the same on every lane.
    pub(crate) fn execute_on(
        &self,
        state: &MemoryState,
        transaction: &Transaction,
    ) -> Result<Included, InvalidTransaction> {
        let mut found: Option<Result<Included, InvalidTransaction>> = None;
        for (name, contracts) in &self.lanes {
            let result = contracts.execute(
                Arc::new(state.clone()),
                transaction.clone(),
                &self.block,
                &Interrupt::new(),
            );
            let result = result.unwrap().included();
            match (&found, &result) {
                (None, _) => found = Some(result),
                (Some(Ok(first)), Ok(result)) => assert_same(result, first, name),
                (Some(first), _) => {
                    assert_eq!(first.as_ref().err(), result.as_ref().err(), "{name}");
                }
            }
        }
        found.unwrap()
    }

    /// What a transaction comes to on every lane, of which somebody holds the interrupt.
    pub(crate) fn execute(
        &self,
        transaction: &Transaction,
        interrupt: &Interrupt,
    ) -> Vec<(String, Result<ExecutionResult, ContractError>)> {
        let execute = |(name, contracts): &(String, Contracts)| {
            let result =
                contracts.execute(self.reader(), transaction.clone(), &self.block, interrupt);
            (name.clone(), result)
        };
        self.lanes.iter().map(execute).collect()
    }

    /// The receipt of a transaction, whose changes are dropped, and its debug log: the same on
    /// every lane. No receipt depends on whether there is a log.
    pub(crate) fn logged(&self, transaction: &Transaction) -> (Receipt, Vec<LogLine>) {
        let log = DebugLog::new(1 << 20);
        let mut found = None;
        for (name, contracts) in &self.lanes {
            let execute = |contracts: Contracts| {
                let result = contracts.execute(
                    self.reader(),
                    transaction.clone(),
                    &self.block,
                    &Interrupt::new(),
                );
                result.unwrap().included().unwrap()
            };
            let logged = execute(contracts.clone().debug_log(log.clone()));
            assert_same(&execute(contracts.clone()), &logged, name);
            let logged = (logged.receipt, log.lines());
            assert_eq!(
                found.get_or_insert_with(|| logged.clone()),
                &logged,
                "{name}"
            );
        }
        found.unwrap()
    }

    /// The result of a transaction, whose changes are dropped, and its trace: the same on every
    /// lane. Neither receipt, changes nor reads depend on whether there is an inspector.
    pub(crate) fn traced(&self, transaction: &Transaction) -> (Included, Trace) {
        self.traced_within(transaction, 1 << 20)
    }

    /// The trace by function of a transaction, of at most so many bytes, on one lane.
    pub(crate) fn traced_by_function(&self, transaction: &Transaction, max_bytes: usize) -> Trace {
        let inspector = Inspector::new(max_bytes).by_function();
        let (_, contracts) = &self.lanes[0];
        let result = contracts.clone().inspector(inspector.clone()).execute(
            self.reader(),
            transaction.clone(),
            &self.block,
            &Interrupt::new(),
        );
        result.unwrap().included().unwrap();
        inspector.trace()
    }

    /// The same with a trace of at most so many bytes.
    pub(crate) fn traced_within(
        &self,
        transaction: &Transaction,
        max_bytes: usize,
    ) -> (Included, Trace) {
        let inspector = Inspector::new(max_bytes);
        let mut profiled = Vec::new();
        let mut found = None;
        for (name, contracts) in &self.lanes {
            let execute = |contracts: Contracts| {
                let result = contracts.execute(
                    self.reader(),
                    transaction.clone(),
                    &self.block,
                    &Interrupt::new(),
                );
                result.unwrap().included().unwrap()
            };
            let included = execute(contracts.clone().inspector(inspector.clone()));
            assert_same(&included, &execute(contracts.clone()), name);
            let trace = inspector.trace();
            let (_, first) = found.get_or_insert_with(|| (included, trace.clone()));
            assert_eq!(first, &trace, "{name}");

            // The functions of each frame are told apart beside everything else.
            let by_function = Inspector::new(1 << 24).by_function();
            let with = execute(contracts.clone().inspector(by_function.clone()));
            assert_same(&with, &execute(contracts.clone()), name);
            profiled.push(by_function.trace());
        }
        profiled.dedup();
        let [profiled] = &profiled[..] else {
            panic!("the profiles differ: {profiled:#?}")
        };
        check_profiles(profiled);
        let (included, trace) = found.unwrap();
        if trace.dropped.is_empty() {
            assert_eq!(without_profiles(profiled.clone()), trace);
        }
        (included, trace)
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

    pub(crate) fn reader(&self) -> Arc<dyn StateReader> {
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
                .execute(
                    self.reader(),
                    transaction.clone(),
                    &self.block,
                    &Interrupt::new(),
                )
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
        self.replay(&transaction, &included);
        self.state.apply(&included.changes);
        Ok(included)
    }

    /// Records a transaction on the first lane, and replays it on the last one.
    fn replay(&self, transaction: &Transaction, included: &Included) {
        let (capsule, _) = self.recorded(transaction);
        let last = self.lanes.len() - 1;
        check_capsule(&capsule, included.into(), self.lanes().skip(last));
    }

    /// A transaction that a block can include, recorded on the first lane.
    pub(crate) fn recorded(&self, transaction: &Transaction) -> (Capsule, Included) {
        let (_, contracts) = self.lanes.first().unwrap();
        let (result, capsule) = Capsule::record(
            contracts,
            self.reader(),
            transaction.clone(),
            &self.block,
            &Interrupt::new(),
        )
        .unwrap();
        (capsule.unwrap(), result.included().unwrap())
    }

    /// The lanes by name.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = (&str, &Contracts)> {
        let lanes = self.lanes.iter();
        lanes.map(|(name, contracts)| (name.as_str(), contracts))
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
                    .query(self.reader(), query.clone(), &self.block, &Interrupt::new())
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

/// The ways to run PolkaVM programs in this process on this machine.
fn backends() -> impl Iterator<Item = Backend> {
    let compiled = HAS_SANDBOX.then_some(Backend::GenericSandbox);
    [Backend::Interpreter].into_iter().chain(compiled)
}

fn mixed(backend: Backend) -> impl Iterator<Item = (String, Lane)> {
    let lanes = mixed_lanes(backend).into_iter();
    lanes.map(move |lane| (format!("{} and {backend:?}", lane.name), lane))
}

/// Replays a capsule on lanes, by its bytes alone: its result is the expected one, and no step
/// differs.
pub(crate) fn check_capsule<'a>(
    capsule: &Capsule,
    expected: CapsuleResult,
    lanes: impl Iterator<Item = (&'a str, &'a Contracts)>,
) {
    let expected = CapsuleOutcome::Included(expected);
    assert_eq!(capsule.outcome(), expected);
    let bytes = capsule.encode().unwrap();
    let capsule = Capsule::decode(&bytes).unwrap();
    assert_eq!(capsule.encode().unwrap(), bytes);
    for (name, contracts) in lanes {
        let outcome = capsule.replay(contracts, &Interrupt::new()).unwrap();
        assert_eq!(outcome, expected, "{name}");
        let difference = capsule.first_difference(
            [CapsuleRun::Recorded, CapsuleRun::Replay(contracts)],
            &Interrupt::new(),
        );
        assert_eq!(difference, Ok(None), "{name}");
    }
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

/// The gas of the functions of each frame adds up, with that of its calls where they were made.
fn check_profiles(trace: &Trace) {
    for frame in &trace.frames {
        let Some(profile) = &frame.profile else {
            let has_run = !frame.steps.is_empty();
            assert!(!has_run, "a frame that ran has a profile: {frame:#?}");
            continue;
        };
        let sum = |gas: &mut dyn Iterator<Item = Gas>| gas.fold(Gas::ZERO, Gas::saturating_add);
        let used = frame.end.as_ref().unwrap().gas_used;
        assert_eq!(sum(&mut profile.values().copied()), used, "{frame:#?}");
        let mut called: BTreeMap<&Path, Gas> = BTreeMap::new();
        for step in &frame.steps {
            if let TraceStep::Call(index) = step {
                let callee = &trace.frames[*index];
                let path = callee.caller_path.as_ref().unwrap();
                assert!(
                    matches!(path.last(), Some(ProfileSpan::Syscall(_))),
                    "{path:?}"
                );
                let gas = called.entry(path).or_default();
                *gas = gas.saturating_add(callee.end.as_ref().unwrap().gas_used);
            }
        }
        for (path, gas) in called {
            let spent = profile.get(path).copied().unwrap_or_default();
            assert!(gas <= spent, "{path:?}: {gas} of {spent} in {frame:#?}");
        }
    }
}

fn without_profiles(mut trace: Trace) -> Trace {
    for frame in &mut trace.frames {
        frame.profile = None;
        frame.caller_path = None;
    }
    trace
}
