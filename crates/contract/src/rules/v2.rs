//! The rules `contract-2`.

use std::sync::Arc;

use fusee_abi as abi;
use fusee_instrument::{Floats, Rules, SyscallPrice};
use fusee_virtualization::{ChildRules, Symbols, functions};

use super::{ContractChildren, ContractRules, Extensions, SYSCALLS, syscalls};

/// The syscalls that version 2 admits beside those of version 1, with their prices.
///
/// `docs/book/src/cryptography.md` has the measurements behind those of cryptography.
const MORE_SYSCALLS: &[(u32, SyscallPrice)] = &[
    (abi::SHA256, SyscallPrice::bytes(400, 3)),
    (abi::KECCAK256, SyscallPrice::bytes(1_700, 10)),
    (abi::BLAKE3, SyscallPrice::bytes(350, 4)),
    (abi::ED25519_VERIFY, SyscallPrice::bytes(180_000, 8)),
    (abi::SECP256K1_VERIFY, SyscallPrice::bytes(250_000, 1)),
    (abi::SECP256K1_RECOVER, SyscallPrice::bytes(265_000, 1)),
    (abi::SECP256R1_VERIFY, SyscallPrice::bytes(780_000, 1)),
    (abi::BLS12_381_VERIFY, SyscallPrice::bytes(4_900_000, 5_400)),
    (
        abi::BLS12_381_AGGREGATE_VERIFY,
        SyscallPrice::bytes(3_400_000, 36_000),
    ),
    (abi::BLOCK_HEIGHT, SyscallPrice::bytes(80, 0)),
    (abi::BLOCK_TIME, SyscallPrice::bytes(80, 0)),
    (abi::BLOCK_PROPOSER, SyscallPrice::bytes(100, 1)),
    (abi::CHAIN_ID, SyscallPrice::bytes(100, 1)),
    (abi::EVENT_EMIT_TOPICS, SyscallPrice::bytes(1_500, 8)),
    // What storage takes where it is in memory: `docs/calibration.md`.
    (abi::TRANSIENT_READ, SyscallPrice::bytes(1_200, 1)),
    (abi::TRANSIENT_WRITE, SyscallPrice::bytes(1_500, 2)),
    (abi::TRANSIENT_REMOVE, SyscallPrice::bytes(2_000, 1)),
    // On a state of 200,000 entries, in memory or in the store, a step of a search takes 0.8 to 1.1
    // us, and one that removes an entry 1.1 to 1.4.
    (abi::STORAGE_NEXT, SyscallPrice::bytes(4_000, 2)),
    (abi::STORAGE_PREVIOUS, SyscallPrice::bytes(4_000, 2)),
    (abi::STORAGE_REMOVE_RANGE, SyscallPrice::bytes(6_000, 2)),
    (abi::STORAGE_TRY_WRITE, SyscallPrice::bytes(5_000, 20)),
    (abi::DEPOSIT, SyscallPrice::bytes(2_000, 1)),
    // Three keys of the state: code hash, admin, and the count of the code.
    (abi::DEPLOY, SyscallPrice::bytes(20_000, 1)),
    // Four keys: those, and the count of the old code.
    (abi::UPGRADE, SyscallPrice::bytes(25_000, 1)),
    (abi::SET_ADMIN, SyscallPrice::bytes(5_000, 1)),
    (abi::ADMIN, SyscallPrice::bytes(2_000, 1)),
    (abi::CODE_HASH, SyscallPrice::bytes(2_000, 1)),
    (abi::CALL_READ_ONLY, SyscallPrice::bytes(5_000, 1)),
    (abi::SET_REENTRANCY, SyscallPrice::bytes(5_000, 0)),
    // As of an output, which is copied likewise.
    (abi::DEBUG_LOG, SyscallPrice::bytes(100, 1)),
];

/// The limits of version 2.
pub(super) const EXTENSIONS: Extensions = Extensions {
    input_bytes: 1_048_576,
    output_bytes: 1_048_576,
    bls_keys: 128,
    topics: 4,
    events: 1_024,
    event_bytes: 1_048_576,
    transient_bytes: 262_144,
    // What a byte is worth depends on the chain's currency: `ContractRules::with_deposit`.
    deposit_byte: 0,
    log_bytes: 16_384,
};

pub(super) fn rules() -> ContractRules {
    let first = ContractRules::v1();
    // What a contract may compute with, the programs of its nested VMs may as well.
    let children = Rules::v1_of_all_formats(functions::v1())
        .with_floats(Floats::Canonical)
        .with_name("contract-2-child");
    let mut program = syscalls(SYSCALLS);
    program.extend(syscalls(MORE_SYSCALLS));
    program.extend(functions::v1());
    ContractRules {
        name: "contract-2".into(),
        program: Rules::v1_of_all_formats(program)
            .with_floats(Floats::Canonical)
            .with_name("contract-2-program"),
        children: first.children.map(|first| ContractChildren {
            rules: Arc::new(ChildRules::new(children, Symbols::Any)),
            ..first
        }),
        extensions: Some(EXTENSIONS),
        ..first
    }
}
