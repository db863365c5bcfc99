/*
 * Tries, one after the other and each in a process of its own, what a sandbox must not let a
 * function do, and prints for each `name result`: `allowed`, the name of the errno, or the signal
 * that ended the attempt. Nothing it tries would harm the machine where it is allowed. The same
 * program, run with more privileges, shows that it can tell.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PID1 1
#define WRONG_MAGIC 0
#define SECONDS_MAX 5

static char page[4096];

/* Arguments that the kernel can only refuse once it has decided that we may. */
static long unless(int error, long result) {
  return result < 0 && errno == error ? 0 : result;
}

static long opened(const char *path, int flags) {
  int fd = open(path, flags);
  if (fd < 0) return -1;
  return flags == O_RDONLY ? read(fd, page, sizeof page) : 0;
}

static long namespaced(long flags) {
  long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  return pid;
}

static long joined(void) {
  int fd = open("/proc/self/ns/uts", O_RDONLY);
  return fd < 0 ? -1 : setns(fd, CLONE_NEWUTS);
}

static long traced_child(void) {
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  long result = ptrace(PTRACE_SEIZE, child, 0, 0);
  int error = errno;
  kill(child, SIGKILL);
  errno = error;
  return result;
}

static long own_memory(int writes) {
  char from[8] = "a", to[8] = "b";
  struct iovec local = {from, 8}, remote = {to, 8};
  long number = writes ? SYS_process_vm_writev : SYS_process_vm_readv;
  return syscall(number, getpid(), &local, 1L, &remote, 1L, 0L);
}

static long fifo_then_device(void) {
  unlink("/tmp/device");
  return mknod("/tmp/device", S_IFBLK | 0600, makedev(7, 0));
}

static long perf_event(void) {
  struct perf_event_attr attr = {.size = sizeof attr, .type = PERF_TYPE_SOFTWARE};
  attr.config = PERF_COUNT_SW_CPU_CLOCK;
  return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static long by_handle(void) {
  struct { unsigned bytes; int type; unsigned char handle[128]; } found = {.bytes = 128};
  int mount;
  return syscall(SYS_name_to_handle_at, AT_FDCWD, "/tmp", &found, &mount, 0);
}

static long compat_call(void) {
#ifdef __x86_64__
  long result = 20; /* getpid by its 32-bit number */
  __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
  return result;
#else
  errno = ENOSYS;
  return -1;
#endif
}

#define PROBE(name, attempt) \
  if (!only || !strcmp(only, name)) { \
    pid_t child = fork(); \
    if (child == 0) { \
      unshare(CLONE_NEWNS); /* where it may, so that one attempt cannot spoil the next */ \
      errno = 0; \
      alarm(SECONDS_MAX); \
      long result = (long)(attempt); \
      puts(result < 0 ? strerrorname_np(errno) : "allowed"); \
      fflush(stdout); \
      _exit(0); \
    } \
    int status; \
    waitpid(child, &status, 0); \
    if (WIFSIGNALED(status)) puts(strsignal(WTERMSIG(status))); \
  }
#define TRY(name, attempt) \
  if (!only || !strcmp(only, name)) printf("%s ", name), fflush(stdout); \
  PROBE(name, attempt)

static void namespaces(const char *only) {
  TRY("unshare-user", unshare(CLONE_NEWUSER))
  TRY("unshare-mount", unshare(CLONE_NEWNS))
  TRY("unshare-network", unshare(CLONE_NEWNET))
  TRY("clone-user", namespaced(CLONE_NEWUSER))
  TRY("clone-network", namespaced(CLONE_NEWNET))
  TRY("clone3", syscall(SYS_clone3, 0, 0))
  TRY("setns", joined())
  TRY("sethostname", sethostname("other", 5))
}

static void mounts(const char *only) {
  TRY("mount", mount("none", "/tmp", "tmpfs", 0, 0))
  TRY("remount", mount(0, "/", 0, MS_REMOUNT | MS_BIND, 0))
  TRY("umount", umount2("/proc", MNT_DETACH))
  TRY("pivot_root", unless(EINVAL, syscall(SYS_pivot_root, "/tmp", "/tmp")))
  TRY("chroot", chroot("/tmp"))
  TRY("fsopen", syscall(SYS_fsopen, "tmpfs", 0))
  TRY("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1))
  TRY("name_to_handle_at", by_handle())
  TRY("mknod-device", fifo_then_device())
  TRY("swapon", unless(ENOENT, swapon("/nothing", 0)))
}

static void kernel(const char *only) {
  char parameters[256] = {0};
  TRY("io_uring_setup", syscall(SYS_io_uring_setup, 8, parameters))
  TRY("bpf", syscall(SYS_bpf, 0, (uint32_t[32]){2, 4, 4, 1}, 128))
  TRY("perf_event_open", perf_event())
  TRY("userfaultfd", syscall(SYS_userfaultfd, 1))
  TRY("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1))
  TRY("add_key", syscall(SYS_add_key, "user", "hearth", "x", 1, KEY_SPEC_PROCESS_KEYRING))
  TRY("kexec_load", unless(EINVAL, syscall(SYS_kexec_load, 0, 99, 0, 0)))
  TRY("init_module", unless(ENOEXEC, syscall(SYS_init_module, page, 1, "")))
  TRY("reboot", unless(EINVAL, syscall(SYS_reboot, WRONG_MAGIC, 0, 0, 0)))
  TRY("syslog", syscall(SYS_syslog, 3, page, sizeof page))
  TRY("settimeofday", settimeofday(0, &(struct timezone){0, 0}))
  TRY("iopl", iopl(3))
  TRY("int-0x80", compat_call())
}

static void processes(const char *only) {
  TRY("ptrace-init", ptrace(PTRACE_SEIZE, PID1, 0, 0))
  TRY("ptrace-child", traced_child())
  TRY("process_vm_readv", own_memory(0))
  TRY("process_vm_writev", own_memory(1))
  TRY("init-environ", opened("/proc/1/environ", O_RDONLY))
  TRY("init-memory", opened("/proc/1/mem", O_RDWR))
  TRY("init-maps", opened("/proc/1/maps", O_RDONLY))
  TRY("setuid", setuid(0))
  TRY("setgid", setgid(0))
  TRY("setgroups", setgroups(1, (gid_t[]){0}))
}

static void sockets(const char *only) {
  TRY("raw", socket(AF_INET, SOCK_RAW, 1))
  TRY("packet", socket(AF_PACKET, SOCK_RAW, 0))
  TRY("vsock", socket(AF_VSOCK, SOCK_STREAM, 0))
  TRY("alg", socket(AF_ALG, SOCK_SEQPACKET, 0))
  TRY("key", socket(AF_KEY, SOCK_RAW, 2))
  TRY("netlink-uevent", socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT))
  TRY("netlink-route", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE))
  TRY("unix", socket(AF_UNIX, SOCK_STREAM, 0))
  TRY("tcp", socket(AF_INET, SOCK_STREAM, 0))
}

static void files(const char *only) {
  TRY("sysrq", opened("/proc/sysrq-trigger", O_WRONLY))
  TRY("kcore", opened("/proc/kcore", O_RDONLY))
  TRY("kmsg", opened("/dev/kmsg", O_RDONLY | O_NONBLOCK))
  TRY("mem", opened("/dev/mem", O_RDWR))
  TRY("core-pattern", opened("/proc/sys/kernel/core_pattern", O_WRONLY))
  TRY("ip-forward", opened("/proc/sys/net/ipv4/ip_forward", O_WRONLY))
  TRY("cgroup", mkdir("/sys/fs/cgroup/memory/hearth-probe", 0755))
}

int main(int count, char **names) {
  const char *only = count > 1 ? names[1] : NULL;
  namespaces(only);
  mounts(only);
  kernel(only);
  processes(only);
  sockets(only);
  files(only);
  return 0;
}
