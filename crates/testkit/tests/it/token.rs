//! What the SDK costs: the token of the SDK beside the one that is written by hand.
//!
//! Both have the same methods, keys, events and messages. Gas is told with what the chain charges
//! for every transaction, and for the method alone.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use fusee::{
    chain::{
        Action, Address, BlockContext, ContractRules, Contracts, Inspector, MemoryState, Status,
        Transaction, set_balances,
    },
    engines::WasmiEngine,
    interface,
    sandbox::{Executor, Gas, Interrupt, profile::ProfileSpan},
};
use fusee_build::{BuildError, Contract, Names, Options};

/// The bytes of code that the token may have.
const MAX_BYTES: usize = 6_000;

/// What the SDK may cost: so many tenths of what is written by hand.
const MAX_TENTHS: u64 = 13;

/// The token of the SDK, built as `fusee build` does. `None`, which is told, without the toolchain.
fn token(names: Names) -> Option<Vec<u8>> {
    let folder = root().join("examples/contracts/token");
    let built = Contract::find(&folder).and_then(|it| it.wasm(names, Options::default()));
    match built {
        Ok(wasm) => Some(wasm),
        Err(BuildError::Missing { what, install }) => {
            assert!(
                std::env::var_os("FUSEE_TEST_REQUIRE_ALL").is_none(),
                "this needs {what}: {install}"
            );
            eprintln!("SKIPPED: this needs {what}: {install}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The bytes of a module without the section of its interface: text for tools, most of which is
/// documentation. Everything else that is deployed counts.
fn code_size(wasm: &[u8]) -> usize {
    let interface = interface::extract(wasm).unwrap().unwrap();
    let section = 1 + interface::SECTION.len() + interface.encode().unwrap().len();
    // Before it are the section's id, and its length in two bytes.
    assert!((128..16_384).contains(&section));
    wasm.len() - section - 3
}

/// `fusee build` leaves the names of functions out.
#[test]
fn the_code_of_the_token_is_small() {
    let (Some(wasm), Some(with_names)) = (token(Names::Stripped), token(Names::Kept)) else {
        return;
    };
    let (size, with_names) = (code_size(&wasm), code_size(&with_names));
    let whole = wasm.len();
    eprintln!("{size} bytes of code, {with_names} with names, {whole} with the interface");
    assert!(size < MAX_BYTES, "{size} bytes of code");
    assert!(
        with_names > size && size > 1_000,
        "{size} bytes are no token"
    );
}

/// The gas of the calls: with all that the chain charges, and of the methods alone.
fn gas_of(code: Vec<u8>) -> BTreeMap<&'static str, (u64, u64)> {
    let executor = Arc::new(Executor::builder(Arc::new(WasmiEngine::new())).build());
    let inspector = Inspector::new(16 << 20).by_function();
    let contracts =
        Contracts::without_fallback(executor, ContractRules::latest()).inspector(inspector.clone());
    let [alice, bob] = ["alice", "bob"].map(Address::of_development_account);
    let mut state = MemoryState::new();
    state.apply(&set_balances(&[(alice, 1_000), (bob, 1_000)]));
    let block = BlockContext {
        chain_id: "test".into(),
        height: 1,
        ..BlockContext::default()
    };
    let mut send = |from, action| {
        let transaction = Transaction {
            from,
            action,
            value: 0,
            gas: Gas::new(100_000_000),
        };
        let snapshot = Arc::new(state.clone());
        let done = contracts.execute(snapshot, transaction, &block, &Interrupt::new());
        let done = done.unwrap().included().unwrap();
        state.apply(&done.changes);
        assert_eq!(done.receipt.status, Status::Success, "{:?}", done.receipt);
        done.receipt
    };
    let input = 1_000_u64.to_le_bytes().to_vec();
    let token = send(alice, Action::Deploy { code, input })
        .deployed
        .unwrap();
    let amount = 3_u64.to_le_bytes();
    let [alice_bytes, bob_bytes] = [alice, bob].map(|account| account.as_bytes().to_vec());
    let mut gas = BTreeMap::new();
    for (method, from, arguments) in [
        ("approve", alice, [&bob_bytes[..], &amount].concat()),
        ("transfer", alice, [&bob_bytes[..], &amount].concat()),
        (
            "transfer_from",
            bob,
            [&alice_bytes[..], &bob_bytes, &amount].concat(),
        ),
        ("balance_of", bob, alice_bytes.clone()),
        ("allowance", bob, [&alice_bytes[..], &bob_bytes].concat()),
        ("total_supply", bob, Vec::new()),
    ] {
        let receipt = send(
            from,
            Action::Call {
                to: token,
                method: method.to_owned(),
                input: arguments,
            },
        );
        let trace = inspector.trace();
        let profile = trace.frames[0].profile.as_ref().unwrap();
        let own =
            |span: &ProfileSpan| !matches!(span, ProfileSpan::Loading | ProfileSpan::Instance);
        let alone = profile
            .iter()
            .filter(|(path, _)| path.first().is_none_or(own));
        let alone = alone.map(|(_, gas)| gas.units()).sum();
        gas.insert(method, (receipt.gas_used.units(), alone));
    }
    gas
}

#[test]
fn each_method_of_the_token_costs_little_more_than_by_hand() {
    let Some(wasm) = token(Names::Stripped) else {
        return;
    };
    let by_hand = std::fs::read(root().join("guests/wasm/token.wasm")).unwrap();
    let (sdk, by_hand) = (gas_of(wasm), gas_of(by_hand));
    assert_eq!(sdk.len(), 6);
    for (method, (total, alone)) in sdk {
        let (total_by_hand, alone_by_hand) = by_hand[method];
        eprintln!("{method}: {total} and {total_by_hand}, alone {alone} and {alone_by_hand}");
        for (what, gas, of) in [
            ("in all", total, total_by_hand),
            ("alone", alone, alone_by_hand),
        ] {
            assert!(of > 0, "{method} {what}");
            let is_close = gas * 10 <= of * MAX_TENTHS;
            assert!(is_close, "{method} {what}: {gas}, and {of} by hand");
        }
    }
}
