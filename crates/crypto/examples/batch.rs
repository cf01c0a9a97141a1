//! Measures Ed25519 verification, single and in batches: `cargo run --release -p fusee-crypto
//! --example batch`.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement prints, and reads the clock"
)]

use std::time::Instant;

use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use fusee_crypto::{Ed25519Item, Ed25519Keys, sha256, verify_ed25519, verify_ed25519_batch};

const COUNT: u32 = 1_024;
const ROUNDS: u32 = 5;

fn main() {
    let signed: Vec<_> = (0..COUNT)
        .map(|number| {
            let message = sha256(&number.to_le_bytes());
            let signing = SigningKey::from(message);
            let key: [u8; 32] = VerificationKeyBytes::from(&signing).into();
            (key, signing.sign(&message).to_bytes(), message)
        })
        .collect();
    let items: Vec<_> = signed
        .iter()
        .map(|(public_key, signature, message)| Ed25519Item {
            public_key,
            signature,
            message,
        })
        .collect();
    report("single", || {
        items
            .iter()
            .all(|item| verify_ed25519(item.public_key, item.signature, item.message))
    });
    let none = Ed25519Keys::default();
    let kept = Ed25519Keys::new(10_000);
    for size in [2, 4, 16, 64, 256, 1_024] {
        for (name, keys) in [("", &none), (" with kept keys", &kept)] {
            report(&format!("batches of {size}{name}"), || {
                let mut batches = items.chunks(size);
                batches.all(|batch| verify_ed25519_batch(batch, keys).iter().all(|valid| *valid))
            });
        }
    }
    let mut forged = items;
    let other = sha256(b"other");
    for chunk in forged.chunks_mut(256) {
        if let Some(item) = chunk.first_mut() {
            item.message = &other;
        }
    }
    report("a batch of 1024, four forged", || {
        let verdicts = verify_ed25519_batch(&forged, &none);
        verdicts.iter().filter(|valid| !**valid).count() == 4
    });
}

/// The best of the rounds.
fn report(name: &str, verify: impl Fn() -> bool) {
    let best = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            assert!(verify(), "{name}: a wrong verdict");
            start.elapsed()
        })
        .min()
        .expect("there are rounds");
    println!("{name}: {:?} a signature", best / COUNT);
}
