//! One syscall, printed.

use fusee_abi::{Param, ReplyMode, Syscall, Wire};
use fusee_instrument::{PolkaVmRules, Rules, SyscallPrice, SyscallRule};

use super::{overview, section};

const HALT: Syscall = Syscall {
    number: 7,
    name: "halt",
    params: &[
        Param {
            name: "code",
            rust_type: "Len",
            wire: Some(Wire::I32),
        },
        Param {
            name: "left",
            rust_type: "u64",
            wire: Some(Wire::I64),
        },
    ],
    result: Some(Wire::I32),
    rust_result: "Status",
    reply_mode: ReplyMode::MaySuspend,
    doc: " Ends the run.\n For good.\n",
};

const TICK: Syscall = Syscall {
    name: "tick",
    params: &[],
    result: None,
    rust_result: "()",
    reply_mode: ReplyMode::Inline,
    ..HALT
};

/// Rules by which only the syscall 7 may be imported.
fn rules() -> Rules {
    Rules::v1(vec![SyscallRule {
        module: "fusee".to_owned(),
        name: "halt".to_owned(),
        number: 7,
        params: Vec::new(),
        result: None,
        may_suspend: true,
        price: SyscallPrice::bytes(10, 2),
    }])
    .with_polkavm(PolkaVmRules::v1())
}

#[test]
fn a_syscall_that_the_rules_do_not_list_is_not_in_the_table() {
    let later = Syscall { number: 8, ..HALT };
    assert_eq!(
        overview(&[HALT, later], &rules()),
        overview(&[HALT], &rules())
    );
}

#[test]
fn a_row_and_a_section() {
    assert!(
        overview(&[HALT], &rules())
            .ends_with("| 7 | [`halt`](#halt) | `(i32, i64) -> i32` | yes | 10 | 2 |\n")
    );
    assert_eq!(
        section(&HALT),
        "\n## halt\n\n```rust,ignore\nfn halt(code: Len, left: u64) -> Status\n```\n\nEnds the run.\nFor good.\n",
    );
}

#[test]
fn a_syscall_without_parameters_and_result() {
    assert!(overview(&[TICK], &rules()).ends_with("| 7 | [`tick`](#tick) | `()` | - | 10 | 2 |\n"));
    assert!(section(&TICK).contains("\nfn tick()\n"));
}
