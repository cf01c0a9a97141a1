//! `new`: a package that builds by itself.

use std::fs;

use fusee_build::Toolchain;

use super::{is_ready, without_rust};
use crate::support::Folder;

#[test]
fn every_template_builds_under_another_name() {
    let folder = Folder::new();
    for template in ["counter", "token", "nft", "auction", "multisig"] {
        let name = format!("my-{template}");
        let made = folder.json(&format!("new {name} --template {template}"), 0);
        assert_eq!(made["name"], name.as_str());
        let read = |file: &str| fs::read_to_string(folder.path().join(&name).join(file)).unwrap();
        let library = name.replace('-', "_");
        assert!(
            read("tests/it.rs").contains(&format!("use {library}::")),
            "{template}"
        );
        assert!(read("src/lib.rs").starts_with("//! "), "{template}");
        assert!(
            read("README.md").contains(&format!("{library}.wasm")),
            "{template}"
        );
        if !is_ready(Toolchain::has_wasm) {
            continue;
        }
        // The lock file that was written is the one that cargo would write.
        let built = folder.json(&format!("build {name} --locked"), 0);
        assert_eq!(built["package"], name.as_str());
        let methods = built["methods"].as_array().unwrap();
        assert!(!methods.is_empty(), "{template}");
        let file = format!("{name}/target/contracts/{library}.wasm");
        assert!(folder.path().join(file).exists(), "{template}");
    }
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let folder = Folder::new();
    folder.write("taken", "");
    fs::create_dir(folder.path().join("empty")).unwrap();
    for name in ["taken", "empty"] {
        let refused = folder.fusee(&format!("new {name}"));
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(
            refused.stderr.contains("choose another name"),
            "{refused:?}"
        );
    }
    assert_eq!(
        fs::read_dir(folder.path().join("empty")).unwrap().count(),
        0
    );
    let refused = folder.fusee("new missing/folder");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("make the folder"), "{refused:?}");
}

#[test]
fn a_name_that_cargo_or_rust_would_refuse_is_refused_before() {
    let folder = Folder::new();
    for (name, why) in [
        ("Counter", "lower-case"),
        ("1st", "begins with a letter"),
        ("über", "lower-case"),
        ("a.b", "lower-case"),
        ("match", "means something else"),
        ("test", "means something else"),
        ("fusee-sdk", "a crate that contracts are tested with"),
        ("serde_json", "a crate that contracts are tested with"),
        ("serde-json", "a crate that contracts are tested with"),
    ] {
        let refused = folder.json(&format!("new {name}"), 2);
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains(why), "{name}: {message}");
        assert!(
            refused["error"]["next"]
                .as_str()
                .unwrap()
                .contains("another name")
        );
        assert!(!folder.path().join(name).exists());
    }
    let refused = folder.json("new ..", 2);
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains("no name")
    );
}

#[test]
fn the_sdk_is_a_folder_or_a_repository() {
    let folder = Folder::new();
    folder.json("new one --sdk https://example.com/fusee.git", 0);
    let manifest = fs::read_to_string(folder.path().join("one/Cargo.toml")).unwrap();
    let dependency = "fusee-sdk = { git = \"https://example.com/fusee.git\" }";
    assert!(manifest.contains(dependency), "{manifest}");

    let refused = folder.json("new two --sdk .", 2);
    let next = refused["error"]["next"].as_str().unwrap();
    assert!(next.contains("crates/sdk and crates/testkit"), "{next}");
    let refused = folder.json("new two --sdk https://example.com/\"", 2);
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains("is no URL")
    );
    assert!(!folder.path().join("two").exists());
}

#[test]
fn a_contract_is_written_without_cargo() {
    let folder = Folder::new();
    let made = without_rust(&folder, "new counter");
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.stdout.contains("fusee test"), "{made:?}");
}
