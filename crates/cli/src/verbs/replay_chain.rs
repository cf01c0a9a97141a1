//! `replay` of a chain: executes its blocks again on each engine, and compares.

use std::{num::NonZeroUsize, ops::ControlFlow, path::Path};

use fusee::chain::{
    self as chains, ContractRules, DataFolder, Difference, Direction, KeyRange, Replayed, Scope,
    Start, StateReader, StoredBlock, keys, replay, store::Version,
};
use fusee::ledger::{
    CallResult, Genesis, Ledger, LedgerRules, Parameters, SignedTransaction, TransactionResult,
};
use fusee::sandbox::Format;
use serde::Serialize;

use crate::{
    args::{FolderArgs, ReplayArgs},
    chain::{
        FolderChain, all_ledger_rules, contract_rules, ledger_rules, published_rules, rulebook,
    },
    engines::{self, On, ReplayChoice},
    failure::{Exit, Failure},
    numbers::grouped,
    output::Output,
    progress,
    receipt::{self, line},
    table::table,
};

/// The most differences that text shows.
const SHOWN: usize = 20;

#[derive(Serialize)]
struct ReplayJson {
    /// The rules of the rehearsal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<String>,
    first_height: u64,
    last_height: u64,
    threads: NonZeroUsize,
    engines: Vec<EngineJson>,
    equal: bool,
}

#[derive(Serialize)]
struct EngineJson {
    engine: &'static str,
    blocks: u64,
    transactions: u64,
    /// The first ones.
    differences: Vec<DifferenceJson>,
    /// How many there are besides these.
    more_differences: u64,
}

#[derive(Serialize)]
struct DifferenceJson {
    height: u64,
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// The transaction that the result is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<String>,
    stored: String,
    replayed: String,
}

/// Whose blocks are replayed, from where on.
struct Replay {
    chain: FolderChain,
    genesis: Genesis,
    from: Option<FolderChain>,
}

pub(crate) fn run(args: &ReplayArgs, output: &mut Output) -> Result<Exit, Failure> {
    let folder = super::folder::existing(&args.folder)?;
    let replaying = Replay {
        chain: FolderChain::open(&args.folder.data)?,
        genesis: folder.genesis().clone(),
        from: args
            .from
            .as_deref()
            .map(|path| from(path, &folder))
            .transpose()?,
    };
    let (first, last) = (replaying.first()?, replaying.chain.state()?.height());
    let kept = replaying.chain.chain().store().first_height();
    if first < kept && first <= last {
        let message = format!("the blocks before height {kept} are not here");
        return Err(Failure::usage(message).next("begin with a snapshot or backup, by --from"));
    }
    if first > last.saturating_add(1) {
        let message = format!("the chain ends with height {last}, before height {first}");
        return Err(Failure::usage(message).next("choose an earlier state with --from"));
    }
    let chosen = Chosen::new(&args.rules)?;
    let mut engines = Vec::new();
    for (engine, ledger) in ledgers(args.engine, &replaying.chain, &chosen)? {
        let replayed = replaying.run(&ledger.threads(args.threads), &chosen)?;
        engines.push(replaying.told(engine, replayed)?);
    }
    let equal = engines.iter().all(|engine| engine.differences.is_empty());
    let answer = ReplayJson {
        rules: chosen.names(),
        first_height: first,
        last_height: last,
        threads: args.threads,
        engines,
        equal,
    };
    output.answer(&answer, || answer.text())?;
    Ok(match equal {
        true => Exit::Success,
        false => Exit::Disagreement,
    })
}

/// The chain in another data folder, with whose state a replay begins.
fn from(path: &Path, replayed: &DataFolder) -> Result<FolderChain, Failure> {
    let data = path.to_path_buf();
    let folder = super::folder::existing(&FolderArgs { data })?;
    if folder.genesis().identity() != replayed.genesis().identity() {
        let message = format!("`{}` has another chain", path.display());
        return Err(Failure::usage(message).next("give a snapshot or backup of this one"));
    }
    let real = |path: &Path| path.canonicalize().ok();
    if real(path) == real(replayed.path()) {
        let message = format!("`{}` is the folder that is replayed", path.display());
        return Err(Failure::usage(message).next("give a snapshot or backup of an earlier height"));
    }
    FolderChain::open(path)
}

/// The rules that a rehearsal executes the blocks by. What is not named is as the chain has it.
#[derive(Default)]
struct Chosen {
    ledger: Option<LedgerRules>,
    contracts: Option<ContractRules>,
}

impl Chosen {
    fn new(names: &[String]) -> Result<Self, Failure> {
        let mut chosen = Self::default();
        for name in names {
            let named = all_ledger_rules().find(|rules| rules.name == *name);
            match (ContractRules::named(name), named) {
                (Some(found), _) => chosen.contracts = Some(found),
                (None, Some(found)) => chosen.ledger = Some(found),
                (None, None) => {
                    let message = format!("there are no rules `{name}`");
                    let published = published_rules();
                    let next = format!("name published ones, such as {published}");
                    return Err(Failure::usage(message).next(next));
                }
            }
        }
        Ok(chosen)
    }

    fn names(&self) -> Vec<String> {
        let ledger = self.ledger.as_ref().map(|rules| rules.name.to_string());
        let contracts = self.contracts.as_ref().map(|rules| rules.name.to_string());
        ledger.into_iter().chain(contracts).collect()
    }

    fn scope(&self) -> Scope {
        match (&self.ledger, &self.contracts) {
            (None, None) => Scope::Same,
            (ledger, contracts) => Scope::Rehearsal {
                ledger: ledger.as_ref().map(LedgerRules::id),
                contracts: contracts.as_ref().map(ContractRules::id),
                // This program has none: those of its rules need none.
                migration: None,
            },
        }
    }
}

/// A ledger with each engine, that has all rules of the chain and of the rehearsal.
fn ledgers(
    choice: ReplayChoice,
    chain: &FolderChain,
    chosen: &Chosen,
) -> Result<Vec<(&'static str, Ledger)>, Failure> {
    let state = chain.state()?;
    let parameters = Parameters::read(&state)?;
    let heights = parameters.activations.iter().map(|it| it.height);
    let past = heights.filter(|height| *height <= state.height().max(1));
    let rules = past.map(|height| contract_rules(&parameters, height));
    let mut rules: Vec<ContractRules> = rules.collect::<Result<_, _>>()?;
    rules.extend(chosen.contracts.clone());
    let has_polkavm = has_polkavm(&state)?;
    let mut books: Vec<(&'static str, fusee::ledger::Rulebook)> = Vec::new();
    for rules in rules {
        for (index, On { engine, it }) in engines::replaying(choice, &rules, has_polkavm)?
            .into_iter()
            .enumerate()
        {
            match books.get_mut(index) {
                Some((_, book)) => *book = std::mem::take(book).with_contracts(it),
                None => books.push((engine, rulebook(it))),
            }
        }
    }
    let books = books.into_iter();
    Ok(books
        .map(|(engine, book)| (engine, Ledger::new(book)))
        .collect())
}

/// Whether a contract of the chain is a program for PolkaVM.
fn has_polkavm(state: &Version) -> Result<bool, Failure> {
    let (mut start, end) = (vec![keys::CODE], [keys::CODE.saturating_add(1)]);
    let failed = |error| Failure::new(Exit::Host, error);
    let next = |start: &[u8]| state.seek(KeyRange::new(start, &end), Direction::Ascending);
    while let Some((mut key, code)) = next(&start).map_err(failed)? {
        if Format::of(&code) == Format::PolkaVm {
            return Ok(true);
        }
        key.push(0);
        start = key;
    }
    Ok(false)
}

impl Replay {
    fn first(&self) -> Result<u64, Failure> {
        match &self.from {
            Some(from) => Ok(from.state()?.height().saturating_add(1)),
            None => Ok(self.chain.chain().initial_height()),
        }
    }

    fn run(&self, ledger: &Ledger, chosen: &Chosen) -> Result<Replayed, Failure> {
        let (first, last) = (self.first()?, self.chain.state()?.height());
        let state;
        let start = match &self.from {
            Some(from) => {
                state = from.state()?;
                Start::After(&state, from.chain().last_hash())
            }
            None => Start::Genesis(&self.genesis),
        };
        let count = |height: u64| usize::try_from(height).unwrap_or(usize::MAX);
        let all = count(last.saturating_add(1).saturating_sub(first));
        Ok(replay(
            self.chain.chain(),
            start,
            ledger,
            chosen.scope(),
            |height| {
                let done = count(height.saturating_add(1).saturating_sub(first));
                progress::tell("blocks", done, all);
                ControlFlow::Continue(())
            },
        )?)
    }

    fn told(&self, engine: &'static str, replayed: Replayed) -> Result<EngineJson, Failure> {
        let (more_differences, differences) = (replayed.more, replayed.differences.iter());
        let differences = differences.map(|difference| self.difference(difference));
        Ok(EngineJson {
            engine,
            blocks: replayed.blocks,
            transactions: replayed.transactions,
            differences: differences.collect::<Result<_, _>>()?,
            more_differences,
        })
    }

    fn difference(&self, difference: &Difference) -> Result<DifferenceJson, Failure> {
        let block: StoredBlock = self.chain.chain().block(difference.height)?;
        let bytes = difference
            .index
            .and_then(|index| block.transactions.get(index));
        let rules = ledger_rules(&Parameters::read(&self.chain.state()?)?, difference.height)?;
        let transaction = bytes.and_then(|bytes| SignedTransaction::decode(bytes, &rules).ok());
        let shown = |bytes: &[u8]| match difference.index {
            Some(_) => result(bytes),
            None => hex::encode(bytes),
        };
        Ok(DifferenceJson {
            height: difference.height,
            what: difference.what,
            index: difference.index,
            transaction: transaction.map(|it| it.id().to_string()),
            stored: shown(&difference.stored),
            replayed: shown(&difference.replayed),
        })
    }
}

/// A result in one line.
fn result(bytes: &[u8]) -> String {
    let operations = |receipts: &[chains::Receipt]| {
        let last = receipts.last();
        last.map_or_else(
            || "no operation".to_owned(),
            |last| receipt::status_of(last.status, &last.output),
        )
    };
    match (TransactionResult::decode(bytes), CallResult::decode(bytes)) {
        (Ok(result), _) if result.code != 0 => receipt::invalid(result.code),
        (Ok(result), _) => format!(
            "{}, {} gas, fee {}",
            operations(&result.receipts),
            grouped(result.gas_used),
            grouped(result.fee)
        ),
        (_, Ok(call)) => format!(
            "scheduled call {}: {}, {} gas",
            call.index,
            receipt::status_of(call.receipt.status, &call.receipt.output),
            grouped(call.receipt.gas_used)
        ),
        _ => "none".to_owned(),
    }
}

impl EngineJson {
    /// How many differences there are.
    fn count(&self) -> u64 {
        let described = u64::try_from(self.differences.len()).unwrap_or(u64::MAX);
        described.saturating_add(self.more_differences)
    }
}

impl ReplayJson {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        if !self.rules.is_empty() {
            lines.push(line("rehearsal", self.rules.join(", ")));
        }
        for engine in &self.engines {
            lines.push(line(
                engine.engine,
                format!(
                    "{} blocks, {} transactions, {} differences",
                    grouped(engine.blocks),
                    grouped(engine.transactions),
                    grouped(engine.count())
                ),
            ));
        }
        let heights = (grouped(self.first_height), grouped(self.last_height));
        lines.push(line(
            "verdict",
            match (self.equal, !self.rules.is_empty()) {
                (true, false) => format!("equal from height {} to {}", heights.0, heights.1),
                (true, true) => "no result would differ".to_owned(),
                (false, false) => "DIFFERENT: see below".to_owned(),
                (false, true) => "results would differ: see below".to_owned(),
            },
        ));
        let mut text = table(0, &lines);
        for engine in self.engines.iter().filter(|it| !it.differences.is_empty()) {
            text.push_str(&format!("\n{}\n", engine.engine));
            for difference in engine.differences.iter().take(SHOWN) {
                let index = difference.index.map(|index| format!(" {index}"));
                let id = difference.transaction.as_ref();
                let id = id.map(|id| format!(" (transaction {id})"));
                text.push_str(&format!(
                    "  height {}, {}{}{}\n    stored    {}\n    replayed  {}\n",
                    grouped(difference.height),
                    difference.what,
                    index.unwrap_or_default(),
                    id.unwrap_or_default(),
                    difference.stored,
                    difference.replayed
                ));
            }
            let described = engine.differences.len().saturating_sub(SHOWN);
            let more = u64::try_from(described).unwrap_or(u64::MAX);
            let more = more.saturating_add(engine.more_differences);
            match (more, engine.more_differences) {
                (0, _) => {}
                (more, 0) => text.push_str(&format!("  {} more: see --json\n", grouped(more))),
                (more, _) => text.push_str(&format!(
                    "  {} more: see --json for the first {} of them\n",
                    grouped(more),
                    grouped(described)
                )),
            }
        }
        text
    }
}
