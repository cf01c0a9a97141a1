//! The gas of an addition. Apart from the other tests, which `fusee new` copies.

use counter::{Counter, CounterClient};
use fusee_testkit::{GasSnapshot, Machine, Program, on_machine, program};

const COUNTER: Program = program!(Counter);

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let mut gas = GasSnapshot::new();
        let alice = chain.account("alice", 0);
        let counter = CounterClient::at(chain.deploy(alice, &COUNTER, &[]));
        // The first one makes the entry.
        chain.call(alice, counter.add(2));
        chain.call(alice, counter.add(3));
        gas.record("add", chain.gas_used());
        // Per mille: compilers change.
        gas.check("tests/gas.txt", 20).unwrap();
    });
}
