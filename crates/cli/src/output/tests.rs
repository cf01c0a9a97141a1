//! What is written for people does nothing to their terminal.

use super::harmless;

#[test]
fn what_commands_a_terminal_is_written_out() {
    for (text, expected) in [
        ("plain \u{fc}\n\tand so on", "plain \u{fc}\n\tand so on"),
        ("\u{1b}[1mbold\u{1b}[0m", "\u{1b}[1mbold\u{1b}[0m"),
        ("a\u{1b}[31mred", "a\\u{1b}[31mred"),
        ("\u{1b}", "\\u{1b}"),
        ("\u{1b}[1\u{1b}[1m", "\\u{1b}[1\u{1b}[1m"),
        ("back\u{8}\r\u{9b}2J\0", "back\\u{8}\\r\\u{9b}2J\\u{0}"),
    ] {
        assert_eq!(harmless(text), expected, "{text:?}");
    }
}
