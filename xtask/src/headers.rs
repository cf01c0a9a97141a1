//! The declarations of the syscalls for contracts in C, AssemblyScript and Zig, from the tables in
//! `fusee-abi`.
//!
//! Each file declares every syscall, every function of nested VMs, the statuses and the sizes. What
//! a contract does not use costs it nothing: compilers import only what is called.

use fusee_abi::{Param, Syscall, reentrancy, status, virtualization::functions};

use crate::page::{Page, line};

pub(crate) const PAGES: [Page; 3] = [
    Page {
        path: "guests/c/fusee.h",
        command: "syscalls",
        text: || file(&C, fusee_abi::SYSCALLS, functions::FUNCTIONS),
    },
    Page {
        path: "guests/assemblyscript/fusee.ts",
        command: "syscalls",
        text: || file(&ASSEMBLYSCRIPT, fusee_abi::SYSCALLS, functions::FUNCTIONS),
    },
    Page {
        path: "guests/zig/fusee.zig",
        command: "syscalls",
        text: || file(&ZIG, fusee_abi::SYSCALLS, functions::FUNCTIONS),
    },
];

/// How a language declares what there is.
struct Language {
    /// The opening of the file.
    head: &'static str,
    /// How a line of documentation begins.
    comment: &'static str,
    /// A number below zero or of 32 bits, by its name.
    number: fn(&str, i64) -> String,
    /// The gas limit that asks for all gas.
    all_gas: &'static str,
    /// An imported function: its module, the name that the language gives it, and its row.
    function: fn(&str, &str, &Syscall) -> String,
    /// What ends the file.
    end: &'static str,
}

const C: Language = Language {
    head: include_str!("headers/head.h"),
    comment: "//",
    number: |name, value| match value {
        0.. => format!("#define FUSEE_{name} {value}"),
        _ => format!("#define FUSEE_{name} ({value})"),
    },
    all_gas: "#define FUSEE_ALL_GAS UINT64_MAX",
    function: |module, name, syscall| {
        let name = match module {
            functions::IMPORT_MODULE => format!("fusee_vm_{name}"),
            _ => format!("fusee_{name}"),
        };
        let params = list(syscall, |param, of_c| {
            let space = if of_c.ends_with('*') { "" } else { " " };
            format!("{of_c}{space}{}", param.name)
        });
        let params = if params.is_empty() {
            vec!["void".to_owned()]
        } else {
            params
        };
        let declared = wrapped(
            &format!("{} {name}(", types(syscall.rust_result)[0]),
            &params,
            [");", ");"],
        );
        let (count, results) = (syscall.params.len(), usize::from(syscall.result.is_some()));
        let import = syscall.name;
        let [module, import] = [module, import].map(|text| format!("\"{text}\""));
        let facts = [module, import, name, count.to_string(), results.to_string()];
        format!(
            "{declared}\n{}",
            wrapped("FUSEE_IMPORT(", &facts, [")", ")"])
        )
    },
    end: "\n#endif\n",
};

const ASSEMBLYSCRIPT: Language = Language {
    head: include_str!("headers/head.ts"),
    comment: "//",
    number: |name, value| format!("export const {name}: i32 = {value};"),
    all_gas: "export const ALL_GAS: u64 = u64.MAX_VALUE;",
    function: |module, name, syscall| {
        let name = match module {
            functions::IMPORT_MODULE => format!("vm_{name}"),
            _ => name.to_owned(),
        };
        let params = list(syscall, |param, _| {
            // A keyword of the language is no name there.
            let name = if param.name == "function" {
                "method"
            } else {
                param.name
            };
            format!("{name}: {}", types(param.rust_type)[1])
        });
        let result = format!("): {};", types(syscall.rust_result)[1]);
        let declared = wrapped(
            &format!("export declare function {name}("),
            &params,
            [&result, &format!(",\n{result}")],
        );
        let import = syscall.name;
        format!("// @ts-ignore: decorator\n@external(\"{module}\", \"{import}\")\n{declared}")
    },
    end: "",
};

const ZIG: Language = Language {
    head: include_str!("headers/head.zig"),
    comment: "///",
    number: |name, value| format!("pub const {name} = {value};"),
    all_gas: "pub const ALL_GAS: u64 = 0xffff_ffff_ffff_ffff;",
    function: |module, name, syscall| {
        let params = list(syscall, |param, _| {
            format!("{}: {}", param.name, types(param.rust_type)[2])
        });
        let result = format!(") {};", types(syscall.rust_result)[2]);
        let import = syscall.name;
        let opening = format!("pub extern \"{module}\" fn {import}(");
        let declared = wrapped(&opening, &params, [&result, &format!(",\n{result}")]);
        if name == import {
            declared
        } else {
            format!("{declared}\npub const vm_{name} = {import};")
        }
    },
    end: "",
};

/// Columns of a line.
const COLUMNS: usize = 100;

/// A type of the table in C, AssemblyScript and Zig.
fn types(of_table: &str) -> [&'static str; 3] {
    match of_table {
        "In" => ["const void *", "usize", "[*]const u8"],
        "Out" => ["void *", "usize", "[*]u8"],
        "Len" | "Id" | "Offset" => ["uint32_t", "u32", "u32"],
        "Status" => ["int32_t", "i32", "i32"],
        "u64" | "Range" => ["uint64_t", "u64", "u64"],
        "i64" | "Encoded" => ["int64_t", "i64", "i64"],
        "()" => ["void", "void", "void"],
        unknown => panic!("`{unknown}` is no type of the table: say what it is in each language"),
    }
}

fn list(syscall: &Syscall, written: impl Fn(&Param, &str) -> String) -> Vec<String> {
    let params = syscall.params.iter();
    params
        .map(|param| written(param, types(param.rust_type)[0]))
        .collect()
}

/// A call or declaration on one line, or with its arguments on lines below, and the end of either.
fn wrapped(opening: &str, arguments: &[String], ends: [&str; 2]) -> String {
    let [end, end_below] = ends;
    let whole = format!("{opening}{}{end}", arguments.join(", "));
    if whole.len() <= COLUMNS {
        return whole;
    }
    let mut lines = vec![String::from("   ")];
    for argument in arguments {
        match lines.last_mut() {
            Some(last) if last.len() + argument.len() + 3 <= COLUMNS => {
                *last += &format!(" {argument},")
            }
            _ => lines.push(format!("    {argument},")),
        }
    }
    let below = lines.join("\n");
    format!("{opening}\n{}{end_below}", below.trim_end_matches(','))
}

fn file(language: &Language, syscalls: &[Syscall], nested: &[Syscall]) -> String {
    let mut text = language.head.to_owned();
    let sizes = [
        (
            "ADDRESS_BYTES",
            fusee_abi::ADDRESS_BYTES,
            "Bytes in an address.",
        ),
        (
            "AMOUNT_BYTES",
            fusee_abi::AMOUNT_BYTES,
            "Bytes in an amount, little-endian.",
        ),
        (
            "CALL_OPTIONS_BYTES",
            fusee_abi::CALL_OPTIONS_BYTES,
            "Bytes in the options of `call`: the gas limit (8 bytes), and the value to send (16 bytes).",
        ),
        (
            "REENTRANCY_SELF",
            reentrancy::SELF,
            "For `set_reentrancy`: calls that the contract makes to itself.",
        ),
        (
            "REENTRANCY_READ_ONLY",
            reentrancy::READ_ONLY,
            "For `set_reentrancy`: read-only calls.",
        ),
        (
            "REENTRANCY_ANY",
            reentrancy::ANY,
            "For `set_reentrancy`: all calls.",
        ),
    ];
    let comment = language.comment;
    let mut number = |name: &str, value: i64, doc: &str| {
        let declared = (language.number)(name, value);
        line(&mut text, format_args!("\n{comment} {doc}\n{declared}"));
    };
    for (name, value, doc) in sizes {
        number(name, i64::from(value), doc);
    }
    for status in status::STATUSES {
        number(status.name, i64::from(status.code), status.doc.trim());
    }
    let all_gas = language.all_gas;
    line(
        &mut text,
        format_args!(
            "\n{comment} The gas limit that asks for all gas that may be forwarded.\n{all_gas}"
        ),
    );
    for syscall in syscalls {
        declare(&mut text, language, fusee_abi::IMPORT_MODULE, syscall);
    }
    for function in nested {
        declare(&mut text, language, functions::IMPORT_MODULE, function);
    }
    text.push_str(language.end);
    text
}

/// A function with its documentation.
fn declare(text: &mut String, language: &Language, module: &str, syscall: &Syscall) {
    text.push('\n');
    for sentence in syscall.doc.lines() {
        line(
            text,
            format_args!("{} {}", language.comment, sentence.trim()),
        );
    }
    let name = short(syscall.name);
    line(
        text,
        format_args!("{}", (language.function)(module, name, syscall)),
    );
}

/// The name of a function of nested VMs without what all of them have.
fn short(import: &str) -> &str {
    let name = import.strip_prefix("ext_virtualization_").unwrap_or(import);
    name.strip_suffix("_version_1").unwrap_or(name)
}

#[cfg(test)]
mod tests;
