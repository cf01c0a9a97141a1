//! Results of engines, which agree only with their traces.

use fusee::{chain::Trace, sandbox::Gas};

use super::agreement::Observed;

#[test]
fn results_with_different_traces_are_different() {
    let observed = |result: u32, gas: Option<u64>| Observed {
        result,
        trace: gas.map(|gas| Trace {
            intrinsic_gas: Gas::new(gas),
            ..Trace::default()
        }),
    };
    let same = Observed::eq(u32::eq);
    assert!(same(&observed(1, Some(5)), &observed(1, Some(5))));
    assert!(same(&observed(1, None), &observed(1, None)));
    assert!(!same(&observed(1, Some(5)), &observed(2, Some(5))));
    assert!(!same(&observed(1, Some(5)), &observed(1, Some(6))));
    let shown = Observed::shown(u32::to_string);
    assert_eq!(
        shown(&observed(1, Some(5))),
        "1, a trace of 0 frames and 0 syscalls"
    );
    assert_eq!(shown(&observed(1, None)), "1");
}
