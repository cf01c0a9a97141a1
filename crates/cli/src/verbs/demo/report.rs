//! The report of the demo: the results of each step, and what comes after it.

use fusee::chain::Receipt;
use fusee::sandbox::Gas;
use serde::Serialize;

use super::step::{Run, Step};
use crate::{
    book::Book,
    decoded::Decoded,
    engines::On,
    numbers::grouped,
    receipt::{self, ReceiptJson, line},
    table::{Align, aligned, table},
};

/// Digits of a state root in texts.
const DIGEST_DIGITS: usize = 12;

#[derive(Serialize)]
pub(super) struct DemoJson {
    pub(super) agree: bool,
    pub(super) as_expected: bool,
    pub(super) steps: Vec<StepJson>,
}

#[derive(Serialize)]
pub(super) struct StepJson {
    title: &'static str,
    command: String,
    expected: &'static str,
    pub(super) agree: bool,
    engines: Vec<SideJson>,
}

#[derive(Serialize)]
struct SideJson {
    engine: &'static str,
    state_root: String,
    #[serde(flatten)]
    receipt: ReceiptJson,
    #[serde(skip_serializing_if = "Decoded::is_empty")]
    decoded: Decoded,
    #[serde(skip)]
    status: &'static str,
}

impl StepJson {
    pub(super) fn new(step: &Step, agree: bool, results: Vec<On<Run>>) -> Self {
        Self {
            title: step.title,
            command: step.command(),
            expected: step.expected,
            agree,
            engines: results.into_iter().map(SideJson::new).collect(),
        }
    }

    /// Whether it ended as expected on every engine.
    pub(super) fn is_as_expected(&self) -> bool {
        self.engines.iter().all(|side| side.status == self.expected)
    }
}

impl SideJson {
    fn new(on: On<Run>) -> Self {
        let Run {
            receipt,
            decoded,
            state,
        } = on.it;
        Self {
            engine: on.engine,
            state_root: state,
            receipt: ReceiptJson::new(&receipt),
            decoded,
            status: receipt.status.name(),
        }
    }
}

/// The results, one line per engine, then the details that are equal on all.
pub(super) fn compared(results: &[On<Run>], agree: bool, book: &Book) -> String {
    let last = results.len().saturating_sub(1);
    let row = |(index, on): (usize, &On<Run>)| {
        let Run { receipt, state, .. } = &on.it;
        let root: String = state.chars().take(DIGEST_DIGITS).collect();
        let verdict = match (index == last, agree) {
            (false, _) => "",
            (true, true) => "equal",
            (true, false) => "THE ENGINES DISAGREE",
        };
        [
            on.engine.to_owned(),
            receipt.status.name().to_owned(),
            gas(receipt.gas_used),
            format!("state {root}"),
            verdict.to_owned(),
        ]
    };
    let rows: Vec<_> = results.iter().enumerate().map(row).collect();
    let mut text = table(3, &rows);
    if let Some(on) = results.first() {
        let lines = details(&on.it.receipt, &on.it.decoded, book);
        text.push_str(&named(table(3, &lines), book));
    }
    text
}

fn gas(used: Gas) -> String {
    format!("{} gas", grouped(used))
}

/// What a receipt has besides, by the interfaces of the contracts.
fn details(receipt: &Receipt, decoded: &Decoded, book: &Book) -> Vec<receipt::Line> {
    let address = receipt.deployed.map(|it| line("address ", it.to_string()));
    let reason = receipt::reason(receipt).map(|reason| line("reason  ", reason));
    let mut lines: Vec<_> = address.into_iter().chain(reason).collect();
    lines.extend(decoded.result());
    lines.extend(decoded.events().map(|(contract, event)| {
        let mut names = book.names();
        let name = names.find(|(_, address)| address.to_string() == contract);
        let name = name.map_or(contract, |(name, _)| name);
        line("emitted", format!("{name}: {}", event.text()))
    }));
    lines
}

/// A text with the names of contracts for their addresses.
fn named(text: String, book: &Book) -> String {
    book.names().fold(text, |text, (name, address)| {
        text.replace(&format!("\"0x{address}\""), &format!("@{name}"))
    })
}

/// The programs, as they are checked before they are deployed.
pub(super) fn programs(programs: &[(&'static str, usize, usize)]) -> String {
    let rows = programs.iter().map(|(path, size, metered)| {
        [
            format!("{path}: valid"),
            format!("{} bytes", grouped(*size)),
            format!("{} metered", grouped(*metered)),
        ]
    });
    let columns = [Align::Left, Align::Right, Align::Right];
    aligned(3, columns, &rows.collect::<Vec<_>>())
}

/// Commands to try next.
pub(super) fn next() -> String {
    let commands = [
        (
            "new counter",
            "a contract of your own, in Rust, and its tests",
        ),
        ("test counter", "natively and on every engine"),
        ("build counter", "counter/target/contracts/counter.wasm"),
        (
            "deploy counter/target/contracts/counter.wasm --name counter",
            "",
        ),
        ("call counter add 2", ""),
    ];
    let commands = commands.map(|(command, about)| match about {
        "" => format!("   fusee {command}\n"),
        about => format!("   fusee {command:<13}    # {about}\n"),
    });
    let commands = commands.concat();
    format!(
        "{commands}\n   \
         `cargo install --locked --path crates/cli` puts this program, fusee, on your PATH.\n   \
         The contracts above are in examples/contracts, their commands in docs/book/src/examples.md;\n   \
         docs/book/src/first-contract.md begins with `fusee new`.\n"
    )
}
