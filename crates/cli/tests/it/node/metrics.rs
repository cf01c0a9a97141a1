//! The metrics: the whole text is parsed, and compared with what happened.

use std::collections::BTreeMap;

use serde_json::json;

use super::{APART, start, transfer};
use crate::support::Folder;

/// The samples of a text in the format OpenMetrics, by name and labels. Every line has to be one
/// that the format has, and every sample has to belong to the metric that was described last.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let body = text.strip_suffix("# EOF\n").expect("it has an end");
    let mut samples = BTreeMap::new();
    let (mut metric, mut kind) = (String::new(), String::new());
    for line in body.lines() {
        if let Some(described) = line.strip_prefix("# ") {
            let mut words = described.splitn(3, ' ');
            let (what, name) = (words.next().unwrap(), words.next().unwrap());
            let rest = words.next().unwrap();
            match what {
                "HELP" => metric = name.to_owned(),
                "TYPE" => kind = rest.to_owned(),
                "UNIT" => assert!(metric.ends_with(&format!("_{rest}")), "{line}"),
                _ => panic!("{line}"),
            }
            assert_eq!(name, metric, "{line}");
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let name = sample.split('{').next().unwrap();
        let suffix = name
            .strip_prefix(&metric)
            .unwrap_or_else(|| panic!("{line}"));
        let is_fitting = match kind.as_str() {
            "counter" => suffix == "_total",
            "gauge" => suffix.is_empty(),
            "info" => suffix == "_info",
            "histogram" => ["_sum", "_count", "_bucket"].contains(&suffix),
            _ => false,
        };
        assert!(is_fitting && name.starts_with("fusee_"), "{kind}: {line}");
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(samples.insert(sample.to_owned(), value).is_none(), "{line}");
    }
    samples
}

#[test]
fn metrics_are_what_has_happened() {
    let folder = Folder::new();
    let node = start(&folder, &format!("--dev --self-check 1 {APART}"));
    for nonce in 0..4 {
        let params = json!({"transaction": transfer("alice", nonce)});
        node.call("sendTransactionAndWait", params).unwrap();
    }
    let past = json!({"transaction": transfer("bob", 9_999)});
    node.call("sendTransaction", past).unwrap_err();
    let (status, text) = node.read("/metrics");
    assert_eq!(status, 200);
    let samples = parse(&text);
    let value = |sample: &str| {
        let found = samples.get(sample);
        *found.unwrap_or_else(|| panic!("{sample} is missing: {text}"))
    };
    // The commit as well, as the program itself tells it.
    let version = folder.text("--version", 0);
    let version = version.trim().strip_prefix("fusee ").unwrap();
    let info =
        format!(r#"fusee_node_info{{version="{version}",engine="wasmi",chain_id="fusee-dev"}}"#);
    assert_eq!(value(&info), 1.0);
    let told = node.call("getChain", json!({})).unwrap();
    assert_eq!(told["version"], version, "{told}");
    let latest = node.call("getLatestBlock", json!({})).unwrap();
    for (sample, expected) in [
        ("fusee_block_height", 4.0),
        ("fusee_indexed_block_height", 4.0),
        ("fusee_failed", 0.0),
        ("fusee_blocks_total", 4.0),
        ("fusee_transactions_total", 4.0),
        ("fusee_mempool_transactions", 0.0),
        ("fusee_mempool_bytes", 0.0),
        ("fusee_mempool_added_total", 4.0),
        ("fusee_mempool_rejected_total", 1.0),
        ("fusee_mempool_dropped_total", 0.0),
        ("fusee_index_failures_total", 0.0),
        ("fusee_interpreter_fallbacks_total", 0.0),
        ("fusee_failed_compilations_total", 0.0),
        ("fusee_parked_runs", 0.0),
        ("fusee_self_check_alarms_total", 0.0),
        (
            r#"fusee_rpc_requests_total{method="sendTransactionAndWait"}"#,
            4.0,
        ),
        (r#"fusee_rpc_requests_total{method="sendTransaction"}"#, 1.0),
        (
            r#"fusee_rpc_errors_total{method="sendTransaction",kind="invalid_transaction"}"#,
            1.0,
        ),
        (
            r#"fusee_rpc_request_duration_seconds_count{method="sendTransactionAndWait"}"#,
            4.0,
        ),
        (
            r#"fusee_rpc_request_duration_seconds_bucket{le="+Inf",method="sendTransactionAndWait"}"#,
            4.0,
        ),
        (r#"fusee_rpc_refused_total{bound="host"}"#, 0.0),
    ] {
        assert_eq!(value(sample), expected, "{sample}");
    }
    // Each transfer is a transaction without code: the gas of all is that of the blocks.
    let gas = latest["gas_used"].as_u64().unwrap() * 4;
    assert_eq!(
        value("fusee_gas_used_total"),
        f64::from(u32::try_from(gas).unwrap())
    );
    let time = latest["time"].as_u64().unwrap();
    let told = value("fusee_block_timestamp_seconds") * 1_000.0;
    assert_eq!(format!("{told:.0}"), time.to_string());
    assert!(value("fusee_block_execution_seconds_total") > 0.0);
    assert!(value("fusee_block_commit_seconds_total") > 0.0);
    // Buckets ascend, and the last one has all.
    let of = r#"fusee_rpc_request_duration_seconds_bucket{le=""#;
    let of_method = |sample: &&String| sample.ends_with(r#"method="sendTransactionAndWait"}"#);
    let buckets = samples.keys().filter(|sample| sample.starts_with(of));
    assert!(buckets.clone().filter(of_method).count() > 5);
    assert!(buckets.filter(of_method).all(|sample| value(sample) <= 4.0));
    // Blocks are checked in the background.
    let checked = r#"fusee_self_check_blocks_total{result="checked"}"#;
    let skipped = r#"fusee_self_check_blocks_total{result="skipped"}"#;
    loop {
        let samples = parse(&node.read("/metrics").1);
        if samples[checked] + samples[skipped] == 4.0 {
            assert!(samples[checked] > 0.0);
            return;
        }
    }
}
