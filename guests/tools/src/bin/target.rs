//! `target`: prints the description of the target for PolkaVM that the compiler takes, as its
//! linker brings it.

use polkavm_linker::TARGET_JSON_64_BIT_NEW;

fn main() {
    print!("{TARGET_JSON_64_BIT_NEW}");
}
