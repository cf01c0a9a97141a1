//! One syscall, printed, and pages that are fresh and stale.

use fusee_abi::{Answer, Param, Price, Syscall, Wire};

use super::{first_difference, overview, page, section, stale};

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
    answer: Answer::MaySuspend,
    price: Price { base: 10, byte: 2 },
    doc: " Ends the run.\n For good.\n",
};

const TICK: Syscall = Syscall {
    name: "tick",
    params: &[],
    result: None,
    rust_result: "()",
    answer: Answer::Inline,
    ..HALT
};

#[test]
fn a_row_and_a_section() {
    assert!(
        overview(&[HALT])
            .ends_with("| 7 | [`halt`](#halt) | `(i32, i64) -> i32` | yes | 10 | 2 |\n")
    );
    assert_eq!(
        section(&HALT),
        "\n## halt\n\n```rust\nfn halt(code: Len, left: u64) -> Status\n```\n\nEnds the run.\nFor good.\n",
    );
}

#[test]
fn a_syscall_without_parameters_and_result() {
    assert!(overview(&[TICK]).ends_with("| 7 | [`tick`](#tick) | `()` | - | 10 | 2 |\n"));
    assert!(section(&TICK).contains("\nfn tick()\n"));
}

#[test]
fn a_fresh_page_has_no_finding() {
    assert_eq!(stale(&page(fusee_abi::SYSCALLS)), None);
}

#[test]
fn a_stale_page_is_found_where_it_differs() {
    let page = page(&[HALT]);
    assert!(stale(&page).is_some());
    assert!(
        stale("")
            .unwrap()
            .to_string()
            .starts_with("docs/syscalls.md:1: generated: ")
    );
    assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
    assert_eq!(first_difference("a\n", "a\nc\n"), Some(2));
}
