//! The reference page of the syscalls, from the tables in `fusee-abi` and the prices of the newest
//! rules of contracts.

use fusee_abi::{ReplyMode, Syscall, Wire, virtualization::functions};
use fusee_contract::ContractRules;
use fusee_instrument::{Rules, SyscallPrice};

use crate::page::{Page, line};

pub(crate) const PAGE: Page = Page {
    path: "docs/book/src/syscalls.md",
    command: "syscalls",
    text: || {
        page(
            fusee_abi::SYSCALLS,
            functions::FUNCTIONS,
            &ContractRules::latest(),
        )
    },
};

const INTRODUCTION: &str = "\
<!-- Written by `cargo xtask syscalls` from the tables in crates/abi and the prices in crates/contract. Change these, not this page. -->

# Syscalls

The host functions that a contract may import. All syscalls belong to one wasm module, except the
[functions of nested VMs](#nested-vms). The meaning of a number and of a name never changes.
";

const CONVENTIONS: &str = "
## Conventions

- A region of memory is a pointer and a length in bytes. A region outside the memory traps, and so
  does one that is longer than the limits of the rules allow (`data_limit`).
- A syscall that returns bytes takes a buffer and its capacity. It writes at most that many bytes and
  returns the full length. If the buffer was too small, the length tells which capacity is enough.
- A syscall costs its base price, and its price per byte for each byte that it reads or writes. The
  gas is charged before the syscall acts.

| type | on the wire | meaning |
|---|---|---|
| `In` | `i32` | the address of a region that the host reads |
| `Out` | `i32` | the address of a region that the host writes |
| `Len` | `i32` | a length in bytes, unsigned |
| `Status` | `i32` | a length or flag if not negative, otherwise a status code |
| `u64` | `i64` | a number, unsigned |
";

const NESTED_VMS: &str = "
## Nested VMs

A contract can run programs of its own ([virtualization.md](virtualization.md)). It imports these
functions from `env`. Each returns an `i64`: a value (0 or greater), or an error (negative). A
`Range` is a region in one `i64`, with the address in the low 32 bits and the length in the high 32
bits. An `Id` and an `Offset` are `i32`.
";

fn page(syscalls: &[Syscall], functions: &[Syscall], contracts: &ContractRules) -> String {
    let (name, rules) = (&contracts.name, &contracts.program);
    let mut page = INTRODUCTION.to_owned();
    line(
        &mut page,
        format_args!(
            "\nThe prices are those of the rules `{name}`; [rules.md](rules.md) describes rules."
        ),
    );
    page.push_str(CONVENTIONS);
    page.push_str(&constants());
    page.push_str(&statuses());
    page.push_str(&overview(syscalls, rules));
    for syscall in syscalls {
        page.push_str(&section(syscall));
    }
    page.push_str(NESTED_VMS);
    page.push('\n');
    page.push_str(&table(functions, rules));
    for function in functions {
        page.push_str(&section(function));
    }
    page
}

fn constants() -> String {
    let rows = [
        (
            "IMPORT_MODULE",
            format!("`{}`", fusee_abi::IMPORT_MODULE),
            "the wasm module that a contract imports from",
        ),
        (
            "DEPLOY_METHOD",
            format!("`{}`", fusee_abi::DEPLOY_METHOD),
            "the export that runs once, at deployment",
        ),
        (
            "MIGRATE_METHOD",
            format!("`{}`", fusee_abi::MIGRATE_METHOD),
            "the export that an upgrade runs in the new code",
        ),
        (
            "RECEIVE_METHOD",
            format!("`{}`", fusee_abi::RECEIVE_METHOD),
            "the export that a transfer to the contract runs",
        ),
        (
            "ADDRESS_BYTES",
            fusee_abi::ADDRESS_BYTES.to_string(),
            "bytes in an address",
        ),
        (
            "AMOUNT_BYTES",
            fusee_abi::AMOUNT_BYTES.to_string(),
            "bytes in an amount (`u128`, little-endian)",
        ),
        (
            "CALL_OPTIONS_BYTES",
            fusee_abi::CALL_OPTIONS_BYTES.to_string(),
            "bytes in the options of `call`",
        ),
        (
            "ALL_GAS",
            fusee_abi::ALL_GAS.to_string(),
            "the gas limit that asks for all that may be forwarded",
        ),
    ];
    let mut text = "\n## Constants\n\n| name | value | meaning |\n|---|---|---|\n".to_owned();
    for (name, value, meaning) in rows {
        line(
            &mut text,
            format_args!("| `{name}` | {value} | {meaning} |"),
        );
    }
    text
}

fn statuses() -> String {
    let mut text = "\n## Statuses\n\n| name | value | meaning |\n|---|---:|---|\n".to_owned();
    for status in fusee_abi::status::STATUSES {
        let (name, code, meaning) = (status.name, status.code, status.doc.trim());
        line(&mut text, format_args!("| `{name}` | {code} | {meaning} |"));
    }
    text
}

fn overview(syscalls: &[Syscall], rules: &Rules) -> String {
    format!("\n## Table\n\n{}", table(syscalls, rules))
}

/// The rows that the rules list.
fn table(syscalls: &[Syscall], rules: &Rules) -> String {
    let mut text = String::new();
    text.push_str("| number | name | on the wire | may suspend | base | per byte |\n|---:|---|---|---|---:|---:|\n");
    for syscall in syscalls {
        let Syscall { number, name, .. } = syscall;
        let Some(SyscallPrice { base, each, .. }) = rules.prices().price(*number) else {
            continue;
        };
        let (wire, suspends) = (wire_signature(syscall), suspends(syscall.reply_mode));
        let (base, byte) = (base.units(), each.units());
        line(
            &mut text,
            format_args!(
                "| {number} | [`{name}`](#{name}) | `{wire}` | {suspends} | {base} | {byte} |"
            ),
        );
    }
    text
}

fn section(syscall: &Syscall) -> String {
    let mut text = format!("\n## {}\n\n", syscall.name);
    line(
        &mut text,
        format_args!("```rust,ignore\nfn {}\n```\n", signature(syscall)),
    );
    for sentence in syscall.doc.lines() {
        line(&mut text, format_args!("{}", sentence.trim()));
    }
    text
}

/// The signature in the words of the table, as in
/// `storage_remove(key: In, key_length: Len) -> Status`.
fn signature(syscall: &Syscall) -> String {
    let params: Vec<String> = syscall
        .params
        .iter()
        .map(|param| format!("{}: {}", param.name, param.rust_type))
        .collect();
    let result = match syscall.result {
        Some(_) => format!(" -> {}", syscall.rust_result),
        None => String::new(),
    };
    format!("{}({}){result}", syscall.name, params.join(", "))
}

/// The signature as wasm sees it, as in `(i32, i32) -> i32`.
fn wire_signature(syscall: &Syscall) -> String {
    let params: Vec<&str> = syscall
        .params
        .iter()
        .filter_map(|param| param.wire)
        .map(wire_name)
        .collect();
    let result = match syscall.result {
        Some(wire) => format!(" -> {}", wire_name(wire)),
        None => String::new(),
    };
    format!("({}){result}", params.join(", "))
}

fn wire_name(wire: Wire) -> &'static str {
    match wire {
        Wire::I32 => "i32",
        Wire::I64 => "i64",
    }
}

fn suspends(reply_mode: ReplyMode) -> &'static str {
    match reply_mode {
        ReplyMode::Inline => "-",
        ReplyMode::MaySuspend => "yes",
    }
}

#[cfg(test)]
mod tests;
