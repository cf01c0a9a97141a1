// Written by `cargo xtask syscalls` from the tables in crates/abi. Change those, not this file.
//
// The syscalls of contracts, for AssemblyScript: every function that a contract may import, and the
// statuses that they return. docs/book/src/syscalls.md has the prices. A program imports the
// functions that it calls, and no others.
//
// A region of memory is an address and a length in bytes. A function that fills a buffer returns
// the full length, of which it has written what the capacity admits. An address of an account has
// 32 bytes. An amount has 16 bytes, little-endian.
//
// The functions of nested VMs begin with vm_. A range is one number: the address in the low 32
// bits, the length in the high 32 bits.
