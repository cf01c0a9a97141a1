// Written by `cargo xtask syscalls` from the tables in crates/abi. Change those, not this file.
//
// The syscalls of contracts, for C: every function that a contract may import, the statuses that
// they return, and FUSEE_METHOD, which defines a method. docs/book/src/syscalls.md has the prices.
//
// The header serves both formats: WebAssembly (clang --target=wasm32) and PolkaVM (clang
// --target=riscv64-unknown-none-elf with the options of guests/build.sh, then polkavm-linker).
// A program imports the functions that it calls, and no others.
//
// A region of memory is a pointer and a length in bytes. A function that fills a buffer returns the
// full length, of which it has written what the capacity admits. An address has 32 bytes. An amount
// has 16 bytes, little-endian. Arguments, results and data of events are borsh: numbers are
// little-endian, as they are in the memory of a contract.
//
// The functions of nested VMs begin with fusee_vm_. A range is one number: the address in the low
// 32 bits, the length in the high 32 bits.
#ifndef FUSEE_H
#define FUSEE_H

#include <stdint.h>

#ifdef __wasm__

// FUSEE_METHOD(name) { .. }: a method of the contract, which takes its arguments from the input of
// the call (fusee_input_read) and returns by its output (fusee_output_write).
#define FUSEE_METHOD(method) __attribute__((export_name(#method))) void method(void)

#define FUSEE_IMPORT(module, import, function, arguments, results)                                 \
    extern __typeof__(function) function                                                           \
        __attribute__((import_module(module), import_name(import)));

#else

// For PolkaVM, imports and exports are described in sections that its linker reads and leaves out.
// An import is a function of one instruction that no processor has, followed by the place of its
// description.
struct __attribute__((packed)) fusee_described {
    uint8_t version;
    uint32_t flags;
    uint32_t name_bytes;
    const char *name;
    uint8_t arguments;
    uint8_t results;
};

#define FUSEE_DESCRIBE(symbol, named, arguments, results)                                          \
    __attribute__((used, section(".polkavm_metadata"))) static struct fusee_described symbol = {   \
        1, 0, sizeof(named) - 1, named, arguments, results};

#define FUSEE_METHOD(method)                                                                       \
    void method(void);                                                                             \
    FUSEE_DESCRIBE(fusee_export_##method, #method, 0, 0)                                           \
    __asm__(".pushsection .polkavm_exports, \"Ra\", @note\n"                                       \
            ".byte 1\n"                                                                            \
            ".quad fusee_export_" #method "\n"                                                     \
            ".quad " #method "\n"                                                                  \
            ".popsection\n");                                                                      \
    void method(void)

#define FUSEE_IMPORT(module, import, function, arguments, results)                                 \
    FUSEE_DESCRIBE(import_##function, import, arguments, results)                                  \
    __asm__(".pushsection .text.import_" #function ", \"ax\", @progbits\n"                         \
            ".weak " #function "\n"                                                                \
            ".type " #function ", @function\n" #function ":\n"                                     \
            ".word 0x0000000b\n"                                                                   \
            ".quad import_" #function "\n"                                                         \
            "ret\n"                                                                                \
            ".popsection\n");

#endif

// What compilers call by themselves to copy and clear structures, since there is no C library. A
// library that is linked takes their place.
#define FUSEE_MEMORY __attribute__((weak, no_builtin)) void *

FUSEE_MEMORY memcpy(void *to, const void *from, __SIZE_TYPE__ bytes) {
    for (__SIZE_TYPE__ at = 0; at < bytes; at++) {
        ((uint8_t *)to)[at] = ((const uint8_t *)from)[at];
    }
    return to;
}

FUSEE_MEMORY memmove(void *to, const void *from, __SIZE_TYPE__ bytes) {
    for (__SIZE_TYPE__ at = 0; at < bytes; at++) {
        __SIZE_TYPE__ place = (uintptr_t)to < (uintptr_t)from ? at : bytes - 1 - at;
        ((uint8_t *)to)[place] = ((const uint8_t *)from)[place];
    }
    return to;
}

FUSEE_MEMORY memset(void *to, int byte, __SIZE_TYPE__ bytes) {
    for (__SIZE_TYPE__ at = 0; at < bytes; at++) {
        ((uint8_t *)to)[at] = (uint8_t)byte;
    }
    return to;
}

__attribute__((weak, no_builtin)) int memcmp(
    const void *left, const void *right, __SIZE_TYPE__ bytes) {
    for (__SIZE_TYPE__ at = 0; at < bytes; at++) {
        uint8_t one = ((const uint8_t *)left)[at], other = ((const uint8_t *)right)[at];
        if (one != other) {
            return one < other ? -1 : 1;
        }
    }
    return 0;
}
