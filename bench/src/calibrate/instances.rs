//! What making an instance takes, through the executor, and what its pages take once they are used.

use anyhow::{Result, bail};
use fusee::sandbox::{Executor, Gas, Outcome, Rules, RunRequest, Schedule};

use super::{ENGINES, Engine, Item, Kind, PerEngine, each_engine, probe::Probe};
use crate::{kernels::ENTRY, ours::NoHost};

/// Pages that one guest has more than another.
const PAGES: u32 = 64;

/// Bytes of data, and elements of a table, that one guest has and another has not.
const BYTES: usize = 65_536;
const ELEMENTS: u32 = 16_384;

/// Fresh instances, each with a run that uses what it has.
#[derive(Debug)]
pub(super) struct Instances {
    /// Nothing at all.
    plain: PerEngine<Probe>,
    /// A page, and many from the start.
    page: PerEngine<Probe>,
    pages: PerEngine<Probe>,
    /// A page, grown to many.
    grown: PerEngine<Probe>,
    data: PerEngine<Probe>,
    table: PerEngine<Probe>,
    /// The same table, filled by an element segment.
    elements: PerEngine<Probe>,
}

impl Instances {
    pub(super) fn new() -> Result<Self> {
        let many = PAGES.saturating_add(1);
        let one_page = |fields: &str| touching(&format!("(memory 1) {fields}"), "", 1);
        let elements = " $run".repeat(usize::try_from(ELEMENTS)?);
        Ok(Self {
            plain: probes(r#"(module (func (export "run")))"#)?,
            page: probes(&one_page(""))?,
            pages: probes(&touching(&format!("(memory {many})"), "", many))?,
            grown: probes(&touching(
                &format!("(memory 1 {many})"),
                &format!("(drop (memory.grow (i32.const {PAGES})))"),
                many,
            ))?,
            data: probes(&one_page(&format!(
                r#"(data (i32.const 0) "{}")"#,
                "a".repeat(BYTES)
            )))?,
            table: probes(&format!(
                r#"(module (table {ELEMENTS} funcref) (func $run (export "run")))"#
            ))?,
            elements: probes(&format!(
                r#"(module (table {ELEMENTS} funcref) (elem (i32.const 0) func{elements})
                    (func $run (export "run")))"#
            ))?,
        })
    }

    pub(super) fn probes(&mut self) -> impl Iterator<Item = &mut Probe> {
        [
            &mut self.plain,
            &mut self.page,
            &mut self.pages,
            &mut self.grown,
            &mut self.data,
            &mut self.table,
            &mut self.elements,
        ]
        .into_iter()
        .flatten()
    }

    pub(super) fn items(&self) -> Vec<Item> {
        let Schedule {
            dynamic, instance, ..
        } = Schedule::v2();
        let blocks = f64::from(u32::try_from(BYTES / 64).unwrap_or(u32::MAX));
        let item = |kind, name: &str, remark: &str, now: u32, time| Item {
            kind,
            name: name.to_owned(),
            remark: remark.to_owned(),
            now: now.into(),
            least: 1,
            price: now.into(),
            time,
        };
        let difference = |with: &PerEngine<Probe>, without: &PerEngine<Probe>, units: f64| {
            each_engine(|engine| {
                (Probe::of(with, engine) - Probe::of(without, engine)).max(0.0) / units
            })
        };
        let base = each_engine(|engine| Probe::of(&self.plain, engine));
        let page = difference(&self.pages, &self.page, PAGES.into());
        let grown = difference(&self.grown, &self.page, PAGES.into());
        let data = difference(&self.data, &self.page, blocks);
        let table = difference(&self.table, &self.plain, ELEMENTS.into());
        let element = difference(&self.elements, &self.table, ELEMENTS.into());
        vec![
            item(
                Kind::Length,
                "grow_page",
                "memory.grow, used",
                dynamic.grow_page,
                grown,
            ),
            item(Kind::Instance, "base", "", instance.base, base),
            item(Kind::Instance, "page", "used", instance.page, page),
            item(
                Kind::Instance,
                "data_64_bytes",
                "",
                instance.data_64_bytes,
                data,
            ),
            item(
                Kind::Instance,
                "table_element",
                "empty",
                instance.table_element,
                table,
            ),
            item(
                Kind::Instance,
                "table_element",
                "filled",
                instance.table_element,
                element,
            ),
        ]
    }
}

/// A guest that does something and then writes into each 4 KiB of its pages.
fn touching(fields: &str, first: &str, pages: u32) -> String {
    let end = pages.saturating_mul(65_536);
    format!(
        r#"(module {fields} (func (export "run") (local $at i32)
            {first}
            (loop $again
                (i32.store8 (local.get $at) (i32.const 1))
                (local.set $at (i32.add (local.get $at) (i32.const 4096)))
                (br_if $again (i32.lt_u (local.get $at) (i32.const {end}))))))"#
    )
}

fn probes(text: &str) -> Result<PerEngine<Probe>> {
    let wasm = wat::parse_str(text)?;
    let [wasmtime, wasmi] = ENGINES.map(|engine| probe(&engine, &wasm));
    Ok([wasmtime?, wasmi?])
}

fn probe(engine: &Engine, wasm: &[u8]) -> Result<Probe> {
    let executor = Executor::builder((engine.ours)()?).build();
    let prepared = executor.prepare(wasm, &Rules::v2(Vec::new()))?;
    Probe::new(move |times| {
        for _ in 0..times {
            let request = RunRequest::new(ENTRY, &[], Gas::MAX);
            match executor.run(&prepared, request, Box::new(NoHost))? {
                Outcome::Finished(_) => {}
                other => bail!("a guest did not finish: {other:?}"),
            }
        }
        Ok(())
    })
}
