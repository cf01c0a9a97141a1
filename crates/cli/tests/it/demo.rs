//! `demo`: every step, on every engine, alike.

use std::{fs, path::Path};

use crate::support::Folder;

#[test]
fn every_step_agrees_and_ends_as_expected() {
    let folder = Folder::new();
    let answer = folder.json("demo", 0);
    assert_eq!(answer["agree"], true);
    assert_eq!(answer["as_expected"], true);
    let steps = answer["steps"].as_array().unwrap();
    let statuses: Vec<_> = steps
        .iter()
        .map(|step| step["engines"][0]["status"].as_str().unwrap())
        .collect();
    for status in ["success", "reverted", "out_of_gas", "trapped"] {
        assert!(statuses.contains(&status), "{statuses:?}");
    }
    for step in steps {
        assert_eq!(
            step["engines"][0]["state_root"],
            step["engines"][1]["state_root"]
        );
    }
    assert!(!folder.path().join(".fusee").exists());
}

#[test]
fn text_shows_the_steps_and_ends_with_a_verdict() {
    let text = Folder::new().text("demo", 0);
    for line in [
        "   $ fusee call exchange swap @silver 4000 980 --from bob\n",
        "   emitted   silver: transfer(from: @bob, to: @exchange, amount: 4000)\n",
        "   emitted   exchange: swapped(trader: @bob, sold: @silver, amount: 4000, bought: 987)\n",
        "   reason    987 would be bought, and at least 1000 are wanted\n",
        "   reason    a syscall that this run may not make\n",
        "\nEvery step ended as expected, with equal results on all engines.\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    let mut events = text.lines().filter(|line| line.contains("   emitted "));
    assert!(
        events.all(|line| !line.contains("0x")),
        "contracts have names: {text}"
    );
    let long = text.lines().find(|line| line.chars().count() > 100);
    assert_eq!(long, None, "a terminal has 100 columns");
    let (_, next) = text.split_once("\nNext\n").unwrap();
    assert!(next.starts_with("   fusee new counter "), "{next}");
    assert!(
        !text.contains('\u{1b}'),
        "there is no style outside a terminal"
    );
}

#[test]
fn json_has_results_and_events_by_the_interfaces() {
    let demo = Folder::new().json("demo", 0);
    let steps = demo["steps"].as_array().unwrap();
    let swapped = steps.iter().rfind(|step| {
        let command = step["command"].as_str().unwrap();
        command.starts_with("call exchange swap ")
    });
    for engine in swapped.unwrap()["engines"].as_array().unwrap() {
        let decoded = &engine["decoded"];
        assert_eq!(decoded["output"], 987);
        let names = decoded["events"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|event| &event["name"]).collect();
        assert_eq!(names, ["transfer", "transfer", "swapped"]);
        assert_eq!(engine["events"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn the_folders_can_be_kept_and_used() {
    let folder = Folder::new();
    let demo = folder.json("demo --keep kept", 0);
    let last = demo["steps"].as_array().unwrap().last().unwrap();
    for engine in ["wasmtime", "wasmi"] {
        let accounts = folder.json(&format!("accounts --data kept/{engine}"), 0);
        assert_eq!(accounts["state_root"], last["engines"][0]["state_root"]);
        let query = format!("query exchange reserves --data kept/{engine}");
        let reserves = folder.json(&query, 0);
        assert_eq!(
            reserves["decoded"]["output"],
            serde_json::json!([99_013, 404_000])
        );
    }
    let again = folder.fusee("demo --keep kept");
    assert_eq!(again.code, 2);
    assert!(
        again
            .stderr
            .contains("next: choose a new folder with --keep"),
        "{again:?}"
    );
}

#[test]
fn the_commands_that_it_shows_do_the_same() {
    let folder = Folder::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let programs =
        ["token", "exchange", "scripts"].map(|it| format!("guests/wasm/example_{it}.wasm"));
    let script = "examples/contracts/scripts/sum.wasm".to_owned();
    for file in programs.iter().chain([&script]) {
        fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
        fs::copy(root.join(file), folder.path().join(file)).unwrap();
    }
    for step in folder.json("demo", 0)["steps"].as_array().unwrap() {
        let command = step["command"].as_str().unwrap().replace('\'', "");
        let expected = &step["engines"][0];
        let code = if expected["status"] == "success" {
            0
        } else {
            1
        };
        let answer = folder.json(&command, code);
        assert_eq!(answer["gas_used"], expected["gas_used"], "{command}");
        assert_eq!(answer["output"], expected["output"], "{command}");
        if !command.starts_with("deploy") {
            assert_eq!(answer["decoded"], expected["decoded"], "{command}");
        }
    }
}
