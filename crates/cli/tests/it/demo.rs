//! `demo`: every step, on every engine, alike.

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
    assert!(
        text.contains("event     transfer alice bob 250\n"),
        "{text}"
    );
    assert!(
        text.contains("reason    insufficient balance: has 0, needs 5\n"),
        "{text}"
    );
    assert!(
        text.contains("\nEvery step ended as expected, with equal results on all engines.\n"),
        "{text}"
    );
    let (_, next) = text.split_once("\nNext\n").unwrap();
    assert!(next.contains(" new ../counter\n"), "{next}");
    assert!(
        !text.contains('\u{1b}'),
        "there is no style outside a terminal"
    );
}

#[test]
fn the_folders_can_be_kept_and_used() {
    let folder = Folder::new();
    let demo = folder.json("demo --keep kept", 0);
    let last = demo["steps"].as_array().unwrap().last().unwrap();
    for engine in ["wasmtime", "wasmi"] {
        let accounts = folder.json(&format!("accounts --data kept/{engine}"), 0);
        assert_eq!(accounts["state_root"], last["engines"][0]["state_root"]);
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
    for step in folder.json("demo", 0)["steps"].as_array().unwrap() {
        let command = step["command"]
            .as_str()
            .unwrap()
            .replace("guests/wasm/", "")
            .replace('\'', "");
        let expected = &step["engines"][0];
        let code = if expected["status"] == "success" {
            0
        } else {
            1
        };
        let answer = folder.json(&command, code);
        assert_eq!(answer["gas_used"], expected["gas_used"], "{command}");
        assert_eq!(answer["output"], expected["output"], "{command}");
    }
}
