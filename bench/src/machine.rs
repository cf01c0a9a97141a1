//! The machine on which something was measured, in words.

/// The processor's name, if the system tells it, and its kind.
pub(crate) fn processor() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor without a name", |(_, model)| model);
    format!("{model}, {}", std::env::consts::ARCH)
}
