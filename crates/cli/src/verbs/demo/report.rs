//! The report of the demo: the results of each step, and the summary.

use fusee::chain::{Address, Receipt};
use fusee::sandbox::Gas;
use serde::Serialize;

use super::{
    guests::TOKEN,
    step::{Run, Step},
};
use crate::{
    engines::On,
    names,
    numbers::grouped,
    receipt::{self, ReceiptJson},
    table::table,
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
    #[serde(skip)]
    status: &'static str,
    #[serde(skip)]
    gas_used: Gas,
}

impl StepJson {
    pub(super) fn new(step: &Step, agree: bool, results: &[On<Run>]) -> Self {
        Self {
            title: step.title,
            command: step.command(),
            expected: step.expected,
            agree,
            engines: results.iter().map(SideJson::of).collect(),
        }
    }

    /// Whether it ended as expected on every engine.
    pub(super) fn is_as_expected(&self) -> bool {
        self.engines.iter().all(|side| side.status == self.expected)
    }
}

impl SideJson {
    fn of(on: &On<Run>) -> Self {
        let Run { receipt, state } = &on.it;
        Self {
            engine: on.engine,
            state_root: state.clone(),
            receipt: ReceiptJson::new(receipt),
            status: receipt.status.name(),
            gas_used: receipt.gas_used,
        }
    }
}

/// The results, one column per engine, then the details that are equal on all.
pub(super) fn compared(results: &[On<Run>], agree: bool) -> String {
    let column = |about: &str, cell: &dyn Fn(&Run) -> String| {
        let mut cells = results.iter().map(|on| cell(&on.it));
        [
            about.to_owned(),
            cells.next().unwrap_or_default(),
            cells.next().unwrap_or_default(),
        ]
    };
    let mut engines = results.iter().map(|on| on.engine.to_owned());
    let head = [
        String::new(),
        engines.next().unwrap_or_default(),
        engines.next().unwrap_or_default(),
    ];
    let rows = [
        head,
        column("status", &|result| result.receipt.status.name().to_owned()),
        column("gas used", &|result| grouped(result.receipt.gas_used)),
        column("state", &|result| {
            result.state.chars().take(DIGEST_DIGITS).collect()
        }),
    ];
    let mut text = table(3, &rows);
    if let Some(on) = results.first() {
        let receipt = &on.it.receipt;
        text.push_str(&table(3, &details(receipt)));
    }
    text.push_str(if agree {
        "   equal on all engines\n"
    } else {
        "   THE ENGINES DISAGREE\n"
    });
    text
}

/// Further details of a receipt.
fn details(receipt: &Receipt) -> Vec<receipt::Line> {
    let mut lines = Vec::new();
    if let Some(address) = receipt.deployed {
        lines.push(receipt::line("address ", address.to_string()));
    }
    if let Some(reason) = receipt::reason(receipt) {
        lines.push(receipt::line("reason  ", reason));
    } else if !receipt.output.is_empty() {
        lines.push(receipt::line("output  ", receipt::hinted(&receipt.output)));
    }
    for event in &receipt.events {
        let data = receipt::hint(&event.data).unwrap_or_else(|| receipt::hexed(&event.data));
        lines.push(receipt::line(
            "event   ",
            format!("{} {data}", String::from_utf8_lossy(&event.topics.concat())),
        ));
    }
    lines
}

/// One line per step.
pub(super) fn summary(steps: &[StepJson]) -> String {
    let mut rows = vec![["", "step", "status", "gas used", "engines"].map(str::to_owned)];
    for (number, step) in (1..).zip(steps) {
        let first = step.engines.first();
        rows.push([
            format!("{number}."),
            step.title
                .split([',', ':'])
                .next()
                .unwrap_or_default()
                .to_owned(),
            first.map(|side| side.status.to_owned()).unwrap_or_default(),
            first.map(|side| grouped(side.gas_used)).unwrap_or_default(),
            if step.agree {
                "equal".to_owned()
            } else {
                "DISAGREE".to_owned()
            },
        ]);
    }
    table(3, &rows)
}

/// Commands to try next. The first token in a new data folder has the same address as here.
pub(super) fn next_commands(token: Address) -> String {
    let token = names::short(token);
    let lines = [
        format!("deploy {} --args 1000000", TOKEN.file),
        format!("call {token} transfer @bob 250 --engine all"),
        format!("query {token} balance_of @bob"),
        "accounts".to_owned(),
        "run guests/wasm/arith.wasm --invoke fac 20".to_owned(),
        "check guests/wasm/hostile_floats.wasm".to_owned(),
    ];
    let commands = lines
        .into_iter()
        .map(|line| format!("   cargo run --release -- {line}\n"));
    let own = "\n   A contract of your own, in Rust, with tests (docs/book/src/first-contract.md):\n   \
               cargo run --release -- new ../counter\n   \
               cd ../counter && fusee test && fusee build    # after: cargo install --path crates/cli\n";
    commands.chain([own.to_owned()]).collect()
}
