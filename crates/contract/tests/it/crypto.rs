//! Hashes and signatures, as contracts of both formats ask for them. What the schemes admit is
//! tested where they are implemented.

use blst::min_pk::{AggregateSignature, SecretKey, Signature};
use fusee_abi as abi;
use fusee_contract::{Address, ContractRules, Rejection, Status};
use fusee_engine::Trap;

use crate::{
    asks::{Asks, Region, deploy},
    world::{World, alice, bob},
};

const CIPHERSUITE: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

/// The address of a region that a contract can only have by mistake.
const OUTSIDE: u64 = 0xffff_fff0;

/// RFC 8032, section 7.1, test 2: the key, the signature and the message.
const ED25519: [&str; 3] = [
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
     085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    "72",
];

/// The example of EIP-155: the digest, the signature with its recovery id, the sender's address.
const SECP256K1: [&str; 3] = [
    "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53",
    "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276\
     67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d8300",
    "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f",
];

/// RFC 6979, section A.2.5, SHA-256 of "sample": the key, the signature.
const SECP256R1: [&str; 2] = [
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
     7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
     f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
];

fn world() -> World {
    World::in_both_formats(&ContractRules::v2())
}

fn hex(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap()
}

/// Runs a script on the contracts of both formats, which come to the same.
fn answers(world: &mut World, contracts: [Address; 2], asks: &Asks) -> crate::asks::Answers {
    let [wasm, polkavm] = contracts.map(|contract| asks.answers(world, contract));
    assert_eq!(wasm, polkavm);
    wasm
}

/// `count` keys, a message of 32 bytes for each, and signatures of them.
fn bls(count: u8, same: bool) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let (mut keys, mut messages, mut signatures) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..count {
        let secret = SecretKey::key_gen(&[at; 32], &[]).unwrap();
        let message = [if same { 7 } else { at }; 32];
        keys.extend_from_slice(&secret.sk_to_pk().to_bytes());
        messages.extend_from_slice(&message);
        signatures.push(secret.sign(&message, CIPHERSUITE, &[]));
    }
    let signatures: Vec<&Signature> = signatures.iter().collect();
    let sum = AggregateSignature::aggregate(&signatures, false).unwrap();
    let sum = sum.to_signature().to_bytes();
    (keys, messages, sum.to_vec())
}

#[test]
fn contracts_hash() {
    let mut world = world();
    let contracts = deploy(&mut world);
    let mut asks = Asks::default();
    let digests: Vec<[Region; 3]> = [&b""[..], b"abc", &[9; 10_000]]
        .map(|message| {
            let message = asks.put(message);
            [abi::SHA256, abi::KECCAK256, abi::BLAKE3].map(|number| {
                let digest = asks.room(32);
                asks.ask(number, &[message.at(), message.len(), digest.at()]);
                digest
            })
        })
        .to_vec();
    let answers = answers(&mut world, contracts, &asks);
    let digest = |region: Region| hex::encode(answers.bytes(region));
    assert_eq!(
        digests[1].map(digest),
        [
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        ]
    );
    for (message, digests) in [(&b""[..], digests[0]), (&[9; 10_000], digests[2])] {
        let expected = [
            fusee_crypto::sha256(message),
            fusee_crypto::keccak256(message),
            fusee_crypto::blake3(message),
        ];
        assert_eq!(digests.map(digest), expected.map(hex::encode));
    }
}

#[test]
fn contracts_verify_signatures() {
    let mut world = world();
    let contracts = deploy(&mut world);
    let mut asks = Asks::default();
    let [key, signature, message] = ED25519.map(|part| asks.put(&hex(part)));
    for length in [1, 0] {
        let arguments = [key.at(), signature.at(), message.at(), length];
        asks.ask(abi::ED25519_VERIFY, &arguments);
    }

    let [digest, signature] = [SECP256K1[0], SECP256K1[1]].map(|part| asks.put(&hex(part)));
    let recovered = asks.room(64);
    let arguments = [signature.at(), digest.at(), recovered.at()];
    asks.ask(abi::SECP256K1_RECOVER, &arguments);
    let signed: &[u8; 65] = &hex(SECP256K1[1]).try_into().unwrap();
    let point = fusee_crypto::recover_secp256k1(
        signed.first_chunk().unwrap(),
        0,
        &hex(SECP256K1[0]).try_into().unwrap(),
    );
    let point = point.unwrap();
    let uncompressed = asks.put(&[[4].as_slice(), &point].concat());
    let compressed = asks.put(&[[2 + (point[63] & 1)].as_slice(), &point[..32]].concat());
    for (key, length) in [
        (uncompressed, 65),
        (compressed, 33),
        (compressed, 32),
        (uncompressed, 0),
        (uncompressed, 33),
    ] {
        let arguments = [key.at(), length, signature.at(), digest.at()];
        asks.ask(abi::SECP256K1_VERIFY, &arguments);
    }
    // With another recovery id there is another key, or none; what is no id has none.
    let mut other = hex(SECP256K1[1]);
    other[64] = 27;
    let (other, untouched) = (asks.put(&other), asks.room(64));
    let arguments = [other.at(), digest.at(), untouched.at()];
    asks.ask(abi::SECP256K1_RECOVER, &arguments);

    let [key, signature] = SECP256R1.map(|part| asks.put(&hex(part)));
    let sample = asks.put(&fusee_crypto::sha256(b"sample"));
    for digest in [sample, digest] {
        let arguments = [key.at(), key.len(), signature.at(), digest.at()];
        asks.ask(abi::SECP256R1_VERIFY, &arguments);
    }

    let answers = answers(&mut world, contracts, &asks);
    assert_eq!(answers.results, [1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0]);
    assert_eq!(answers.bytes(recovered), point);
    assert_eq!(
        hex::encode(&fusee_crypto::keccak256(answers.bytes(recovered))[12..]),
        SECP256K1[2]
    );
    assert_eq!(answers.bytes(untouched), [0xee; 64]);
}

#[test]
fn contracts_verify_sums_of_bls_signatures() {
    let mut world = world();
    let contracts = deploy(&mut world);
    let verify = abi::BLS12_381_VERIFY;
    let aggregate = abi::BLS12_381_AGGREGATE_VERIFY;
    let mut check = |(keys, messages, signature): (Vec<u8>, Vec<u8>, Vec<u8>),
                     cases: &[(u32, u64, u64, i64)]| {
        let mut asks = Asks::default();
        let [keys, messages, signature] = [keys, messages, signature].map(|part| asks.put(&part));
        for (number, key_bytes, message_bytes, _) in cases {
            let (key_bytes, message_bytes) = (*key_bytes, *message_bytes);
            let arguments = [
                keys.at(),
                key_bytes,
                messages.at(),
                message_bytes,
                signature.at(),
            ];
            asks.ask(*number, &arguments);
        }
        let expected: Vec<i64> = cases.iter().map(|case| case.3).collect();
        assert_eq!(answers(&mut world, contracts, &asks).results, expected);
    };
    check(
        bls(3, true),
        &[
            (verify, 144, 32, 1),
            (verify, 96, 32, 0),
            (verify, 143, 32, 0),
            (verify, 0, 32, 0),
            (verify, 144, 31, 0),
            (aggregate, 144, 96, 1),
        ],
    );
    check(
        bls(3, false),
        &[
            (aggregate, 144, 96, 1),
            (aggregate, 96, 64, 0),
            (aggregate, 144, 95, 0),
            (aggregate, 144, 97, 0),
            (aggregate, 144, 2, 0),
            (aggregate, 144, 0, 0),
            (aggregate, 0, 0, 0),
            (aggregate, 145, 96, 0),
        ],
    );
}

/// What each costs beside the contract's own work: its base price, and its price for what counts.
#[test]
fn what_is_hashed_and_verified_is_paid_by_its_size() {
    let mut world = world();
    let contracts = deploy(&mut world);
    let rules = ContractRules::v2();
    let price = |number| *rules.program.prices().price(number).unwrap();
    let mut used = |number, lengths: [u64; 2]| {
        let mut asks = Asks::default();
        let region = asks.room(40_000).at();
        let arguments = match number {
            abi::ED25519_VERIFY => [region, region, region, lengths[0], 0],
            abi::BLS12_381_VERIFY | abi::BLS12_381_AGGREGATE_VERIFY => {
                [region, lengths[0], region, lengths[1], region]
            }
            _ => [region, lengths[0], region, region, 0],
        };
        asks.ask(number, &arguments);
        contracts.map(|contract| asks.call(&mut world, contract).gas_used.units())
    };
    for number in [
        abi::SHA256,
        abi::KECCAK256,
        abi::BLAKE3,
        abi::ED25519_VERIFY,
    ] {
        let [few, many] = [used(number, [0, 0]), used(number, [30_000, 0])];
        for format in 0..2 {
            let more = price(number).length(30_000).units();
            assert_eq!(many[format] - few[format], more, "{number}");
        }
    }
    // The keys count, and the messages do not.
    for number in [abi::BLS12_381_VERIFY, abi::BLS12_381_AGGREGATE_VERIFY] {
        let [few, many] = [used(number, [48, 0]), used(number, [480, 30_000])];
        for format in 0..2 {
            let more = price(number).length(432).units();
            assert_eq!(many[format] - few[format], more, "{number}");
        }
    }
}

#[test]
fn a_contract_without_the_gas_verifies_nothing() {
    let mut world = world();
    let contracts = deploy(&mut world);
    for number in abi::SHA256..=abi::BLS12_381_AGGREGATE_VERIFY {
        let mut asks = Asks::default();
        let region = asks.room(200).at();
        let arguments = match number {
            abi::ED25519_VERIFY => vec![region, region, region, 0],
            abi::BLS12_381_VERIFY | abi::BLS12_381_AGGREGATE_VERIFY => {
                vec![region, 48, region, 0, region]
            }
            abi::SECP256K1_RECOVER => vec![region; 3],
            _ => vec![region, 33, region, region],
        };
        asks.ask(number, &arguments);
        for contract in contracts {
            let input = asks.input();
            let enough = world.call(alice(), contract, "ask", &input);
            assert_eq!(enough.status, Status::Success, "{number}");
            let price = ContractRules::v2()
                .program
                .prices()
                .price(number)
                .unwrap()
                .base;
            let gas = enough.gas_used.units() - price.units();
            let receipt = world.call_with(bob(), contract, "ask", &input, 0, gas);
            assert_eq!(receipt.status, Status::OutOfGas, "{number}");
        }
    }
}

#[test]
fn a_region_is_in_memory_and_within_the_limits() {
    let mut world = world();
    let contracts = deploy(&mut world);
    let rules = ContractRules::v2();
    let keys = u64::from(rules.extensions.unwrap().bls_keys) * 48;
    let value = u64::from(rules.limits.value_bytes);
    let data = u64::from(rules.limits.data_bytes);
    let mut asks = Asks::default();
    let region = asks.room(8_000).at();
    let bls = abi::BLS12_381_VERIFY;
    let outside = Trap::MemoryOutOfBounds;
    for (number, arguments, trap) in [
        (abi::SHA256, vec![OUTSIDE, 32, region], outside),
        (abi::SHA256, vec![region, 32, OUTSIDE], outside),
        (abi::BLAKE3, vec![region, data + 1, region], Trap::DataLimit),
        (
            abi::ED25519_VERIFY,
            vec![OUTSIDE, region, region, 1],
            outside,
        ),
        (
            abi::ED25519_VERIFY,
            vec![region, OUTSIDE, region, 1],
            outside,
        ),
        (
            abi::ED25519_VERIFY,
            vec![region, region, OUTSIDE, 32],
            outside,
        ),
        (
            abi::SECP256K1_VERIFY,
            vec![region, 33, OUTSIDE, region],
            outside,
        ),
        (
            abi::SECP256R1_VERIFY,
            vec![region, 33, region, OUTSIDE],
            outside,
        ),
        (
            abi::SECP256R1_VERIFY,
            vec![region, 1_025, region, region],
            Trap::DataLimit,
        ),
        (
            abi::SECP256K1_RECOVER,
            vec![OUTSIDE, region, region],
            outside,
        ),
        (bls, vec![OUTSIDE, 48, region, 0, region], outside),
        (bls, vec![region, 48, region, 0, OUTSIDE], outside),
        (
            bls,
            vec![region, keys + 1, region, 0, region],
            Trap::DataLimit,
        ),
        (
            bls,
            vec![region, 48, region, value + 1, region],
            Trap::DataLimit,
        ),
    ] {
        let mut asks = asks.clone();
        asks.ask(number, &arguments);
        for contract in contracts {
            let status = asks.call(&mut world, contract).status;
            assert_eq!(status, Status::Trapped(trap), "{number} {arguments:x?}");
        }
    }
    // As many keys as there may be, and as long a message.
    for arguments in [
        [region, keys, region, 0, region],
        [region, 48, region, value, region],
    ] {
        let mut asks = asks.clone();
        asks.room(usize::try_from(value).unwrap() - 8_000);
        asks.ask(bls, &arguments);
        assert_eq!(asks.answers(&mut world, contracts[0]).results, [0]);
    }
}

#[test]
fn version_1_refuses_contracts_that_import_them() {
    let mut world = World::with_rules(&ContractRules::v1());
    let code = wat::parse_str(
        r#"(module (import "fusee" "sha256" (func (param i32 i32 i32))) (func (export "go")))"#,
    );
    let action = fusee_contract::Action::Deploy {
        code: code.unwrap(),
        input: Vec::new(),
    };
    let receipt = world.send(fusee_contract::Transaction {
        from: alice(),
        action,
        value: 0,
        gas: fusee_engine::Gas::new(crate::world::GAS),
    });
    assert_eq!(receipt.status, Status::Rejected(Rejection::RefusedCode));
}
