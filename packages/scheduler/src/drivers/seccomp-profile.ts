// The system calls that a sandbox may make: Docker's own list, less what only serves to get out of
// a container or has kept serving that. What is not named here fails with EPERM, as it does for a
// process without the privilege. Pure; Docker takes the profile as JSON with every container.

/** Ordinary work of ordinary programs, by what it is about. */
const ALLOWED = `
  accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg
  sendmmsg sendmsg sendto setsockopt shutdown

  access chdir chmod chown creat faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat
  fchmodat2 fchown fchownat fdatasync flock fstat fstatfs fsync ftruncate futimesat getcwd getdents
  getdents64 lchown link linkat lseek lstat mkdir mkdirat mknod mknodat newfstatat open openat
  openat2 readahead readlink readlinkat rename renameat renameat2 rmdir stat statfs statx symlink
  symlinkat sync sync_file_range syncfs truncate umask unlink unlinkat utime utimensat utimes

  fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat
  llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat

  close close_range copy_file_range dup dup2 dup3 fcntl ioctl pipe pipe2 pread64 preadv preadv2
  pwrite64 pwritev pwritev2 read readv sendfile splice tee vmsplice write writev
  io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit

  epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2
  inotify_add_watch inotify_init inotify_init1 inotify_rm_watch poll ppoll pselect6 select
  signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime

  brk cachestat madvise map_shadow_stack membarrier memfd_create mincore mlock mlock2 mlockall mmap
  mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect

  arch_prctl capget capset execve execveat exit exit_group fork getegid geteuid getgid getgroups
  getpgid getpgrp getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid
  getuid kill pause pidfd_open pidfd_send_signal prctl prlimit64 set_tid_address setfsgid setfsuid
  setgid setgroups setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setuid
  sysinfo tgkill times tkill uname uretprobe vfork wait4 waitid
  landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp

  futex futex_requeue futex_wait futex_waitv futex_wake get_robust_list getcpu getrandom ioprio_get
  ioprio_set rseq sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
  sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr
  sched_setparam sched_setscheduler sched_yield set_robust_list

  restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
  rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack

  mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd
  semctl semget semop semtimedop shmat shmctl shmdt shmget

  adjtimex alarm clock_adjtime clock_getres clock_gettime clock_nanosleep getitimer gettimeofday
  nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime timer_settime
`

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
/** Name resolution asks for addresses and routes by it; other protocols reach into the kernel. */
const NETLINK_ROUTE = 0
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const NEW_NAMESPACES = 0x7e020000
/** Linux, 32-bit processes that call themselves 64-bit, no randomised addresses; or just asking. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff]
const ENOSYS = 38

interface Argument {
  index: number
  value: number
  valueTwo?: number
  op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ'
}

/** The profile in Docker's form. */
export function seccompProfile(): string {
  const socket = (...args: Argument[]) => allow(['socket'], args)
  return JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    // Without the 32-bit calls: among them is one that makes any kind of socket.
    archMap: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'].map((architecture) => ({
      architecture,
      subArchitectures: [],
    })),
    syscalls: [
      allow(ALLOWED.trim().split(/\s+/)),
      allow(
        ['clone'],
        [{ index: 0, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      ),
      // Its flags are behind a pointer, where no filter sees them; libraries fall back to clone.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
      ...[AF_UNIX, AF_INET, AF_INET6].map((family) => socket(equals(0, family))),
      socket(equals(0, AF_NETLINK), equals(2, NETLINK_ROUTE)),
      allow(['socketpair'], [equals(0, AF_UNIX)]),
      ...PERSONALITIES.map((personality) => allow(['personality'], [equals(0, personality)])),
    ],
  })
}

function allow(names: string[], args: Argument[] = []) {
  return { names, action: 'SCMP_ACT_ALLOW', ...(args.length > 0 && { args }) }
}

const equals = (index: number, value: number): Argument => ({ index, value, op: 'SCMP_CMP_EQ' })
