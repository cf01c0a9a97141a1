//! The machine on which something was measured, and the day.

use std::time::{SystemTime, UNIX_EPOCH};

/// The processor's name, if the system tells it, and its kind.
pub(crate) fn processor() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor without a name", |(_, model)| model);
    format!("{model}, {}", std::env::consts::ARCH)
}

/// How many threads wanted a processor at once, on average over the last minutes: the one that
/// measures, and others.
pub(crate) fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut averages = load.split(' ');
    match (averages.next(), averages.next()) {
        (Some(one), Some(five)) => format!("{one} over the last minute, {five} over five"),
        _ => "not told".to_owned(),
    }
}

/// The days of the months, February aside.
const MONTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Today's date (UTC), as in `2026-11-21`.
#[allow(
    clippy::disallowed_methods,
    reason = "a page of measurements says when it was made"
)]
pub(crate) fn date() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    date_of(now.unwrap_or_default().as_secs() / 86_400)
}

/// The date so many days after 1970-01-01.
fn date_of(mut days: u64) -> String {
    let mut year: u64 = 1970;
    while days >= 365 + leap_day(year) {
        days -= 365 + leap_day(year);
        year += 1;
    }
    let mut month = 1;
    for (number, length) in (1_u64..).zip(MONTHS) {
        month = number;
        let length = length + if number == 2 { leap_day(year) } else { 0 };
        if days < length {
            break;
        }
        days -= length;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

fn leap_day(year: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    u64::from(is_leap)
}

#[cfg(test)]
mod tests;
