/* A library for LD_PRELOAD that records what a process does to the files below one folder, and
 * makes one of these operations fail. It knows the calls that the store and its database make. The
 * clock that the process reads jumps.
 *
 * FUSEE_DISK_ROOT   the folder, an absolute path
 * FUSEE_DISK_TRACE  the file of the record, outside of the folder
 * FUSEE_DISK_FAULT  the number of the operation that fails, from 1 on, and how: e, an error; f, a
 *                   full disk; s, a short write; k, the process is killed before it. E and F: so do
 *                   all later operations.
 *
 * An entry of the record: kind, 1 byte; whether it failed, 1; inode, 8; offset or length, 8; length
 * of the path, 4; of the data, 4; path, relative to the folder; data. Numbers are little-endian.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PATH 4096

static char root[PATH];
static size_t root_length;
static int trace = -1;
static long fault_at, operations;
static char fault_kind;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("FUSEE_DISK_ROOT"), *file = getenv("FUSEE_DISK_TRACE");
    const char *fault = getenv("FUSEE_DISK_FAULT");
    if (!folder || !file || strlen(folder) >= PATH) return;
    strcpy(root, folder);
    root_length = strlen(root);
    if (fault) fault_at = strtol(fault, (char **)&fault, 10), fault_kind = *fault;
    trace = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

/* The path relative to the folder, or NULL if it is neither the folder nor below it. */
static const char *below(const char *path) {
    if (trace < 0 || strncmp(path, root, root_length)) return NULL;
    path += root_length;
    return *path == 0 ? path : *path == '/' ? path + 1 : NULL;
}

static const char *path_at(int folder, const char *path, char *buffer) {
    if (path[0] == '/') return below(path);
    if (folder == AT_FDCWD) return NULL;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, PATH - 1);
    if (length < 0 || length + strlen(path) + 2 > PATH) return NULL;
    buffer[length] = '/';
    strcpy(buffer + length + 1, path);
    return below(buffer);
}

/* The number of an open file of the folder, or 0. */
static uint64_t inode_of(int file) {
    char link[64], path[PATH];
    struct stat stat;
    if (trace < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return below(path) && fstat(file, &stat) == 0 ? stat.st_ino : 0;
}

static void record(char kind, int failed, uint64_t inode, uint64_t offset, const char *path,
                   const void *data, uint32_t data_length) {
    uint32_t path_length = path ? strlen(path) : 0;
    size_t length = 26 + (size_t)path_length + data_length, done = 0;
    char *entry = malloc(length);
    entry[0] = kind, entry[1] = failed;
    memcpy(entry + 2, &inode, 8), memcpy(entry + 10, &offset, 8);
    memcpy(entry + 18, &path_length, 4), memcpy(entry + 22, &data_length, 4);
    if (path) memcpy(entry + 26, path, path_length);
    if (data_length) memcpy(entry + 26 + path_length, data, data_length);
    while (done < length) {
        long written = syscall(SYS_write, trace, entry + done, length - done);
        if (written < 0) abort();
        done += written;
    }
    free(entry);
}

/* Counts an operation. Returns its fault, or 0. */
static char fault(void) {
    int is_sticky = fault_kind == 'E' || fault_kind == 'F';
    operations++;
    if (!fault_at || operations < fault_at || (operations > fault_at && !is_sticky)) return 0;
    if (fault_kind == 'k') kill(getpid(), SIGKILL);
    return fault_kind | 32;
}

/* Whether a fault is one of an operation that is not a write. */
static int fails(char fault) {
    if (fault == 'e') errno = EIO;
    if (fault == 'f') errno = ENOSPC;
    return fault == 'e' || fault == 'f';
}

/* Ends an operation: lets others go on, and returns what the system has. */
static long end(long result) {
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    char buffer[PATH];
    const char *name = path_at(folder, path, buffer);
    if (!name) return syscall(SYS_openat, folder, path, flags, mode);
    pthread_mutex_lock(&lock);
    int is_new = syscall(SYS_faccessat, folder, path, F_OK) != 0;
    int creates = (is_new && (flags & O_CREAT)) || (!is_new && (flags & O_TRUNC));
    if (creates && fails(fault())) return end(-1);
    int file = syscall(SYS_openat, folder, path, flags, mode);
    if (file >= 0) {
        struct stat stat;
        int error = fstat(file, &stat);
        char kind = is_new ? 'c' : (flags & O_TRUNC) ? 'e' : 'o';
        if (!error) record(kind, 0, stat.st_ino, S_ISDIR(stat.st_mode), name, NULL, 0);
    }
    return end(file);
}

#define MODE(flags)                                     \
    mode_t mode = 0;                                    \
    if (flags & (O_CREAT | O_TMPFILE)) {                \
        va_list rest;                                   \
        va_start(rest, flags);                          \
        mode = va_arg(rest, mode_t);                    \
        va_end(rest);                                   \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return open_at(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return open_at(folder, path, flags, mode); }

/* At an offset, or where the file is if that is negative. */
static ssize_t write_at(int file, const void *data, size_t length, off_t offset) {
    uint64_t inode = inode_of(file);
    if (!inode) {
        if (file == 1 && trace >= 0) record('p', 0, 0, 0, NULL, data, length);
        return offset < 0 ? syscall(SYS_write, file, data, length)
                          : syscall(SYS_pwrite64, file, data, length, offset);
    }
    pthread_mutex_lock(&lock);
    char kind = fault();
    size_t some = kind && length > 1 ? 1 + (size_t)operations * 7919 % (length - 1) : length;
    off_t at = offset;
    if (offset < 0) {
        int flags = syscall(SYS_fcntl, file, F_GETFL);
        at = syscall(SYS_lseek, file, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
    }
    ssize_t written = offset < 0 ? syscall(SYS_write, file, data, some)
                                 : syscall(SYS_pwrite64, file, data, some, offset);
    if (written > 0) record('w', 0, inode, at, NULL, data, written);
    return end(fails(kind) ? -1 : written);
}

ssize_t write(int file, const void *data, size_t length) { return write_at(file, data, length, -1); }
ssize_t pwrite(int file, const void *data, size_t length, off_t offset) { return write_at(file, data, length, offset); }
ssize_t pwrite64(int file, const void *data, size_t length, off_t offset) { return write_at(file, data, length, offset); }

ssize_t writev(int file, const struct iovec *parts, int count) {
    size_t length = 0;
    for (int part = 0; part < count; part++) length += parts[part].iov_len;
    char *data = malloc(length + 1), *to = data;
    for (int part = 0; part < count; part++) {
        memcpy(to, parts[part].iov_base, parts[part].iov_len);
        to += parts[part].iov_len;
    }
    ssize_t written = write_at(file, data, length, -1);
    free(data);
    return written;
}

static int sync_by(long call, int file) {
    uint64_t inode = inode_of(file);
    if (!inode) return syscall(call, file);
    pthread_mutex_lock(&lock);
    int failed = fails(fault());
    record('s', failed, inode, 0, NULL, NULL, 0);
    /* The record has what is durable, so nothing needs to wait for the real disk. */
    return end(failed ? -1 : 0);
}

int fsync(int file) { return sync_by(SYS_fsync, file); }
int fdatasync(int file) { return sync_by(SYS_fdatasync, file); }

static int resize(int file, off_t length) {
    uint64_t inode = inode_of(file);
    if (!inode) return syscall(SYS_ftruncate, file, length);
    pthread_mutex_lock(&lock);
    if (fails(fault())) return end(-1);
    int failed = syscall(SYS_ftruncate, file, length);
    if (!failed) record('t', 0, inode, length, NULL, NULL, 0);
    return end(failed);
}

int ftruncate(int file, off_t length) { return resize(file, length); }
int ftruncate64(int file, off_t length) { return resize(file, length); }

int rename(const char *from, const char *to) {
    const char *old = below(from), *new = below(to);
    if (!old || !new) return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_lock(&lock);
    if (fails(fault())) return end(-1);
    int failed = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (!failed) record('r', 0, 0, 0, old, new, strlen(new));
    return end(failed);
}

static int remove_at(int folder, const char *path, int flags) {
    char buffer[PATH];
    const char *name = path_at(folder, path, buffer);
    if (!name) return syscall(SYS_unlinkat, folder, path, flags);
    pthread_mutex_lock(&lock);
    if (fails(fault())) return end(-1);
    int failed = syscall(SYS_unlinkat, folder, path, flags);
    if (!failed) record('u', 0, 0, 0, name, NULL, 0);
    return end(failed);
}

int unlink(const char *path) { return remove_at(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return remove_at(AT_FDCWD, path, AT_REMOVEDIR); }
int unlinkat(int folder, const char *path, int flags) { return remove_at(folder, path, flags); }

int mkdir(const char *path, mode_t mode) {
    const char *name = below(path);
    if (!name) return syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    pthread_mutex_lock(&lock);
    if (fails(fault())) return end(-1);
    int failed = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    struct stat made;
    if (!failed && !stat(path, &made)) record('d', 0, made.st_ino, 0, name, NULL, 0);
    return end(failed);
}

/* The clock jumps to any time between 1970 and 2106 with each operation. */
int clock_gettime(clockid_t clock, struct timespec *time) {
    int failed = syscall(SYS_clock_gettime, clock, time);
    if (trace >= 0 && clock == CLOCK_REALTIME) time->tv_sec = (uint32_t)operations * 2654435761u;
    return failed;
}

/* Programs copy by reading and writing where these are not there. */
ssize_t copy_file_range(int a, off64_t *b, int c, off64_t *d, size_t e, unsigned f) {
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile64(int a, int b, off64_t *c, size_t d) {
    (void)a, (void)b, (void)c, (void)d;
    errno = ENOSYS;
    return -1;
}
