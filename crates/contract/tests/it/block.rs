//! What contracts see of the block that includes their transaction.

use fusee_abi as abi;
use fusee_contract::{BlockContext, ContractRules};
use fusee_engine::Gas;

use crate::{
    asks::{Answers, Asks, Region, deploy},
    world::{World, alice, bob},
};

fn block() -> BlockContext {
    BlockContext {
        chain_id: "testnet-7".into(),
        height: u64::MAX - 1,
        time: 1_790_000_000_123,
        proposer: bob(),
    }
}

/// A script that reads everything of its block, and where it puts what is no number.
fn reads() -> (Asks, [Region; 2]) {
    let mut asks = Asks::default();
    let [proposer, chain_id] = [32, 9].map(|bytes| asks.room(bytes));
    asks.ask(abi::BLOCK_HEIGHT, &[])
        .ask(abi::BLOCK_TIME, &[])
        .ask(abi::BLOCK_PROPOSER, &[proposer.at()])
        .ask(abi::CHAIN_ID, &[chain_id.at(), chain_id.len()]);
    (asks, [proposer, chain_id])
}

fn check(answers: &Answers, [proposer, chain_id]: [Region; 2]) {
    let block = block();
    let numbers = [block.height, block.time].map(u64::cast_signed);
    assert_eq!(answers.results, [numbers[0], numbers[1], 0, 9]);
    assert_eq!(answers.bytes(proposer), block.proposer.as_bytes());
    assert_eq!(answers.bytes(chain_id), block.chain_id.as_bytes());
}

#[test]
fn a_contract_reads_its_block() {
    let mut world = World::in_both_formats(&ContractRules::v2());
    let contracts = deploy(&mut world);
    world.block = block();
    let (asks, regions) = reads();
    for contract in contracts {
        check(&asks.answers(&mut world, contract), regions);
        let queried = world.query(contract, "ask", &asks.input());
        check(&asks.decode(&queried), regions);
    }
    // The next block.
    world.block.height = 3;
    world.block.time += 5;
    let answers = asks.answers(&mut world, contracts[0]);
    assert_eq!(answers.results[..2], [3, 1_790_000_000_128]);
}

#[test]
fn a_callee_reads_the_same_block() {
    let mut world = World::in_both_formats(&ContractRules::v2());
    let contracts = deploy(&mut world);
    world.block = block();
    let (inner, regions) = reads();
    for (caller, callee) in [(0, 1), (1, 0)] {
        let mut asks = Asks::default();
        asks.ask_in(contracts[callee], &inner);
        let data = asks.room(32 * 8 + 48);
        asks.ask(abi::RETURN_DATA_READ, &[data.at(), data.len()]);
        let answers = asks.answers(&mut world, contracts[caller]);
        assert_eq!(answers.results, [304, 304]);
        let mut receipt = world.call(alice(), contracts[callee], "ask", &inner.input());
        receipt.output = answers.bytes(data).to_vec();
        check(&inner.decode(&receipt), regions);
    }
}

#[test]
fn a_buffer_that_is_too_small_for_the_chain_id_has_its_beginning() {
    let mut world = World::in_both_formats(&ContractRules::v2());
    let contracts = deploy(&mut world);
    world.block = block();
    let mut asks = Asks::default();
    let chain_id = asks.room(9);
    asks.ask(abi::CHAIN_ID, &[chain_id.at(), 4])
        .ask(abi::CHAIN_ID, &[chain_id.at(), 0]);
    for contract in contracts {
        let answers = asks.answers(&mut world, contract);
        assert_eq!(answers.results, [9, 9]);
        assert_eq!(answers.bytes(chain_id), b"test\xee\xee\xee\xee\xee");
    }
}

/// Each costs what the rules say: with other prices, as much more.
#[test]
fn reading_a_block_is_paid() {
    let (asks, _) = reads();
    let rules = ContractRules::v2();
    let mut world = World::in_both_formats(&rules);
    world.block = block();
    let contracts = deploy(&mut world);
    let mut used = |rules: &ContractRules| {
        world.adopt(rules);
        contracts.map(|contract| asks.call(&mut world, contract).gas_used.units())
    };
    let before = used(&rules);
    for (number, bytes) in [
        (abi::BLOCK_HEIGHT, 0),
        (abi::BLOCK_TIME, 0),
        (abi::BLOCK_PROPOSER, 32),
        (abi::CHAIN_ID, 9),
    ] {
        let mut syscalls = rules.program.syscalls().to_vec();
        let syscall = syscalls.iter_mut().find(|rule| rule.number == number);
        let price = &mut syscall.unwrap().price;
        price.base = price.base.saturating_add(Gas::new(1_000));
        price.each = price.each.saturating_add(Gas::new(10));
        let dearer = ContractRules {
            program: rules.program.clone().with_syscalls(syscalls),
            ..rules.clone()
        };
        let more = 1_000 + 10 * bytes;
        assert_eq!(used(&dearer), before.map(|gas| gas + more), "{number}");
    }
}
