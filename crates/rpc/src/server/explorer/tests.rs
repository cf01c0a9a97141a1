//! The files of the explorer: what they may contain, and what the policy lets them do.

use std::{collections::BTreeSet, fs, path::Path};

use super::{FILES, asset};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn every_file_of_the_folder_is_served() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/explorer");
    let names = fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let served = FILES.iter().map(|(name, ..)| (*name).to_owned());
    assert_eq!(names.collect::<BTreeSet<_>>(), served.collect());
}

#[test]
fn a_file_that_is_none_is_not_served() {
    assert_eq!(asset("../lib.rs"), None);
    assert_eq!(asset(""), None);
}

#[test]
fn modules_import_each_other_alone() {
    for (name, _, bytes) in FILES.iter().filter(|(name, ..)| name.ends_with(".js")) {
        for (_, rest) in text(bytes)
            .match_indices("from \"")
            .map(|(at, it)| (at, text(bytes).split_at(at + it.len()).1))
        {
            let (module, _) = rest.split_once('"').unwrap();
            let file = module.strip_prefix("./").expect(module);
            assert!(asset(file).is_some(), "{name} imports {module}");
        }
    }
}

/// The security policy would stop these, but only in a browser.
#[test]
fn nothing_is_parsed_as_markup_run_as_text_or_asked_of_others() {
    let forbidden = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "DOMParser",
        "eval(",
        "new Function",
        "javascript:",
        "style=",
        "onclick=",
        "https://",
        "import(",
    ];
    for (name, _, bytes) in FILES {
        let source = text(bytes).replace("http://www.w3.org/2000/svg", "");
        assert!(!source.contains("http://"), "{name} has an address");
        for word in forbidden {
            assert!(!source.contains(word), "{name} has {word}");
        }
    }
}

#[test]
fn the_page_is_small() {
    let all: usize = FILES.iter().map(|(.., bytes)| bytes.len()).sum();
    assert!(all < 128 << 10, "{all} bytes");
}
