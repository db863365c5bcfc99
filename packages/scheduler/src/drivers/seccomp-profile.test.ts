// The profile by what it must never allow, whatever else is added to it. That the kernel obeys it
// is e2e/isolation's affair.

import { expect, test } from 'vitest'
import { seccompProfile } from './seccomp-profile.ts'

interface Rule {
  names: string[]
  action: string
  args?: { index: number; value: number }[]
}

const profile = JSON.parse(seccompProfile()) as { defaultAction: string; syscalls: Rule[] }
const freely = profile.syscalls
  .filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && !args)
  .flatMap(({ names }) => names)

/** Ways out of a container, and calls with a history of them. */
const NEVER = [
  ...['io_uring_setup', 'io_uring_enter', 'io_uring_register', 'userfaultfd'],
  ...['keyctl', 'add_key', 'request_key', 'bpf', 'perf_event_open', 'kcmp', 'pidfd_getfd'],
  ...['ptrace', 'process_vm_readv', 'process_vm_writev', 'process_madvise'],
  ...['mount', 'umount2', 'pivot_root', 'chroot', 'fsopen', 'fsmount', 'fsconfig', 'fspick'],
  ...['move_mount', 'open_tree', 'mount_setattr', 'open_by_handle_at', 'name_to_handle_at'],
  ...['unshare', 'setns', 'clone', 'clone3', 'socket', 'socketcall', 'socketpair', 'personality'],
  ...['kexec_load', 'kexec_file_load', 'init_module', 'finit_module', 'delete_module', 'reboot'],
  ...['swapon', 'syslog', 'quotactl', 'acct', 'iopl', 'ioperm', 'modify_ldt', 'settimeofday'],
]

test('what is not named is refused, and what leads out is not named', () => {
  expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO')
  expect(freely.filter((name) => NEVER.includes(name))).toEqual([])
})

test('every call is named once', () => {
  expect(freely.length).toBeGreaterThan(250)
  expect(new Set(freely).size).toBe(freely.length)
})

test('only sockets of programs that talk to programs, and of name resolution', () => {
  const sockets = profile.syscalls.filter(({ names }) => names.includes('socket'))
  const families = sockets.map(({ args = [] }) => args.map(({ index, value }) => [index, value]))
  expect(families).toEqual([
    [[0, 1]],
    [[0, 2]],
    [[0, 10]],
    [
      [0, 16],
      [2, 0],
    ],
  ])
})
