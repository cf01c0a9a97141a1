//! Contracts of both formats together: who is called is in whatever format, and nobody can tell but
//! by the gas.

use fusee_abi::{ALL_GAS, status};
use fusee_contract::{Action, Address, ContractRules, Receipt, Rejection, Status, Transaction};
use fusee_engine::{Gas, Trap};
use fusee_executor::FrameLimits;

use crate::{
    calls::{ONE, chain, target},
    world::{CALLER, COUNTER, FUNDS, GAS, TOKEN, World, alice, args, bob, counted, wasm_alone},
};

const RELAY: &[u8] = include_bytes!("../../../../guests/wasm/relay.wasm");

/// A contract of the same name in both formats: the one, and the other.
type Twins = [&'static [u8]; 2];

const CALLERS: Twins = [
    CALLER,
    include_bytes!("../../../../guests/polkavm/caller.polkavm"),
];
const COUNTERS: Twins = [
    COUNTER,
    include_bytes!("../../../../guests/polkavm/counter.polkavm"),
];
const TOKENS: Twins = [
    TOKEN,
    include_bytes!("../../../../guests/polkavm/token.polkavm"),
];
const RELAYS: Twins = [
    RELAY,
    include_bytes!("../../../../guests/polkavm/relay.polkavm"),
];

/// Enough for any of these calls but endless ones, which take long where slices are tiny.
const ENOUGH: u64 = 1_200_000;

/// The ways to have a caller of one format and a callee of the other, as places in [`Twins`].
const WAYS: [(usize, usize); 2] = [(0, 1), (1, 0)];

fn world() -> World {
    World::of_both_formats(&ContractRules::v1())
}

fn relayed(to: Address, gas: u64, value: u128, method: &str, input: &[u8]) -> Vec<u8> {
    args(&[
        to.as_bytes(),
        &gas.to_le_bytes(),
        &value.to_le_bytes(),
        &counted(method.as_bytes()),
        &counted(input),
    ])
}

/// The status and the return data in the output of a relay.
fn answer(receipt: &Receipt) -> (i32, Vec<u8>) {
    assert_eq!(receipt.status, Status::Success, "{receipt:?}");
    let (status, rest) = receipt.output.split_first_chunk().unwrap();
    (i32::from_le_bytes(*status), rest.to_vec())
}

/// What a success with this return data looks like.
fn returned(data: &[u8]) -> (i32, Vec<u8>) {
    (i32::try_from(data.len()).unwrap(), data.to_vec())
}

/// What can be seen of a receipt that depends neither on gas nor on addresses.
pub(crate) fn seen(receipt: &Receipt) -> impl Clone + PartialEq + std::fmt::Debug + use<> {
    let events = receipt.events.iter();
    let events: Vec<_> = events
        .map(|event| (event.topics.clone(), event.data.clone()))
        .collect();
    (receipt.status, receipt.output.clone(), events)
}

/// Calls `method` through `try_and_write`, and gives the status that the caller saw.
fn caller_sees(world: &mut World, caller: Address, callee: Address, method: &str) -> i32 {
    let input = target(callee, method, &[]);
    let receipt = world.call_with(alice(), caller, "try_and_write", &input, 0, ENOUGH);
    assert_eq!(receipt.status, Status::Success, "{receipt:?}");
    i32::from_le_bytes(receipt.output.try_into().unwrap())
}

pub(crate) fn sorted_methods(world: &World, contract: Address) -> Vec<String> {
    let mut methods = world.methods(contract).unwrap();
    methods.sort();
    methods
}

#[test]
fn a_contract_does_the_same_in_either_format() {
    let mut world = world();
    let [wasm, polkavm] = TOKENS.map(|code| {
        let token = world.deploy(code, &100_u64.to_le_bytes());
        let amount = |units: u64| units.to_le_bytes();
        let (to_bob, from_alice) = (bob(), alice());
        let mut receipts = Vec::new();
        for (from, method, input) in [
            (alice(), "transfer", args(&[to_bob.as_bytes(), &amount(7)])),
            (
                alice(),
                "transfer",
                args(&[to_bob.as_bytes(), &amount(700)]),
            ),
            (alice(), "transfer", to_bob.as_bytes().to_vec()),
            (alice(), "approve", args(&[to_bob.as_bytes(), &amount(40)])),
            (
                bob(),
                "transfer_from",
                args(&[from_alice.as_bytes(), to_bob.as_bytes(), &amount(30)]),
            ),
            (
                bob(),
                "transfer_from",
                args(&[from_alice.as_bytes(), to_bob.as_bytes(), &amount(30)]),
            ),
            (
                bob(),
                "allowance",
                args(&[from_alice.as_bytes(), to_bob.as_bytes()]),
            ),
            (bob(), "balance_of", to_bob.as_bytes().to_vec()),
            (bob(), "total_supply", Vec::new()),
            (bob(), "deploy", amount(5).to_vec()),
            (bob(), "no_such_method", Vec::new()),
        ] {
            receipts.push(seen(&world.call(from, token, method, &input)));
        }
        (receipts, sorted_methods(&world, token))
    });
    assert_eq!(wasm, polkavm);
    // The rest of the guests that are in both.
    for twins in [CALLERS, RELAYS, COUNTERS] {
        let [wasm, polkavm] = twins.map(|code| {
            let address = world.deploy(code, &[]);
            sorted_methods(&world, address)
        });
        assert_eq!(wasm, polkavm);
    }
}

#[test]
fn a_call_has_input_value_and_gas_and_returns_data() {
    let mut world = world();
    for (from, to) in WAYS {
        let relay = world.deploy(RELAYS[from], &[]);
        let counter = world.deploy(COUNTERS[to], &[]);
        let callee = world.deploy(CALLERS[to], &[]);
        let eight = 8_u64.to_le_bytes();
        let input = relayed(counter, ALL_GAS, 0, "add", &eight);
        let receipt = world.call(alice(), relay, "relay", &input);
        assert_eq!(answer(&receipt), returned(&eight));
        assert_eq!(receipt.events.len(), 1);
        assert_eq!(receipt.events[0].address, counter);
        assert_eq!(world.stored(counter, b"count"), Some(eight.to_vec()));

        let input = relayed(callee, ALL_GAS, 30, "who", &[]);
        let receipt = world.call_with(bob(), relay, "relay", &input, 100, GAS);
        let expected = args(&[
            relay.as_bytes(),
            callee.as_bytes(),
            &30_u128.to_le_bytes(),
            &30_u128.to_le_bytes(),
        ]);
        assert_eq!(answer(&receipt), returned(&expected));
        assert_eq!(world.account(relay).balance, 70);
        assert_eq!(world.account(callee).balance, 30);
        let too_much = relayed(callee, ALL_GAS, 71, "who", &[]);
        let receipt = world.call(bob(), relay, "relay", &too_much);
        assert_eq!(answer(&receipt), (status::INSUFFICIENT_BALANCE, Vec::new()));

        // Of the gas that was asked for, the callee has what its instance leaves.
        let left = |world: &mut World, gas| {
            let receipt = world.call(bob(), relay, "relay", &relayed(callee, gas, 0, "gas", &[]));
            u64::from_le_bytes(answer(&receipt).1.try_into().unwrap())
        };
        let (less, more) = (left(&mut world, 1_000_000), left(&mut world, 1_500_000));
        assert_eq!(more - less, 500_000);
        assert!((500_000..1_000_000).contains(&less), "{less}");
        let all = left(&mut world, ALL_GAS);
        assert!(all > GAS / 64 * 62 && all < GAS / 64 * 63, "{all}");
    }
    assert_eq!(world.account(bob()).balance, FUNDS - 200);
}

#[test]
fn a_call_goes_through_the_other_format_and_back() {
    let mut world = world();
    for (outer, inner) in WAYS {
        let first = world.deploy(CALLERS[outer], &[]);
        let second = world.deploy(CALLERS[inner], &[]);
        let last = world.deploy(COUNTERS[outer], &[]);
        let inner = target(last, "increment", &[]);
        let receipt = world.call(
            alice(),
            first,
            "forward",
            &target(second, "forward", &inner),
        );
        let expected = args(&[&8_i32.to_le_bytes(), &ONE]);
        assert_eq!(answer(&receipt), returned(&expected));
        assert_eq!(receipt.events[0].address, last);
    }
}

#[test]
fn a_callee_that_fails_is_undone_and_its_caller_is_not() {
    let mut world = world();
    for (from, to) in WAYS {
        for (method, expected) in [
            ("write_then_revert", status::REVERTED),
            ("write_then_trap", status::TRAPPED),
            ("write_then_loop", status::OUT_OF_GAS),
            ("no_such_method", status::UNKNOWN_CALLEE),
            ("deploy", status::UNKNOWN_CALLEE),
        ] {
            let caller = world.deploy(CALLERS[from], &[]);
            let callee = world.deploy(CALLERS[to], &[]);
            let status = caller_sees(&mut world, caller, callee, method);
            assert_eq!(status, expected, "{method}");
            assert_eq!(world.stored(caller, b"before"), Some(ONE.to_vec()));
            let written = world.stored(caller, b"status");
            assert_eq!(written, Some(expected.to_le_bytes().to_vec()), "{method}");
            assert_eq!(world.stored(callee, b"before"), None, "{method}");
            let input = target(callee, method, &[]);
            let receipt = world.call_with(alice(), caller, "forward", &input, 0, ENOUGH);
            let message = if method.ends_with("revert") {
                &b"as asked"[..]
            } else {
                &[]
            };
            assert_eq!(answer(&receipt), (expected, message.to_vec()));
        }
    }
}

#[test]
fn a_64th_of_the_gas_stays_with_the_caller() {
    let mut world = world();
    for (from, to) in WAYS {
        let caller = world.deploy(CALLERS[from], &[]);
        let callee = world.deploy(CALLERS[to], &[]);
        for gas in [1_000_000, 1_500_017] {
            let input = target(callee, "write_then_loop", &[]);
            let receipt = world.call_with(alice(), caller, "try_and_write", &input, 0, gas);
            assert_eq!(receipt.status, Status::Success, "{gas}");
            assert_eq!(receipt.output, status::OUT_OF_GAS.to_le_bytes());
            let used = receipt.gas_used.units();
            assert!(used < gas && used > gas - gas / 50, "{used} of {gas}");
        }
        // Too little for the caller to write down how it ended: all of it is undone.
        let input = target(callee, "write_then_loop", &[]);
        let receipt = world.call_with(alice(), caller, "try_and_write", &input, 0, 200_000);
        assert_eq!(receipt.status, Status::OutOfGas);
        assert_eq!(receipt.gas_used, Gas::new(200_000));
        // Asked for less than there is: no more is lost.
        let relay = world.deploy(RELAYS[from], &[]);
        let input = relayed(callee, 500_000, 0, "write_then_loop", &[]);
        let receipt = world.call(alice(), relay, "relay", &input);
        assert_eq!(answer(&receipt), (status::OUT_OF_GAS, Vec::new()));
        let used = receipt.gas_used.units();
        assert!((500_000..800_000).contains(&used), "{used}");
    }
}

#[test]
fn every_limit_on_gas_ends_calls_between_formats_alike() {
    let mut world = world();
    for (from, to) in WAYS {
        let relay = world.deploy(RELAYS[from], &[]);
        let counter = world.deploy(COUNTERS[to], &[]);
        let input = relayed(counter, ALL_GAS, 0, "increment", &[]);
        world.call(alice(), relay, "relay", &input);
        let whole = world.call(alice(), relay, "relay", &input);
        let enough = whole.gas_used.units();
        let before = world.stored(counter, b"count");
        for step in 0..60 {
            let gas = enough / 60 * step + step % 7;
            // Less is invalid.
            let gas = gas.max(10_000 + 4 * u64::try_from(input.len()).unwrap());
            let receipt = world.call_with(alice(), relay, "relay", &input, 0, gas);
            assert!(receipt.gas_used.units() <= gas);
            let counted = world.stored(counter, b"count") != before;
            assert!(!counted, "{gas} of {enough}");
        }
    }
}

#[test]
fn reentrancy_across_formats_is_refused_and_both_frames_are_named() {
    let mut world = world();
    for (outer, inner) in WAYS {
        let first = world.deploy(CALLERS[outer], &[]);
        let second = world.deploy(CALLERS[inner], &[]);
        let back = target(second, "forward", &target(first, "gas", &[]));
        let receipt = world.call(alice(), first, "forward", &back);
        let (_, rest) = answer(&receipt);
        let (status, message) = rest.split_at(4);
        assert_eq!(status, status::REENTRANT.to_le_bytes());
        let expected = format!(
            "frame 2 ({first}.gas) calls into frame 0 ({first}.forward), which has not ended"
        );
        assert_eq!(message, expected.as_bytes());
        // A transfer of value enters nobody.
        let receipt = world.call_with(bob(), first, "who", &[], 9, GAS);
        assert_eq!(receipt.status, Status::Success);
        let send = args(&[bob().as_bytes(), &9_u128.to_le_bytes()]);
        let receipt = world.call(bob(), first, "send", &send);
        assert_eq!(receipt.output, 0_i32.to_le_bytes());
    }
}

#[test]
fn a_query_reaches_no_write_in_the_other_format() {
    let mut world = world();
    for (from, to) in WAYS {
        let caller = world.deploy(CALLERS[from], &[]);
        let middle = world.deploy(CALLERS[to], &[]);
        for (counter, code) in COUNTERS.map(|code| (world.deploy(code, &[]), code)) {
            let through = |method| target(middle, "forward", &target(counter, method, &[]));
            let before = world.state.clone();
            let receipt = world.query(caller, "forward", &through("increment"));
            let trapped = status::TRAPPED.to_le_bytes();
            assert_eq!(answer(&receipt), returned(&trapped), "{}", code.len());
            let receipt = world.query(caller, "forward", &through("value"));
            let zero = args(&[&8_i32.to_le_bytes(), &0_u64.to_le_bytes()]);
            assert_eq!(answer(&receipt), returned(&zero));
            assert!(world.state.iter().eq(before.iter()));
        }
        let send = args(&[bob().as_bytes(), &1_u128.to_le_bytes()]);
        let receipt = world.query(middle, "send", &send);
        assert_eq!(receipt.status, Status::Trapped(Trap::SyscallRefused));
        let receipt = world.query(caller, "forward", &target(middle, "send", &send));
        assert_eq!(answer(&receipt), (status::TRAPPED, Vec::new()));
    }
}

#[test]
fn the_call_stack_has_the_same_limits_for_both_formats() {
    let page = 1 << 16;
    let mut reached = Vec::new();
    for (depth, memory_bytes) in [(2, 100 * page), (5, 100 * page), (100, 3 * page)] {
        let rules = ContractRules {
            frames: FrameLimits {
                depth,
                memory_bytes,
            },
            ..ContractRules::v1()
        };
        let mut world = World::of_both_formats(&rules);
        let contracts: Vec<Address> = (0..8)
            .map(|at| world.deploy(CALLERS[at % 2], &[]))
            .collect();
        for contracts in [&contracts[..], &contracts[1..]] {
            let receipt = world.call(alice(), contracts[0], "nest", &chain(&contracts[1..]));
            assert_eq!(receipt.status, Status::Success);
            let levels = u32::from_le_bytes(receipt.output.clone().try_into().unwrap());
            assert_eq!(receipt.events.len(), usize::try_from(levels).unwrap());
            reached.push(levels);
        }
    }
    // A frame in wasm holds a page. One for PolkaVM holds its 64 KiB of stack and some data, so
    // that fewer fit.
    assert_eq!(reached, [3, 3, 6, 6, 3, 3]);
}

#[test]
fn a_deep_chain_of_both_formats_takes_no_native_stack() {
    let mut world = world();
    let contracts: Vec<Address> = (0..40)
        .map(|at| world.deploy(CALLERS[at % 2], &[]))
        .collect();
    let (first, rest) = contracts.split_first().unwrap();
    std::thread::scope(|scope| {
        let run = || {
            let receipt = world.call_with(alice(), *first, "nest", &chain(rest), 0, 1_000_000_000);
            assert_eq!(receipt.status, Status::Success);
            assert_eq!(receipt.output, 40_u32.to_le_bytes());
        };
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        thread.spawn_scoped(scope, run).unwrap().join().unwrap();
    });
    for contract in &contracts {
        assert_eq!(world.stored(*contract, b"seen"), Some(ONE.to_vec()));
    }
}

#[test]
fn a_caller_in_polkavm_pays_for_each_page_that_it_has_begun() {
    // The relay has 16 KiB of stack and some data, the caller 64 KiB.
    for (twins, method, pages) in [(RELAYS, "relay", 1), (CALLERS, "forward", 2)] {
        let used = |price: u64| {
            let mut rules = ContractRules::v1();
            rules.prices.held_page = Gas::new(price);
            let mut world = World::of_both_formats(&rules);
            let caller = world.deploy(twins[1], &[]);
            let input = match method {
                "relay" => relayed(bob(), ALL_GAS, 0, "", &[]),
                _ => target(bob(), "", &[]),
            };
            let receipt = world.call(alice(), caller, method, &input);
            assert_eq!(answer(&receipt), (0, Vec::new()));
            receipt.gas_used.units()
        };
        assert_eq!(used(500) - used(0), 500 * pages, "{method}");
    }
}

#[test]
fn processes_of_their_own_come_to_the_same() {
    let mut world = World::of_both_formats_in_processes();
    for (from, to) in WAYS {
        let first = world.deploy(CALLERS[from], &[]);
        let second = world.deploy(CALLERS[to], &[]);
        let third = world.deploy(CALLERS[from], &[]);
        let counter = world.deploy(COUNTERS[to], &[]);
        for method in ["write_then_revert", "write_then_trap"] {
            caller_sees(&mut world, first, second, method);
        }
        let input = target(second, "write_then_loop", &[]);
        world.call_with(alice(), first, "try_and_write", &input, 0, 500_000);
        let receipt = world.call(alice(), first, "nest", &chain(&[second, third]));
        assert_eq!(receipt.output, 3_u32.to_le_bytes());
        let receipt = world.call(
            alice(),
            first,
            "forward",
            &target(counter, "increment", &[]),
        );
        assert_eq!(answer(&receipt), returned(&ONE));
        let receipt = world.query(first, "forward", &target(counter, "increment", &[]));
        assert_eq!(answer(&receipt), (status::TRAPPED, Vec::new()));
    }
}

#[test]
fn rules_without_the_other_format_refuse_its_contracts() {
    let mut world = World::of_both_formats(&ContractRules::v1());
    let caller = world.deploy(CALLERS[0], &[]);
    let counter = world.deploy(COUNTERS[1], &[]);
    // Under other rules the contract is still there, and is not entered.
    let mut other = World::of_both_formats(&wasm_alone());
    other.state = world.state.clone();
    let receipt = other.call(alice(), counter, "increment", &[]);
    assert_eq!(receipt.status, Status::Rejected(Rejection::RefusedCode));
    let receipt = other.call(
        alice(),
        caller,
        "forward",
        &target(counter, "increment", &[]),
    );
    assert_eq!(answer(&receipt), (status::REFUSED, Vec::new()));
}

#[test]
fn damaged_contracts_are_refused_or_do_the_same_everywhere() {
    let mut world = World::of_both_formats_on_few_lanes();
    let relay = world.deploy(RELAY, &[]);
    let whole = COUNTERS[1];
    let (mut refused, mut entered) = (0, 0);
    for at in 0..whole.len() {
        // A module in the generic sandbox takes 32 GiB of addresses: some thousands of them in
        // caches leave none.
        if at % 256 == 255 {
            let state = world.state;
            world = World::of_both_formats_on_few_lanes();
            world.state = state;
        }
        let mut code = whole.to_vec();
        code[at] ^= 1 << (at % 8);
        let receipt = world.send(Transaction {
            from: alice(),
            action: Action::Deploy {
                code,
                input: Vec::new(),
            },
            value: 0,
            gas: Gas::new(ENOUGH),
        });
        if receipt.status == Status::Rejected(Rejection::RefusedCode) {
            refused += 1;
        }
        let Some(counter) = receipt.deployed else {
            continue;
        };
        let input = relayed(counter, 200_000, 0, "increment", &[]);
        let receipt = world.call_with(alice(), relay, "relay", &input, 0, ENOUGH);
        answer(&receipt);
        entered += 1;
    }
    assert!(refused > 50 && entered > 50, "{refused} and {entered}");
}
