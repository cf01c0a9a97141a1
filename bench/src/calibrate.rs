//! The command `calibrate`: what everything that has a price takes, on each engine, and what it
//! should cost.
//!
//! One gas is what a cheap operator takes, on each engine in that engine's own time. A thing's
//! price is what it takes in that unit on the engine where it is the dearest, rounded up. So that
//! no operator runs more than twice as long for its gas as the median does, one engine's unit may
//! have to be smaller.
//!
//! It writes `docs/calibration.md` and the table in `crates/instrument/src/schedule.rs`, if it is
//! told to.

pub(crate) mod contracts;
mod guest;
mod instances;
mod operators;
mod page;
mod prices;
mod probe;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use anyhow::{Result, ensure};
use fusee::engines::{WasmiEngine, WasmtimeEngine};

use crate::{Options, kernels::Contender, measure::Quartiles, peers};

/// An engine, bare and as ours.
#[derive(Debug)]
struct Engine {
    name: &'static str,
    bare: fn(&[u8]) -> Result<Contender>,
    ours: fn() -> Result<Arc<dyn fusee::sandbox::Engine>>,
}

const ENGINES: PerEngine<Engine> = [
    Engine {
        name: "wasmtime",
        bare: peers::wasmtime::bare,
        ours: || Ok(Arc::new(WasmtimeEngine::new()?)),
    },
    Engine {
        name: "wasmi",
        bare: peers::wasmi::bare,
        // A price holds for an instance that has to be made.
        ours: || Ok(Arc::new(WasmiEngine::new().with_idle_bytes(0))),
    },
];

/// Something for each of [`ENGINES`], in their order.
type PerEngine<T> = [T; 2];

/// Something that has a price.
#[derive(Clone, Debug)]
struct Item {
    kind: Kind,
    name: String,
    /// Which of several things of this name.
    remark: String,
    /// What it costs now.
    now: u64,
    /// What it costs at least, however little time it takes.
    least: u64,
    /// What it should cost.
    price: u64,
    /// The nanoseconds that it takes; not a number where it was not measured.
    time: PerEngine<f64>,
}

/// What has a price. The order is that of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Operator,
    /// A field of `Dynamic`.
    Length,
    /// A field of `InstancePrices`.
    Instance,
    Syscall,
    SyscallByte,
}

/// What was found.
#[derive(Debug)]
struct Calibration {
    items: Vec<Item>,
    /// The nanoseconds that a cheap operator takes.
    cheap: PerEngine<f64>,
    /// The nanoseconds that one gas stands for.
    unit: PerEngine<f64>,
}

/// Operators for their gas on one engine.
#[derive(Debug)]
struct Fairness {
    engine: &'static str,
    /// The median nanoseconds for a gas.
    median: f64,
    /// The operator that takes the most.
    worst: String,
    /// How often the median it takes.
    ratio: f64,
}

/// What the page says of the operators.
const UNMETERED: &str = "Those without a time end a run, or are measured with another.";

/// The most that an operator may take for its gas, in medians.
const MOST: f64 = 2.0;

/// What an operator may take over a whole number of units before the price goes up: times differ by
/// as much from run to run.
const NOISE: f64 = 0.25;

/// How much smaller the unit of an engine may be than what a cheap operator takes.
const WEIGHTS: &[f64] = &[1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0];

pub(crate) fn calibrate(options: &Options) -> Result<()> {
    let calibration = measure(options.rounds)?;
    let fairness = [|item: &Item| item.now, |item: &Item| item.price]
        .map(|price| each_engine(|engine| calibration.fairness(engine, price)));
    let page = page::text(&calibration, &fairness);
    print!("{page}");
    if options.write {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let schedule = root.join("crates/instrument/src/schedule.rs");
        let source = prices::rewrite(&fs::read_to_string(&schedule)?, &calibration)?;
        fs::write(&schedule, source)?;
        fs::write(root.join("docs/calibration.md"), page)?;
    }
    let [_, proposed] = fairness;
    for Fairness {
        engine,
        worst,
        ratio,
        ..
    } in proposed
    {
        ensure!(
            ratio <= MOST,
            "on {engine}, {worst} takes {ratio:.2} times as long for its gas as the median",
        );
    }
    Ok(())
}

/// Measures everything by turns, so that what disturbs the machine for a while disturbs all alike.
fn measure(rounds: u32) -> Result<Calibration> {
    let mut operators = guest::Operators::new()?;
    let mut instances = instances::Instances::new()?;
    let mut contracts = contracts::Syscalls::new()?;
    for _ in 0..rounds {
        let probes = operators.probes();
        for probe in probes.chain(instances.probes()).chain(contracts.probes()) {
            probe.sample()?;
        }
    }
    let mut items = operators.items()?;
    let instances = instances.items();
    let instance = instances
        .iter()
        .find(|item| item.kind == Kind::Instance && item.name == "base")
        .map_or([f64::NAN; 2], |item| item.time);
    items.extend(instances);
    items.extend(contracts.items(instance)?);
    Ok(Calibration::of(items))
}

impl Calibration {
    /// The prices that follow from the times of the items.
    fn of(items: Vec<Item>) -> Self {
        let cheap = each_engine(|engine| {
            let cheap = items.iter().filter(|item| operators::is_cheap(&item.name));
            median(cheap.map(|item| of(&item.time, engine)))
        });
        let mut calibration = Self {
            items,
            cheap,
            unit: cheap,
        };
        calibration.set_prices();
        calibration
    }

    /// What a thing takes in the unit of the engine where it is the dearest.
    fn relative(&self, item: &Item) -> f64 {
        let [wasmtime, wasmi] =
            each_engine(|engine| of(&item.time, engine) / of(&self.unit, engine));
        wasmtime.max(wasmi)
    }

    /// Sets the prices, with the weights at which they are the fairest.
    ///
    /// A weight makes the unit of an engine smaller. Without one, most operators may be cheap for
    /// their gas on an engine because they are dear on the other, and what is dear on the first
    /// stands out.
    fn set_prices(&mut self) {
        let mut fairest = (f64::INFINITY, self.cheap);
        for weighted in 0..ENGINES.len() {
            for weight in WEIGHTS {
                self.unit = each_engine(|engine| {
                    let weight = if engine == weighted { *weight } else { 1.0 };
                    of(&self.cheap, engine) / weight
                });
                self.set_prices_in_units();
                let ratio = (0..ENGINES.len())
                    .map(|engine| self.fairness(engine, |item| item.price).ratio)
                    .fold(0.0, f64::max);
                if ratio < fairest.0 {
                    fairest = (ratio, self.unit);
                }
            }
        }
        self.unit = fairest.1;
        self.set_prices_in_units();
    }

    fn set_prices_in_units(&mut self) {
        let relative: Vec<f64> = self.items.iter().map(|item| self.relative(item)).collect();
        for (item, relative) in self.items.iter_mut().zip(relative) {
            if !relative.is_nan() {
                item.price = whole(relative - NOISE).max(item.least);
            }
        }
        self.level_families();
    }

    /// Gives all operators of a family the price of the dearest.
    fn level_families(&mut self) {
        let mut families: BTreeMap<String, u64> = BTreeMap::new();
        for item in self.operators_mut() {
            let family = families
                .entry(operators::family(&item.name).to_owned())
                .or_default();
            *family = item.price.max(*family);
        }
        for item in self.operators_mut() {
            if let Some(price) = families.get(operators::family(&item.name)) {
                item.price = *price;
            }
        }
    }

    /// How fair such prices of operators are on an engine.
    fn fairness(&self, engine: usize, price: impl Fn(&Item) -> u64) -> Fairness {
        let operators = self.items.iter().filter(|item| item.kind == Kind::Operator);
        let mut rates: Vec<(f64, &str)> = operators
            .filter_map(|item| Some((item.rate(engine, price(item))?, item.name.as_str())))
            .collect();
        rates.sort_by(|a, b| a.0.total_cmp(&b.0));
        let median = median(rates.iter().map(|(rate, _)| *rate));
        let (rate, worst) = rates.last().copied().unwrap_or((f64::NAN, ""));
        Fairness {
            engine: ENGINES.get(engine).map_or("", |engine| engine.name),
            median,
            worst: worst.to_owned(),
            ratio: rate / median,
        }
    }

    fn operators_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        let items = self.items.iter_mut();
        items.filter(|item| item.kind == Kind::Operator)
    }
}

impl Item {
    /// The nanoseconds that it takes for a gas at this price, if it was measured and is not free.
    fn rate(&self, engine: usize, price: u64) -> Option<f64> {
        let price = u32::try_from(price).ok().filter(|price| *price > 0)?;
        let time = Some(of(&self.time, engine)).filter(|time| time.is_finite())?;
        Some(time / f64::from(price))
    }
}

fn each_engine<T>(make: impl FnMut(usize) -> T) -> PerEngine<T> {
    std::array::from_fn(make)
}

fn of(times: &PerEngine<f64>, engine: usize) -> f64 {
    times.get(engine).copied().unwrap_or(f64::NAN)
}

fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    Quartiles::of(numbers).median
}

/// The whole number that is not below; nothing below zero.
fn whole(number: f64) -> u64 {
    // A price that is not below 2^32 is no price.
    let most = f64::from(u32::MAX);
    let mut price = 0_u32;
    let number = number.ceil().clamp(0.0, most);
    for bit in (0..u32::BITS).rev() {
        let with = price | (1 << bit);
        if f64::from(with) <= number {
            price = with;
        }
    }
    price.into()
}
