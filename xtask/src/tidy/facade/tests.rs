//! Sources and manifests that use the facade, and some that go past it.

use super::{check_manifest, check_source};
use crate::tidy::printed;
use crate::workspace::{Page, Source};

fn check_text(path: &str, text: &str, expected: &[&str]) {
    let (path, text) = (path.to_owned(), text.to_owned());
    let found = if path.ends_with(".toml") {
        check_manifest(&Page { path, text })
    } else {
        check_source(&Source { path, text })
    };
    assert_eq!(printed(found), expected);
}

#[test]
fn the_facade_has_no_finding() {
    let text = "//! Not fusee_engine.\nuse fusee::sandbox::Gas;\nconst NAME: &str = \"fusee_bench::x\";\nuse fusee_bench::x;\n";
    check_text("bench/src/main.rs", text, &[]);
    let text = "[package]\nname = \"fusee-bench\"\n\n[dependencies]\n# Not fusee-engine.\nfusee = { path = \"../crates/fusee\" }\n";
    check_text("bench/Cargo.toml", text, &[]);
}

#[test]
fn a_source_that_names_another_crate() {
    let text = "use fusee_engine::Gas;\nfn run(_: fusee_executor::Executor) {}\n";
    for path in ["bench/src/ours/calls.rs", "crates/cli/tests/it/gas.rs"] {
        let expected = [
            format!("{path}:1: facade: names `fusee_engine`: use what `fusee` exports"),
            format!("{path}:2: facade: names `fusee_executor`: use what `fusee` exports"),
        ];
        check_text(path, text, &expected.each_ref().map(String::as_str));
    }
    check_text("crates/conformance/src/lib.rs", text, &[]);
}

#[test]
fn a_manifest_that_names_another_crate() {
    let text = "[dependencies]\nfusee-engine.workspace = true\nengine = { package = \"fusee-state\" }\n\n[dependencies.fusee-store]\n";
    check_text(
        "bench/Cargo.toml",
        text,
        &[
            "bench/Cargo.toml:2: facade: names `fusee-engine`: use what `fusee` exports",
            "bench/Cargo.toml:3: facade: names `fusee-state`: use what `fusee` exports",
            "bench/Cargo.toml:5: facade: names `fusee-store`: use what `fusee` exports",
        ],
    );
}

#[test]
fn the_command_line_names_the_tools_for_authors() {
    let (source, manifest) = (
        "use fusee_build::Package;\n",
        "fusee-build.workspace = true\n",
    );
    check_text("crates/cli/src/verbs/new.rs", source, &[]);
    check_text("crates/cli/Cargo.toml", manifest, &[]);
    check_text(
        "bench/src/main.rs",
        source,
        &["bench/src/main.rs:1: facade: names `fusee_build`: use what `fusee` exports"],
    );
    check_text(
        "bench/Cargo.toml",
        manifest,
        &["bench/Cargo.toml:1: facade: names `fusee-build`: use what `fusee` exports"],
    );
}
