//! Memory: how much of the machine's is for programs.

use std::fs;

/// Where a container's limit stands, in the second and the first version of control groups.
const LIMITS: [&str; 2] = [
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

/// The part of the memory that is kept beside what runs: programs, prepared and compiled, and instances that have ended.
const PART: u64 = 4;

/// What is assumed where nobody tells.
const ASSUMED_BYTES: u64 = 1 << 30;

/// The least that is of any use.
const LEAST_BYTES: u64 = 16 << 20;

/// The bytes of memory that caches may take: a quarter of what the container, or the machine, has.
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
