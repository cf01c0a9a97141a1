//! A validator whose key is with a remote signer: CometBFT's own, which is killed and started
//! again. It is `priv_val_server` beside the program that `FUSEE_COMETBFT` names:
//!
//! ```sh
//! go install github.com/cometbft/cometbft/cmd/priv_val_server@v0.38.25
//! ```

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::network::{Network, cometbft, wait};
use crate::world::{CHAIN, transfer};

/// A signer, with its key and what it has signed in a folder of its own. It is killed when it is
/// dropped.
struct Signer(Child);

impl Signer {
    fn start(program: &Path, folder: &Path, address: &str) -> Self {
        let log = folder.join("signer.log");
        let log = File::options().create(true).append(true).open(log);
        let log = log.unwrap();
        let started = Command::new(program)
            .args(["-addr", address, "-chain-id", CHAIN, "-priv-key"])
            .arg(folder.join("key.json"))
            .arg("-priv-state")
            .arg(folder.join("state.json"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Self(started.unwrap())
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The height in the state of a signer.
fn signed(folder: &Path) -> Option<u64> {
    let state = fs::read(folder.join("state.json")).ok()?;
    let state: serde_json::Value = serde_json::from_slice(&state).ok()?;
    state["height"].as_str()?.parse().ok()
}

#[test]
#[ignore = "needs CometBFT"]
fn a_validator_with_a_remote_signer_goes_on_when_that_is_back() {
    let program = PathBuf::from(cometbft()).with_file_name("priv_val_server");
    if !program.exists() {
        println!("SKIPPED: there is no {}", program.display());
        return;
    }
    let mut network = Network::start(1, 1, 5);
    network.reach(&[0], 2);
    network.kill_engine(0);
    // The key and the state of the validator leave its machine, and are nowhere else.
    let (home, folder) = (network.home(0), tempfile::tempdir().unwrap());
    for (from, to) in [
        ("config/priv_validator_key.json", "key.json"),
        ("data/priv_validator_state.json", "state.json"),
    ] {
        fs::rename(home.join(from), folder.path().join(to)).unwrap();
    }
    let address = format!("tcp://{}:26659", network.address(0));
    let mut signer = Signer::start(&program, folder.path(), &address);
    network.run_with(0, &[("CMT_PRIV_VALIDATOR_LADDR", &address)]);
    for nonce in 0..2 {
        network.go_on(&[0]);
        assert_eq!(network.send(0, &transfer(1, nonce, 1)), 0);
        network.included(0, 1, nonce + 1);
        // Every block has its signature, so none is made without it.
        drop(signer);
        let before = signed(folder.path()).unwrap();
        assert!(network.height(0).unwrap() <= before);
        signer = Signer::start(&program, folder.path(), &address);
        wait("it signs again", || {
            signed(folder.path()).filter(|height| *height > before + 1)
        });
    }
    network.go_on(&[0]);
    let (count, _) = network.agree(&[0], 1);
    assert_eq!(count, 2);
}
