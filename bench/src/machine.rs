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

/// How many threads wanted a processor at once, on average over the last minutes: the one that measures, and others.
pub(crate) fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut averages = load.split(' ');
    match (averages.next(), averages.next()) {
        (Some(one), Some(five)) => format!("{one} over the last minute, {five} over five"),
        _ => "not told".to_owned(),
    }
}
