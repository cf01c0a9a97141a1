//! Round prices: a schedule that people can add up, for tests of metering. The prices are in
//! `round.md`.

use fusee_instrument::{Dynamic, FrameSize, InstancePrices, Limits, Rules, Schedule, SyscallRule};

use crate::counting::Prices;

/// The schedule with round prices.
///
/// # Panics
///
/// If a price is missing.
#[must_use]
pub fn schedule() -> Schedule {
    let prices = Prices::round();
    let number = |heading: &str, name: &str| {
        let number = prices.number(heading, name).expect("it has a price");
        u32::try_from(number).expect("a price has 32 bits")
    };
    let length = |name| {
        let length = prices.length(name).expect("it has a price");
        [length.price, length.far].map(|price| u32::try_from(price).expect("a price has 32 bits"))
    };
    let instance = |name| number("Instance", name);
    let frame = |name| number("Frame", name);
    let [grow_page, grow_far_page] = length("memory.grow");
    let [bulk_64_bytes, _] = length("memory.fill");
    let [table_element, _] = length("table.fill");
    let [grow_element, _] = length("table.grow");
    let mut schedule = Schedule::v2().with_operators(|name, _| number("Operators", name));
    schedule.version = 0;
    schedule.resident_pages = instance("resident_pages");
    schedule.dynamic = Dynamic {
        grow_page,
        grow_far_page,
        bulk_64_bytes,
        table_element,
        grow_element,
    };
    schedule.instance = InstancePrices {
        base: instance("base"),
        memory: instance("memory"),
        page: instance("page"),
        far_page: instance("far_page"),
        data_64_bytes: instance("data"),
        segment: instance("segment"),
        table: instance("table"),
        table_element: instance("element"),
        function: instance("function"),
        global: instance("global"),
        export: instance("export"),
    };
    schedule.frame = FrameSize {
        base: frame("base"),
        slot: frame("slot"),
        eight_operators: frame("eight_operators"),
    };
    schedule
}

/// Rules with round prices and these syscalls.
///
/// # Panics
///
/// If a price is missing.
#[must_use]
pub fn rules(syscalls: Vec<SyscallRule>) -> Rules {
    Rules::named("round", schedule(), Limits::v1(), syscalls)
}
