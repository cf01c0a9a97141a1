//! What making an instance takes, through the executor, and what its pages take once they are used.

use std::sync::Arc;

use anyhow::{Result, bail};
use fusee::sandbox::{Executor, Gas, Outcome, Rules, RunRequest, Schedule};

use super::{ENGINES, Engine, Item, Kind, PerEngine, each_engine, probe::Probe};
use crate::kernels::ENTRY;

/// Pages that engines keep resident, without the first, and pages beyond.
const PAGES: u32 = 31;
const FAR_PAGES: u32 = 32;

/// Bytes of data, elements of a table, and tables that one guest has and another has not.
const BYTES: usize = 65_536;
const ELEMENTS: u32 = 16_384;
const TABLES: u32 = 15;

/// Functions, and other items, that one guest has more than another.
const FUNCTIONS: u32 = 9_000;
const ITEMS: u32 = 900;

/// Programs of which instances are made in turn, so that each has the memory of another.
const PROGRAMS: u32 = 64;

/// Fresh instances, each with a run that uses what it has.
#[derive(Debug)]
pub(super) struct Instances {
    /// Nothing at all.
    plain: PerEngine<Probe>,
    /// A memory without pages.
    memory: PerEngine<Probe>,
    /// A page, all resident pages, and more.
    page: PerEngine<Probe>,
    pages: PerEngine<Probe>,
    far: PerEngine<Probe>,
    /// All resident pages, of many programs in turn.
    cycled: PerEngine<Probe>,
    /// A page, grown one by one to all resident pages, and on.
    grown: PerEngine<Probe>,
    grown_far: PerEngine<Probe>,
    data: PerEngine<Probe>,
    segments: PerEngine<Probe>,
    tables: PerEngine<Probe>,
    table: PerEngine<Probe>,
    /// The same table, filled by an element segment.
    elements: PerEngine<Probe>,
    /// The same, whose elements are read: Wasmtime fills each of them when it is used first.
    elements_read: PerEngine<Probe>,
    element_segments: PerEngine<Probe>,
    functions: PerEngine<Probe>,
    globals: PerEngine<Probe>,
    exports: PerEngine<Probe>,
}

impl Instances {
    pub(super) fn new() -> Result<Self> {
        // One of each engine: several pools would use up the addresses and mappings of a process.
        let [wasmtime, wasmi] = ENGINES.map(|engine| executor(&engine));
        let executors = [wasmtime?, wasmi?];
        let probes = |texts: &[String]| probes(&executors, texts);
        let resident = PAGES.saturating_add(1);
        let all = resident.saturating_add(FAR_PAGES);
        let one_page = |fields: &str| touching(&format!("(memory 1) {fields}"), "", 1);
        let pages = |pages: u32| touching(&format!("(memory {pages})"), "", pages);
        let grown = |pages: u32| {
            let more = pages.saturating_sub(1);
            touching(
                &format!("(memory 1 {pages})"),
                &format!(
                    "(loop $grow (drop (memory.grow (i32.const 1)))
                        (br_if $grow (i32.lt_u (memory.size) (i32.const {pages}))))"
                )
                .repeat(usize::from(more > 0)),
                pages,
            )
        };
        let many =
            |item: &dyn Fn(u32) -> String, count: u32| -> String { (0..count).map(item).collect() };
        let run = r#"(func $run (export "run"))"#;
        Ok(Self {
            plain: probes(&[format!("(module {run})")])?,
            memory: probes(&[format!("(module (memory 0) {run})")])?,
            page: probes(&[pages(1)])?,
            pages: probes(&[pages(resident)])?,
            far: probes(&[pages(all)])?,
            cycled: probes(
                &(0..PROGRAMS)
                    .map(|number| {
                        let other = format!(r#"(memory {resident}) (func (export "{number}"))"#);
                        touching(&other, "", resident)
                    })
                    .collect::<Vec<_>>(),
            )?,
            grown: probes(&[grown(resident)])?,
            grown_far: probes(&[grown(all)])?,
            data: probes(&[one_page(&format!(
                r#"(data (i32.const 0) "{}")"#,
                "a".repeat(BYTES)
            ))])?,
            segments: probes(&[one_page(&many(
                &|number| format!(r#"(data (i32.const {number}) "a")"#),
                ITEMS,
            ))])?,
            tables: probes(&[format!(
                "(module {} {run})",
                many(&|_| "(table 0 funcref)".to_owned(), TABLES)
            )])?,
            table: probes(&[format!("(module (table {ELEMENTS} funcref) {run})")])?,
            elements: probes(&[format!(
                "(module (table {ELEMENTS} funcref) (elem (i32.const 0) func{}) {run})",
                " $run".repeat(usize::try_from(ELEMENTS)?)
            )])?,
            elements_read: probes(&[format!(
                r#"(module (table {ELEMENTS} funcref) (elem (i32.const 0) func{})
                    (func $run (export "run") (local $at i32)
                        (loop $again
                            (drop (table.get (local.get $at)))
                            (local.set $at (i32.add (local.get $at) (i32.const 1)))
                            (br_if $again (i32.lt_u (local.get $at) (i32.const {ELEMENTS}))))))"#,
                " $run".repeat(usize::try_from(ELEMENTS)?)
            )])?,
            element_segments: probes(&[format!(
                "(module (table 1 funcref) {} {run})",
                many(&|_| "(elem (i32.const 0) $run)".to_owned(), ITEMS)
            )])?,
            functions: probes(&[format!(
                "(module {run} {})",
                many(
                    &|_| "(func (param i32) (result i32) local.get 0)".to_owned(),
                    FUNCTIONS
                )
            )])?,
            globals: probes(&[format!(
                "(module {run} {})",
                many(&|_| "(global funcref (ref.func $run))".to_owned(), ITEMS)
            )])?,
            exports: probes(&[format!(
                "(module {run} {})",
                many(
                    &|number| format!(r#"(export "function {number}" (func $run))"#),
                    ITEMS
                )
            )])?,
        })
    }

    pub(super) fn probes(&mut self) -> impl Iterator<Item = &mut Probe> {
        [
            &mut self.plain,
            &mut self.memory,
            &mut self.page,
            &mut self.pages,
            &mut self.far,
            &mut self.cycled,
            &mut self.grown,
            &mut self.grown_far,
            &mut self.data,
            &mut self.segments,
            &mut self.tables,
            &mut self.table,
            &mut self.elements,
            &mut self.elements_read,
            &mut self.element_segments,
            &mut self.functions,
            &mut self.globals,
            &mut self.exports,
        ]
        .into_iter()
        .flatten()
    }

    pub(super) fn items(&self) -> Vec<Item> {
        let Schedule {
            dynamic,
            instance: now,
            ..
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
        let each = |with: &PerEngine<Probe>, without: &PerEngine<Probe>, units: f64| {
            each_engine(|engine| {
                (Probe::of(with, engine) - Probe::of(without, engine)).max(0.0) / units
            })
        };
        let whole = |probe: &PerEngine<Probe>| each_engine(|engine| Probe::of(probe, engine));
        let instance = |name, remark, now, time| item(Kind::Instance, name, remark, now, time);
        let total = |pages: u32| {
            let resident = now.page.saturating_mul(pages);
            now.base.saturating_add(now.memory).saturating_add(resident)
        };
        let resident = PAGES.saturating_add(1);
        let (pages, far) = (f64::from(PAGES), f64::from(FAR_PAGES));
        let (functions, items) = (f64::from(FUNCTIONS), f64::from(ITEMS));
        let far_grown = each_engine(|engine| {
            let all = Probe::of(&self.grown_far, engine) - Probe::of(&self.grown, engine);
            all.max(0.0) / far
        });
        vec![
            item(
                Kind::Length,
                "grow_page",
                "memory.grow by one page, used",
                dynamic.grow_page,
                each(&self.grown, &self.page, pages),
            ),
            item(
                Kind::Length,
                "grow_far_page",
                "memory.grow by one page, used",
                dynamic.grow_far_page,
                far_grown,
            ),
            instance("base", "", now.base, whole(&self.plain)),
            instance(
                "memory",
                "",
                now.memory,
                each(&self.memory, &self.plain, 1.0),
            ),
            instance(
                "page",
                "used",
                now.page,
                each(&self.pages, &self.page, pages),
            ),
            instance(
                "far_page",
                "used",
                now.far_page,
                each(&self.far, &self.pages, far),
            ),
            instance(
                "data_64_bytes",
                "",
                now.data_64_bytes,
                each(&self.data, &self.page, blocks),
            ),
            instance(
                "segment",
                "of data",
                now.segment,
                each(&self.segments, &self.page, items),
            ),
            instance(
                "segment",
                "of elements",
                now.segment,
                each(&self.element_segments, &self.plain, items),
            ),
            instance(
                "table",
                "",
                now.table,
                each(&self.tables, &self.plain, f64::from(TABLES)),
            ),
            instance(
                "table_element",
                "empty",
                now.table_element,
                each(&self.table, &self.plain, ELEMENTS.into()),
            ),
            instance(
                "table_element",
                "filled",
                now.table_element,
                each(&self.elements, &self.table, ELEMENTS.into()),
            ),
            // Each counts twice: in its table and in its segment.
            instance(
                "table_element",
                "filled and read",
                now.table_element,
                each(&self.elements_read, &self.table, f64::from(ELEMENTS) * 2.0),
            ),
            instance(
                "function",
                "",
                now.function,
                each(&self.functions, &self.plain, functions),
            ),
            instance(
                "global",
                "",
                now.global,
                each(&self.globals, &self.plain, items),
            ),
            instance(
                "export",
                "",
                now.export,
                each(&self.exports, &self.plain, items),
            ),
            instance("(whole)", "1 page, used", total(1), whole(&self.page)),
            instance(
                "(whole)",
                "32 pages, used",
                total(resident),
                whole(&self.pages),
            ),
            instance(
                "(whole)",
                "32 pages, used, of 64 programs in turn",
                total(resident),
                whole(&self.cycled),
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

fn executor(engine: &Engine) -> Result<Arc<Executor>> {
    let executor = Executor::builder((engine.ours)()?).cache_bytes(1 << 30);
    Ok(Arc::new(executor.build()))
}

/// Probes that make instances of these programs in turn.
fn probes(executors: &PerEngine<Arc<Executor>>, texts: &[String]) -> Result<PerEngine<Probe>> {
    let programs = texts.iter().map(wat::parse_str);
    let programs: Vec<_> = programs.collect::<Result<_, _>>()?;
    let [wasmtime, wasmi] = executors.each_ref().map(|engine| probe(engine, &programs));
    Ok([wasmtime?, wasmi?])
}

fn probe(executor: &Arc<Executor>, programs: &[Vec<u8>]) -> Result<Probe> {
    let executor = Arc::clone(executor);
    let rules = Rules::v1(Vec::new());
    let prepared = programs
        .iter()
        .map(|wasm| executor.prepare(wasm, &rules))
        .collect::<Result<Vec<_>, _>>()?;
    let mut in_turn = (0..prepared.len()).cycle();
    Probe::new(move |times| {
        for _ in 0..times {
            let next = in_turn.next().and_then(|next| prepared.get(next));
            let Some(program) = next else { break };
            let request = RunRequest::new(ENTRY, &[], Gas::MAX);
            match executor.run(program, request, ())? {
                Outcome::Finished(_) => {}
                other => bail!("a guest did not finish: {other:?}"),
            }
        }
        Ok(())
    })
}
