//! Kills at exact points of a block, of a validator with real CometBFT: when `FinalizeBlock` was
//! answered, and when `Commit` was, before the other side hears of it.
//!
//! ```sh
//! FUSEE_COMETBFT=~/go/bin/cometbft cargo test -p fusee-abci --test it -- cometbft:: --ignored
//! ```

use std::fs;

use crate::network::{Network, wait};
use crate::proxy::{Point, Proxy, held};
use crate::world::transfer;

/// The validator that is killed. The others are undisturbed, and go on without it.
const KILLED: usize = 3;

/// What of it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Application,
    Engine,
    Both,
}

const TARGETS: [Target; 3] = [Target::Application, Target::Engine, Target::Both];

/// The heights of an engine's last handshake: of its application, its blocks, and its state.
fn handshake(network: &Network, after: usize) -> Option<[i64; 3]> {
    let log = fs::read_to_string(network.home(KILLED).join("engine.log")).unwrap();
    let line = log.get(after..)?.lines();
    let line = { line }.rfind(|line| line.contains("ABCI Replay Blocks"))?;
    let number = |name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=")).unwrap();
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    Some(["appHeight", "storeHeight", "stateHeight"].map(number))
}

fn log_length(network: &Network) -> usize {
    let log = fs::metadata(network.home(KILLED).join("engine.log"));
    usize::try_from(log.unwrap().len()).unwrap()
}

/// Whether the validators' votes for a block are all there.
fn all_voted(network: &Network, height: u64) -> Option<bool> {
    let commit = network.rpc(0, &format!("/commit?height={height}"))?;
    let votes = commit["signed_header"]["commit"]["signatures"].as_array()?;
    Some(
        votes
            .iter()
            .filter(|vote| vote["block_id_flag"] == 2)
            .count()
            == 4,
    )
}

#[test]
#[ignore = "needs CometBFT"]
fn a_validator_goes_on_after_a_kill_between_any_two_steps_of_a_block() {
    let all = [0, 1, 2, KILLED];
    let others = [0, 1, 2];
    let mut network = Network::start(4, 4, 4);
    network.reach(&all, 2);
    // From here on, its engine reaches its application through the proxy alone.
    network.kill(KILLED);
    let home = network.home(KILLED);
    let proxy = Proxy::start(&home, home.join("abci.sock"));
    network.nodes[KILLED].socket = Some(proxy.socket().to_path_buf());
    network.run(KILLED);
    let height = network.go_on(&others);
    network.reach(&all, height);

    let mut nonce = 0;
    for (point, targets) in [
        (Point::Finalized, &TARGETS[2..]),
        (Point::Committing, &TARGETS),
        (Point::Committed, &TARGETS),
    ] {
        for &target in targets {
            let about = format!("{point:?}, {target:?}");
            let reached = proxy.arm(point);
            for _ in 0..5 {
                assert_eq!(network.send(0, &transfer(1, nonce, 1)), 0, "{about}");
                nonce += 1;
            }
            let held = held(&reached);
            match target {
                Target::Application => network.kill_app(KILLED),
                Target::Engine => network.kill_engine(KILLED),
                Target::Both => network.kill(KILLED),
            }
            let height = held.height;
            drop(held);
            // An engine ends itself without its application.
            if target == Target::Application {
                network.ended_engine(KILLED);
            }
            // The others have decided the block, and more of them.
            network.go_on(&others);
            let before = log_length(&network);
            network.run(KILLED);
            // What the engine finds is that the processes were killed where they should be.
            let found = wait("the engine has asked its application", || {
                handshake(&network, before)
            });
            let committed = if point == Point::Committed {
                height
            } else {
                height - 1
            };
            assert_eq!(found, [committed, height, height - 1], "{about}");
            network.included(KILLED, 1, nonce);
            // It has caught up when it votes again.
            let next = network.height(0).unwrap();
            wait(&format!("{about}: the validator votes again"), || {
                let last = network.height(0)?;
                (next + 1..last).find(|height| all_voted(&network, *height) == Some(true))
            });
        }
    }
    let (count, _) = network.agree(&all, 1);
    assert_eq!(count, 35);
}
