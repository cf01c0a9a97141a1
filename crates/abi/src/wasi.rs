//! The functions of WASI preview 1, which programs of common toolchains import.
//!
//! A host need not admit them: rules list those that a program may import, with their prices. All
//! types are those of the wasm signature. Each function but `proc_exit` returns an error number of
//! WASI ([`errno`]), 0 for success.

/// The wasm module from which programs import the functions.
pub const IMPORT_MODULE: &str = "wasi_snapshot_preview1";

/// The lowest number. Lower numbers are free for other syscalls of the same program.
pub const FIRST: u32 = 2_000;

use crate::{In, Len, Out};

/// The number of an open file.
pub type Fd = u32;
/// The number of a clock: [`clock`].
pub type ClockId = u32;
/// A set of flags, or a kind of something.
pub type Flags = u32;
/// A time in nanoseconds, an offset in a file, or a set of rights.
pub type Long = u64;
/// A difference of offsets in a file.
pub type Delta = i64;
/// An error number: [`errno`].
pub type Errno = i32;

/// Whether this is the number of one of the functions.
#[must_use]
pub const fn is_function(number: u32) -> bool {
    FIRST <= number && number <= SOCK_SHUTDOWN
}

/// Error numbers, of which these are used.
pub mod errno {
    /// No error.
    pub const SUCCESS: u16 = 0;
    /// There is no such open file.
    pub const BADF: u16 = 8;
    /// An argument is not valid.
    pub const INVAL: u16 = 28;
    /// The function is not supported.
    pub const NOSYS: u16 = 52;
    /// The file has no position.
    pub const SPIPE: u16 = 70;
}

/// The clocks that there are.
pub mod clock {
    /// The time of the block.
    pub const REALTIME: u32 = 0;
    /// The same clock: it never goes back.
    pub const MONOTONIC: u32 = 1;
}

table! { $ FUNCTIONS from "wasi_snapshot_preview1", numbers from FIRST, stubs wasi_stubs;
    /// Writes the addresses of the arguments. There are none.
    0 ARGS_GET Inline
    fn args_get(addresses: Out, buffer: Out) -> Errno;

    /// Writes the number of arguments and their size in bytes: 0 and 0.
    1 ARGS_SIZES_GET Inline
    fn args_sizes_get(count: Out, bytes: Out) -> Errno;

    /// Writes the addresses of the environment's variables. There are none.
    2 ENVIRON_GET Inline
    fn environ_get(addresses: Out, buffer: Out) -> Errno;

    /// Writes the number of variables and their size in bytes: 0 and 0.
    3 ENVIRON_SIZES_GET Inline
    fn environ_sizes_get(count: Out, bytes: Out) -> Errno;

    /// Writes the resolution of a clock: a millisecond, in nanoseconds (`u64`). `INVAL` for clocks
    /// other than the two of [`clock`].
    4 CLOCK_RES_GET Inline
    fn clock_res_get(clock: ClockId, resolution: Out) -> Errno;

    /// Writes the time of a clock in nanoseconds (`u64`): the time of the block, and what the call
    /// has slept by `poll_oneoff`. `INVAL` for clocks other than the two of [`clock`].
    5 CLOCK_TIME_GET Inline
    fn clock_time_get(clock: ClockId, precision: Long, time: Out) -> Errno;

    /// Not supported: `NOSYS`.
    6 FD_ADVISE Inline
    fn fd_advise(fd: Fd, offset: Long, length: Long, advice: Flags) -> Errno;

    /// Not supported: `NOSYS`.
    7 FD_ALLOCATE Inline
    fn fd_allocate(fd: Fd, offset: Long, length: Long) -> Errno;

    /// Does nothing to the standard streams. `BADF` for others.
    8 FD_CLOSE Inline
    fn fd_close(fd: Fd) -> Errno;

    /// Not supported: `NOSYS`.
    9 FD_DATASYNC Inline
    fn fd_datasync(fd: Fd) -> Errno;

    /// Writes what a standard stream is (24 bytes): a character device that can be read (0) or
    /// written (1 and 2). `BADF` for others.
    10 FD_FDSTAT_GET Inline
    fn fd_fdstat_get(fd: Fd, stat: Out) -> Errno;

    /// Not supported: `NOSYS`.
    11 FD_FDSTAT_SET_FLAGS Inline
    fn fd_fdstat_set_flags(fd: Fd, flags: Flags) -> Errno;

    /// Not supported: `NOSYS`.
    12 FD_FDSTAT_SET_RIGHTS Inline
    fn fd_fdstat_set_rights(fd: Fd, rights: Long, inheriting: Long) -> Errno;

    /// Not supported: `NOSYS`.
    13 FD_FILESTAT_GET Inline
    fn fd_filestat_get(fd: Fd, stat: Out) -> Errno;

    /// Not supported: `NOSYS`.
    14 FD_FILESTAT_SET_SIZE Inline
    fn fd_filestat_set_size(fd: Fd, size: Long) -> Errno;

    /// Not supported: `NOSYS`.
    15 FD_FILESTAT_SET_TIMES Inline
    fn fd_filestat_set_times(fd: Fd, accessed: Long, modified: Long, flags: Flags) -> Errno;

    /// Not supported: `NOSYS`.
    16 FD_PREAD Inline
    fn fd_pread(fd: Fd, vectors: In, count: Len, offset: Long, read: Out) -> Errno;

    /// `BADF`: no folder is open.
    17 FD_PRESTAT_GET Inline
    fn fd_prestat_get(fd: Fd, stat: Out) -> Errno;

    /// `BADF`: no folder is open.
    18 FD_PRESTAT_DIR_NAME Inline
    fn fd_prestat_dir_name(fd: Fd, path: Out, length: Len) -> Errno;

    /// Not supported: `NOSYS`.
    19 FD_PWRITE Inline
    fn fd_pwrite(fd: Fd, vectors: In, count: Len, offset: Long, written: Out) -> Errno;

    /// Reads from standard input, which is at its end: writes that 0 bytes were read (`u32`).
    /// `BADF` for others.
    20 FD_READ Inline
    fn fd_read(fd: Fd, vectors: In, count: Len, read: Out) -> Errno;

    /// Not supported: `NOSYS`.
    21 FD_READDIR Inline
    fn fd_readdir(fd: Fd, buffer: Out, length: Len, cookie: Long, used: Out) -> Errno;

    /// Not supported: `NOSYS`.
    22 FD_RENUMBER Inline
    fn fd_renumber(from: Fd, to: Fd) -> Errno;

    /// `SPIPE` for the standard streams, which have no position. `BADF` for others.
    23 FD_SEEK Inline
    fn fd_seek(fd: Fd, offset: Delta, whence: Flags, position: Out) -> Errno;

    /// Not supported: `NOSYS`.
    24 FD_SYNC Inline
    fn fd_sync(fd: Fd) -> Errno;

    /// `SPIPE` for the standard streams, which have no position. `BADF` for others.
    25 FD_TELL Inline
    fn fd_tell(fd: Fd, position: Out) -> Errno;

    /// Writes vectors (each an address and a length, `u32`) to standard output (1) or standard
    /// error (2), which are the debug log. Writes how many bytes were taken (`u32`), which may be
    /// less than all. `INVAL` for more than 1,024 vectors, `BADF` for other files.
    26 FD_WRITE Inline
    fn fd_write(fd: Fd, vectors: In, count: Len, written: Out) -> Errno;

    /// Not supported: `NOSYS`.
    27 PATH_CREATE_DIRECTORY Inline
    fn path_create_directory(fd: Fd, path: In, length: Len) -> Errno;

    /// Not supported: `NOSYS`.
    28 PATH_FILESTAT_GET Inline
    fn path_filestat_get(fd: Fd, flags: Flags, path: In, length: Len, stat: Out) -> Errno;

    /// Not supported: `NOSYS`.
    29 PATH_FILESTAT_SET_TIMES Inline
    fn path_filestat_set_times(fd: Fd, lookup: Flags, path: In, length: Len, accessed: Long, modified: Long, flags: Flags) -> Errno;

    /// Not supported: `NOSYS`.
    30 PATH_LINK Inline
    fn path_link(from: Fd, lookup: Flags, path: In, length: Len, to: Fd, link: In, link_length: Len) -> Errno;

    /// Not supported: `NOSYS`.
    31 PATH_OPEN Inline
    fn path_open(fd: Fd, lookup: Flags, path: In, length: Len, how: Flags, rights: Long, inheriting: Long, flags: Flags, opened: Out) -> Errno;

    /// Not supported: `NOSYS`.
    32 PATH_READLINK Inline
    fn path_readlink(fd: Fd, path: In, length: Len, buffer: Out, capacity: Len, used: Out) -> Errno;

    /// Not supported: `NOSYS`.
    33 PATH_REMOVE_DIRECTORY Inline
    fn path_remove_directory(fd: Fd, path: In, length: Len) -> Errno;

    /// Not supported: `NOSYS`.
    34 PATH_RENAME Inline
    fn path_rename(from: Fd, path: In, length: Len, to: Fd, renamed: In, renamed_length: Len) -> Errno;

    /// Not supported: `NOSYS`.
    35 PATH_SYMLINK Inline
    fn path_symlink(target: In, target_length: Len, fd: Fd, path: In, length: Len) -> Errno;

    /// Not supported: `NOSYS`.
    36 PATH_UNLINK_FILE Inline
    fn path_unlink_file(fd: Fd, path: In, length: Len) -> Errno;

    /// Each subscription (48 bytes) has its event (32 bytes) at once. One to a clock advances the
    /// clocks of this call to its time, as if the call had slept. Writes the number of events
    /// (`u32`). `INVAL` for no subscription.
    37 POLL_ONEOFF Inline
    fn poll_oneoff(subscriptions: In, events: Out, count: Len, happened: Out) -> Errno;

    /// Ends the call: with success by the code 0, otherwise it reverts with a message that has the
    /// code.
    38 PROC_EXIT Inline
    fn proc_exit(code: u32) -> ();

    /// Not supported: `NOSYS`.
    39 PROC_RAISE Inline
    fn proc_raise(signal: Flags) -> Errno;

    /// Writes bytes that are the same on every node, and that anybody can compute: a hash of the
    /// chain's id, the height of the block, and of caller, contract, value and method, with a
    /// counter. They seed hash tables, and are no secret.
    40 RANDOM_GET Inline
    fn random_get(buffer: Out, length: Len) -> Errno;

    /// Does nothing.
    41 SCHED_YIELD Inline
    fn sched_yield() -> Errno;

    /// Not supported: `NOSYS`.
    42 SOCK_ACCEPT Inline
    fn sock_accept(fd: Fd, flags: Flags, accepted: Out) -> Errno;

    /// Not supported: `NOSYS`.
    43 SOCK_RECV Inline
    fn sock_recv(fd: Fd, vectors: In, count: Len, how: Flags, received: Out, flags: Out) -> Errno;

    /// Not supported: `NOSYS`.
    44 SOCK_SEND Inline
    fn sock_send(fd: Fd, vectors: In, count: Len, flags: Flags, sent: Out) -> Errno;

    /// Not supported: `NOSYS`.
    45 SOCK_SHUTDOWN Inline
    fn sock_shutdown(fd: Fd, how: Flags) -> Errno;
}
