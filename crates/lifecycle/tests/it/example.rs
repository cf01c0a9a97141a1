//! The example does what its lines say.

#[path = "../../examples/node.rs"]
#[expect(dead_code, reason = "it is a program too")]
mod node;

#[test]
fn the_example_of_a_node_tells_what_happens() {
    let mut told = Vec::new();
    node::tell(&mut told).unwrap();
    let told = String::from_utf8(told).unwrap();
    let lines = [
        "a guest with 1 import and 4 exports, which may wait\n",
        "4 guests wait for peers; meanwhile another computes [144] for ",
        "guest 1 was answered [1001]\n",
        "guest 4 was answered [4001]\n",
        "a guest that spins: the guest ran longer than 200ms\n",
        "the same again: the instance is gone: the guest ran longer than 200ms\n",
        "2 guests spin, 1 is queued, another is refused: 1 calls wait already\n",
        "when they are timed out it is served: [4]\n",
        "a call that nobody waits for is cancelled\n",
        "health: good; 2 of 2 workers, 0 busy; 1 refused, 4 timed out, 1 cancelled, 0 replaced\n",
    ];
    for line in lines {
        assert!(told.contains(line), "{line}\n{told}");
    }
}
