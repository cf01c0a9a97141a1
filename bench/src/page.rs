//! Pages of `docs/`: the rows of a group, in sections, and a picture of what it found.

#[cfg(test)]
mod tests;

use std::{
    fmt::{self, Write},
    fs,
    path::Path,
    thread,
};

use anyhow::Result;

use crate::{
    machine, plot,
    report::{Cost, Findings, Latency, Row},
};

/// What a page says around the rows.
pub(crate) struct Page {
    /// Of its files, which end in `.md` and `.svg`.
    pub(crate) file: &'static str,
    pub(crate) introduction: &'static str,
    /// Who was measured, each the lock file and the package.
    pub(crate) packages: &'static [(&'static str, &'static str)],
    pub(crate) picture: fn(&Findings) -> String,
    /// What the picture shows, in a word or two.
    pub(crate) picture_title: &'static str,
    /// How it is read.
    pub(crate) caption: &'static str,
    pub(crate) sections: &'static [Section],
}

/// Packages of the peers that are built into this program.
pub(crate) const OURS_LOCK: &str = include_str!("../Cargo.lock");

/// Rows and latencies whose names begin alike, and what there is to say about them.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) prefixes: &'static [&'static str],
    pub(crate) remark: &'static str,
}

impl Page {
    /// Writes the page and its picture.
    pub(crate) fn write(&self, found: &Findings) -> Result<()> {
        let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
        fs::write(
            docs.join(self.file).with_extension("svg"),
            (self.picture)(found),
        )?;
        fs::write(docs.join(self.file).with_extension("md"), self.text(found))?;
        Ok(())
    }

    fn text(&self, found: &Findings) -> String {
        let mut text = String::from(self.introduction);
        // Writing to a string does not fail.
        let _ = self.write_sections(&mut text, found);
        text
    }

    fn write_sections(&self, text: &mut String, found: &Findings) -> fmt::Result {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        writeln!(
            text,
            "\nMeasured on {}: {}, {threads} threads.{} The load of the machine at the end, ours included: {}.\n",
            machine::date(),
            machine::processor(),
            self.versions(),
            machine::load()
        )?;
        writeln!(
            text,
            "![{}]({}.svg)\n\n{}",
            self.picture_title, self.file, self.caption
        )?;
        for section in self.sections {
            let rows: Vec<&Row> = found
                .rows
                .iter()
                .filter(|row| section.holds(&row.name))
                .collect();
            let latencies: Vec<&Latency> = found
                .latencies
                .iter()
                .filter(|latency| section.holds(latency.name))
                .collect();
            let costs: Vec<&Cost> = found
                .costs
                .iter()
                .filter(|cost| section.holds(&cost.name))
                .collect();
            if rows.is_empty() && latencies.is_empty() && costs.is_empty() {
                continue;
            }
            writeln!(text, "\n## {}\n\n{}\n", section.title, section.remark)?;
            write_rows(text, &rows)?;
            write_latencies(text, &latencies)?;
            write_costs(text, &costs)?;
        }
        Ok(())
    }

    /// The releases of the peers, from the files that pin them.
    /// A sentence of the packages that were measured, if there are any.
    fn versions(&self) -> String {
        let packages = self.packages.iter();
        let packages: Vec<_> = packages
            .map(|(lock, package)| format!("{package} {}", version(lock, package)))
            .collect();
        match packages.is_empty() {
            true => String::new(),
            false => format!(" With {}.", packages.join(", ")),
        }
    }
}

fn write_rows(text: &mut String, rows: &[&Row]) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(text, "| | ours | peer | | ratio | quartiles |")?;
    writeln!(text, "|---|---|---|---|---|---|")?;
    let mut above = "";
    for row in rows {
        // A name and our figure stand beside the first of their peers.
        let (name, ours) = match row.name == above {
            true => (String::new(), String::new()),
            false => (format!("`{}`", row.name), figure(row.ours, row)),
        };
        above = &row.name;
        writeln!(
            text,
            "| {name} | {ours} | {} | {} | {:.2} | {:.2}..{:.2} |",
            figure(row.peer, row),
            row.peer_name,
            row.ratio,
            row.ratio_low,
            row.ratio_high,
        )?;
    }
    Ok(())
}

fn write_latencies(text: &mut String, latencies: &[&Latency]) -> fmt::Result {
    if latencies.is_empty() {
        return Ok(());
    }
    writeln!(text, "| | | p50 | p90 | p99 | greatest | of |")?;
    writeln!(text, "|---|---|---|---|---|---|---|")?;
    let mut above = "";
    for latency in latencies {
        let name = match latency.name == above {
            true => String::new(),
            false => format!("`{}`", latency.name),
        };
        above = latency.name;
        let [p50, p90, p99, most] = latency.percentiles().map(plot::number);
        writeln!(
            text,
            "| {name} | {} | {p50} ms | {p90} ms | {p99} ms | {most} ms | {} |",
            latency.side,
            latency.milliseconds.len(),
        )?;
    }
    Ok(())
}

fn write_costs(text: &mut String, costs: &[&Cost]) -> fmt::Result {
    if costs.is_empty() {
        return Ok(());
    }
    writeln!(text, "| | time | gas | time of 1,000 gas |")?;
    writeln!(text, "|---|---|---|---|")?;
    for cost in costs {
        writeln!(
            text,
            "| `{}` | {} ns | {} | {} ns |",
            cost.name,
            plot::number(cost.nanoseconds),
            cost.gas,
            plot::number(cost.nanoseconds_a_thousand_gas()),
        )?;
    }
    Ok(())
}

impl Section {
    fn holds(&self, name: &str) -> bool {
        self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }
}

/// The rows that tell how many there are in a second.
const RATES: &[&str] = &["threads/", "contract"];

/// Three figures or so, with the unit; for some rows, with how many there are in a second.
fn figure(number: f64, row: &Row) -> String {
    let text = plot::number(number);
    let is_rate = RATES.iter().any(|prefix| row.name.starts_with(prefix));
    match plot::nanoseconds_of(row.unit).filter(|_| is_rate) {
        Some(nanoseconds) => {
            let rate = 1e9 / (number * nanoseconds);
            format!("{text} {}, {rate:.0}/s", row.unit)
        }
        None => format!("{text} {}", row.unit),
    }
}

fn version<'a>(lock: &'a str, package: &str) -> &'a str {
    let name = format!("name = \"{package}\"\nversion = \"");
    lock.split_once(&name)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("of an unknown release", |(version, _)| version)
}
