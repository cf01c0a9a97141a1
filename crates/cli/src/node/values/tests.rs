//! Tests of the table of settings, and of values in the environment.

use std::{collections::BTreeSet, ffi::OsString};

use super::environment;
use crate::node::{
    file,
    settings::{SETTINGS, Setting},
};

#[test]
fn settings_have_names_of_their_own_and_fit_their_file() {
    let names: BTreeSet<_> = SETTINGS.iter().map(|it| it.name).collect();
    let flags: BTreeSet<_> = SETTINGS.iter().map(|it| it.flag).collect();
    let variables: BTreeSet<_> = SETTINGS.iter().map(Setting::variable).collect();
    let count = SETTINGS.len();
    assert_eq!(
        (names.len(), flags.len(), variables.len()),
        (count, count, count)
    );
    let text = file::written(&[]);
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    let path = std::path::Path::new("node.toml");
    assert!(file::parse(path, &text).unwrap().is_empty());
}

#[test]
fn variables_of_others_are_left_alone() {
    let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
    let variables = [
        pair("FUSEE_NODE", "http://127.0.0.1:8645"),
        pair("FUSEE_NODE_CONFIG", "node.toml"),
        pair("FUSEE_NODE_LOG_LEVEL", "debug"),
        pair("PATH", "/bin"),
    ];
    let values = environment(variables).unwrap();
    let texts: Vec<_> = values
        .iter()
        .map(|(name, value)| (*name, &*value.text))
        .collect();
    assert_eq!(texts, [("log.level", "debug")]);
    environment([pair("FUSEE_NODE_LOG", "debug")]).unwrap_err();
}
