//! Arbitrary bytes of an engine are answered, end their connection, or end the application with an
//! error, and never by a panic. What was not committed leaves nothing: the genesis is the state.
#![no_main]

use std::{path::PathBuf, sync::Mutex};

use fusee_abci::{App, AppOptions};
use fusee_chain::DataFolder;
use fusee_ledger::{Genesis, Ledger, Rulebook};
use libfuzzer_sys::fuzz_target;

const GENESIS: &str = r#"{
    "chain_id": "fuzz", "initial_height": 1, "time": 1,
    "parameters": {
        "activations": [{
            "height": 1,
            "ledger_rules": "0101010101010101010101010101010101010101010101010101010101010101",
            "contract_rules": "0202020202020202020202020202020202020202020202020202020202020202"
        }],
        "limits": { "gas": 1000000000, "bytes": 1048576, "transactions": 1000 },
        "payment": { "fees": { "minimum_price": "1", "destination": "burned" } }
    }
}"#;

static APP: Mutex<Option<App>> = Mutex::new(None);

/// A program without rules, so that nothing can be executed: what is decoded is what is fuzzed.
fn open() -> App {
    let folder: PathBuf = std::env::temp_dir().join(format!("fusee-abci-{}", std::process::id()));
    let genesis = Genesis::parse(GENESIS).expect("the genesis is valid");
    let options = AppOptions::new(&genesis);
    let folder = DataFolder::create(&folder, genesis).expect("a folder can be made");
    App::open(folder, Ledger::new(Rulebook::new()), options).expect("a folder is there")
}

fuzz_target!(|bytes: &[u8]| {
    let mut app = APP.lock().expect("no input panics");
    let app = app.get_or_insert_with(open);
    // The error is for the operator of an engine.
    let _ = app.answer_frames(bytes, 1 << 20);
});
