// What a program tells its linker: which functions it exports, and which it imports by name.
//
// For PolkaVM, both are told in sections that the linker reads and leaves out: a description of each function, and for an export
// where it is. An import is a function of one instruction that the processor does not have; what follows it in the code is
// where its description is.

typedef unsigned char u8;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

#ifdef __wasm__

// EXPORT(function, arguments, results), of a function that is defined. The linker exports it by name.
#define EXPORT(function, arguments, results)

// IMPORT(function, arguments, results), of a function that is declared.
#define IMPORT(function, arguments, results)                                                                           \
    extern __typeof__(function) function __attribute__((import_module("fusee"), import_name(#function)));

#else

struct __attribute__((packed)) described {
    u8 version;
    u32 flags;
    u32 name_bytes;
    const char *name;
    u8 arguments;
    u8 results;
};

#define DESCRIBE(kind, function, arguments, results)                                                                   \
    __attribute__((used, section(".polkavm_metadata"))) struct described kind##_##function = {                         \
        1, 0, sizeof(#function) - 1, #function, arguments, results};

// EXPORT(function, arguments, results), of a function that is defined.
#define EXPORT(function, arguments, results)                                                                           \
    DESCRIBE(export, function, arguments, results)                                                                     \
    __asm__(".pushsection .polkavm_exports, \"Ra\", @note\n"                                                           \
            ".byte 1\n"                                                                                                \
            ".quad export_" #function "\n"                                                                             \
            ".quad " #function "\n"                                                                                    \
            ".popsection\n");

// IMPORT(function, arguments, results), of a function that is declared.
#define IMPORT(function, arguments, results)                                                                           \
    DESCRIBE(import, function, arguments, results)                                                                     \
    __asm__(".pushsection .text.import_" #function ", \"ax\", @progbits\n"                                             \
            ".globl " #function "\n"                                                                                   \
            ".type " #function ", @function\n" #function ":\n"                                                         \
            ".word 0x0000000b\n"                                                                                       \
            ".quad import_" #function "\n"                                                                             \
            "ret\n"                                                                                                    \
            ".popsection\n");

#endif
