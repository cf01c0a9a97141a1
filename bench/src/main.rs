//! Measures Fusee side by side with its peers.
//!
//! A group is one file and one line in [`GROUPS`]: it builds comparisons, has them measured, and
//! returns rows. What the rows mean stands in `README.md`.

mod kernels;
mod measure;
mod meter;
mod ours;
mod peers;
mod report;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser};

use crate::report::Row;

/// Measures Fusee side by side with its peers, in one run, and prints a row for each comparison.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true, after_help = groups())]
struct Arguments {
    /// What to measure
    group: String,
    #[command(flatten)]
    options: Options,
}

/// What all groups are told.
#[derive(Debug, clap::Args)]
struct Options {
    /// Print a JSON array instead of a table
    #[arg(long)]
    json: bool,
    /// How often each side of each comparison is measured
    #[arg(long, value_name = "N", default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure only the rows with NAME in their names
    #[arg(long, value_name = "NAME", default_value = "")]
    filter: String,
}

impl Options {
    /// Whether the row of this name was asked for.
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.filter)
    }
}

/// Comparisons that are measured together.
struct Group {
    name: &'static str,
    about: &'static str,
    measure: fn(&Options) -> Result<Vec<Row>>,
}

const GROUPS: &[Group] = &[Group {
    name: "meter",
    about: "what gas and stack metering cost, over the bare engines and over their own fuel",
    measure: meter::measure,
}];

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let Some(group) = GROUPS.iter().find(|group| group.name == arguments.group) else {
        eprintln!("error: there is no group `{}`\n", arguments.group);
        eprintln!("{}", Arguments::command().render_help());
        return Ok(ExitCode::from(2));
    };
    let rows = (group.measure)(&arguments.options)?;
    if arguments.options.json {
        report::json(&rows)?;
    } else {
        report::table(&rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn groups() -> String {
    let mut text = String::from("Groups:");
    for group in GROUPS {
        text.push_str(&format!("\n  {:<8} {}", group.name, group.about));
    }
    text
}
