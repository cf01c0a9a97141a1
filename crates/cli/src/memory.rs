//! The memory budget of caches, by the memory of the machine.

use std::fs;

/// Files with the memory limit of a container, in control groups v2 and v1.
const LIMITS: [&str; 2] = [
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

/// Caches take one part in so many of the memory: prepared and compiled programs, and pooled
/// instances.
const PART: u64 = 4;

/// Memory assumed if the system reports none.
const ASSUMED_BYTES: u64 = 1 << 30;

/// Minimum budget.
const LEAST_BYTES: u64 = 16 << 20;

/// The budget of caches in bytes: a quarter of the memory of the container or the machine.
pub(crate) fn for_caches() -> u64 {
    let limits = LIMITS.iter().map(|path| fs::read_to_string(path).ok());
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let told = limits
        .map(|text| limit(&text?))
        .chain([machine.and_then(|text| total(&text))]);
    part(told.flatten().min())
}

fn part(bytes: Option<u64>) -> u64 {
    (bytes.unwrap_or(ASSUMED_BYTES) / PART).max(LEAST_BYTES)
}

/// A limit of a control group: a number, or `max`.
fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// The first line of `/proc/meminfo`: `MemTotal:  24579000 kB`.
fn total(text: &str) -> Option<u64> {
    let kibibytes = text.strip_prefix("MemTotal:")?.lines().next()?;
    let kibibytes: u64 = kibibytes.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1_024)
}

#[cfg(test)]
mod tests;
