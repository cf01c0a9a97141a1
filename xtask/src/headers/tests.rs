//! Functions, in each language.

use fusee_abi::{Param, ReplyMode, Syscall, Wire};

use super::{ASSEMBLYSCRIPT, C, Language, ZIG, file};

const READ: Syscall = Syscall {
    number: 7,
    name: "read",
    params: &[
        Param {
            name: "key",
            rust_type: "In",
            wire: Some(Wire::I32),
        },
        Param {
            name: "buffer",
            rust_type: "Out",
            wire: Some(Wire::I32),
        },
        Param {
            name: "capacity",
            rust_type: "Len",
            wire: Some(Wire::I32),
        },
    ],
    result: Some(Wire::I32),
    rust_result: "Status",
    reply_mode: ReplyMode::Inline,
    doc: " Reads.\n At once.\n",
};

const STOP: Syscall = Syscall {
    name: "ext_virtualization_stop_version_1",
    params: &[],
    result: None,
    rust_result: "()",
    doc: " Stops.\n",
    ..READ
};

/// What the language declares of the two functions, behind head and constants.
fn declared(language: &Language) -> String {
    let text = file(language, &[READ], &[STOP]);
    let (_, functions) = text.split_once("may be forwarded.\n").unwrap();
    functions.split_once("\n\n").unwrap().1.to_owned()
}

#[test]
fn c_has_prototypes_and_imports_by_name_and_number_of_arguments() {
    assert_eq!(
        declared(&C),
        "\
// Reads.
// At once.
int32_t fusee_read(const void *key, void *buffer, uint32_t capacity);
FUSEE_IMPORT(\"fusee\", \"read\", fusee_read, 3, 1)

// Stops.
void fusee_vm_stop(void);
FUSEE_IMPORT(\"env\", \"ext_virtualization_stop_version_1\", fusee_vm_stop, 0, 0)

#endif
"
    );
}

#[test]
fn assemblyscript_has_external_functions() {
    assert_eq!(
        declared(&ASSEMBLYSCRIPT),
        "\
// Reads.
// At once.
// @ts-ignore: decorator
@external(\"fusee\", \"read\")
export declare function read(key: usize, buffer: usize, capacity: u32): i32;

// Stops.
// @ts-ignore: decorator
@external(\"env\", \"ext_virtualization_stop_version_1\")
export declare function vm_stop(): void;
"
    );
}

#[test]
fn zig_has_external_functions() {
    assert_eq!(
        declared(&ZIG),
        "\
/// Reads.
/// At once.
pub extern \"fusee\" fn read(key: [*]const u8, buffer: [*]u8, capacity: u32) i32;

/// Stops.
pub extern \"env\" fn ext_virtualization_stop_version_1() void;
pub const vm_stop = ext_virtualization_stop_version_1;
"
    );
}

#[test]
fn statuses_and_sizes_have_their_values_in_each_language() {
    for (language, absent, bytes) in [
        (
            &C,
            "#define FUSEE_ABSENT (-1)\n",
            "#define FUSEE_ADDRESS_BYTES 32\n",
        ),
        (
            &ASSEMBLYSCRIPT,
            "export const ABSENT: i32 = -1;\n",
            "export const ADDRESS_BYTES: i32 = 32;\n",
        ),
        (
            &ZIG,
            "pub const ABSENT = -1;\n",
            "pub const ADDRESS_BYTES = 32;\n",
        ),
    ] {
        let text = file(language, &[], &[]);
        assert!(text.contains(absent) && text.contains(bytes), "{text}");
    }
}
