/*
 * hearth-init: the first process of every sandbox. It starts the runtime that the scheduler names,
 * gives it the scheduler's log socket as its output, tells how it ended, reaps every orphan, and
 * ends the sandbox when the scheduler is gone. The protocol is in images/README.md. The Runtime API
 * over TCP is runtime-proxy.c's.
 *
 * It runs beside hostile code under the same user, so it keeps no secret after it has passed it
 * on, cannot be traced, and treats nothing that the runtime does as a reason to fail.
 */
#define _GNU_SOURCE
#include "runtime-proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DIRECTORY "/run/hearth"
#define FRAME_MAX (1024 * 1024)
#define ORPHANED_MS 10000
#define EXEC_FAILED 127
#define FIXED_FIELDS 3
#define TELL_MAX 512
#define PATH_BYTES_MAX 400

static int control = -1;
static pid_t runtime = -1;
/* When the scheduler last said that it lives; 0 until it has said so once. */
static long long heard_at;
/* Where a runtime that cannot be started says why; closed by the one that is started. */
static int excuse = -1;
static char frame[FRAME_MAX + 1];
static size_t filled;

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void die(const char *sentence) {
  dprintf(2, "hearth-init: %s\n", sentence);
  kill(-1, SIGKILL);
  _exit(1);
}

static int dial(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, DIRECTORY "/%s", name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

/* A scheduler that went away is seen by poll; a failed write needs no second alarm. */
static void tell(const char *payload) {
  uint32_t length = (uint32_t)strlen(payload);
  char bytes[4 + TELL_MAX];
  if (length > TELL_MAX) return;
  memcpy(bytes, &length, 4);
  memcpy(bytes + 4, payload, length);
  for (size_t sent = 0; sent < 4 + length;) {
    ssize_t n = send(control, bytes + sent, 4 + length - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    sent += (size_t)n;
  }
}

/* The first of the files that has the field; a file with a bare number has the field "". */
static long long read_number(const char *path, const char *field) {
  char text[4096];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return -1;
  text[n] = 0;
  if (!*field) return atoll(text);
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    size_t length = strlen(field);
    if (strncmp(line, field, length) == 0 && line[length] == ' ') return atoll(line + length + 1);
  }
  return -1;
}

/* Version 2 of the control groups first, then version 1. Kernels before 5.19 keep no peak in
   version 2; what is used now stands for it: the scheduler keeps the most that it has heard. */
static long long memory_peak(void) {
  long long peak = read_number("/sys/fs/cgroup/memory.peak", "");
  if (peak < 0) peak = read_number("/sys/fs/cgroup/memory/memory.max_usage_in_bytes", "");
  if (peak < 0) peak = read_number("/sys/fs/cgroup/memory.current", "");
  return peak < 0 ? 0 : peak;
}

static long long memory_kills(void) {
  long long kills = read_number("/sys/fs/cgroup/memory.events", "oom_kill");
  if (kills < 0) kills = read_number("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill");
  return kills < 0 ? 0 : kills;
}

/* What a runtime that could not be started has left; `failure.path` is empty if there is none. */
static struct failure {
  char stage[8];
  int error;
  char path[PATH_BYTES_MAX];
} failure;

static void ended(int status) {
  char text[TELL_MAX];
  int by_signal = WIFSIGNALED(status);
  int has_started = read(excuse, &failure, sizeof failure) != (ssize_t)sizeof failure;
  close(excuse);
  excuse = runtime = -1;
  if (has_started)
    snprintf(text, sizeof text, "X%s %d oom %lld", by_signal ? "signal" : "exit",
             by_signal ? WTERMSIG(status) : WEXITSTATUS(status), memory_kills());
  else
    snprintf(text, sizeof text, "X%s %d oom %lld %s", failure.stage, failure.error,
             memory_kills(), failure.path);
  tell(text);
}

static void reap(void) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == runtime) ended(status);
  }
}

/* As process 1 we are spared by kill(-1); everybody else goes, and is waited for. */
static void kill_all(void) {
  int status;
  kill(-1, SIGKILL);
  for (pid_t pid; (pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR;) {
    if (pid > 0 && pid == runtime) ended(status);
    kill(-1, SIGKILL);
  }
}

/* Says why the runtime cannot be started, and ends in its place. */
static void give_up(int to, const char *stage, int error, const char *path) {
  snprintf(failure.stage, sizeof failure.stage, "%s", stage);
  snprintf(failure.path, sizeof failure.path, "%s", path);
  failure.error = error;
  if (write(to, &failure, sizeof failure) < 0) dprintf(2, "hearth-init: cannot start %s\n", path);
  _exit(EXEC_FAILED);
}

/*
 * A name with a slash is a path. Any other is looked for in the folders of `search`, in their
 * order; unlike execvp this never takes a file that is no program for a shell script.
 */
static void execute(int to, char **arguments, char **environment, const char *search) {
  static char path[PATH_BYTES_MAX];
  char *name = arguments[0];
  if (strchr(name, '/')) {
    execve(name, arguments, environment);
    give_up(to, "exec", errno, name);
  }
  for (const char *at = search; *at;) {
    size_t length = strcspn(at, ":");
    struct stat found;
    snprintf(path, sizeof path, "%.*s/%s", (int)length, at, name);
    if (stat(path, &found) == 0 && !S_ISDIR(found.st_mode)) {
      arguments[0] = path;
      execve(path, arguments, environment);
      give_up(to, "exec", errno, path);
    }
    at += length + (at[length] == ':');
  }
  give_up(to, "find", ENOENT, name);
}

static void become_runtime(int to, char **field, char **arguments, char **environment) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setsid();
  int log = dial("log.sock");
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0) dup2(nothing, 0);
  if (log >= 0) {
    dup2(log, 1);
    dup2(log, 2);
  }
  if (nothing > 2) close(nothing);
  if (chdir(field[0]) != 0) give_up(to, "chdir", errno, field[0]);
  execute(to, arguments, environment, field[1]);
}

static void launch(char **field, char **arguments, char **environment) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) die("there are no files left to start a runtime");
  pid_t pid = fork();
  if (pid == 0) become_runtime(ends[1], field, arguments, environment);
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return tell("Xexit 127 oom 0");
  }
  runtime = pid;
  excuse = ends[0];
}

/* The fields of an S frame, each ended by NUL: directory, search, count, arguments, environment. */
static void start(char *body, size_t length) {
  size_t fields = 0;
  if (length == 0 || body[length - 1] != 0) return;
  for (size_t i = 0; i < length; i++) fields += body[i] == 0;
  char **field = calloc(fields + 2, sizeof *field);
  if (!field) die("out of memory while it read a start frame");
  char *at = body;
  for (size_t i = 0; i < fields; i++, at += strlen(at) + 1) field[i] = at;
  size_t count = fields > FIXED_FIELDS ? (size_t)atoll(field[2]) : 0;
  if (count >= 1 && count <= fields - FIXED_FIELDS) {
    kill_all();
    /* The arguments need their own end, so the environment moves one place up. */
    char **arguments = field + FIXED_FIELDS;
    char **environment = arguments + count + 1;
    memmove(environment, environment - 1, (fields - FIXED_FIELDS - count) * sizeof *field);
    arguments[count] = NULL;
    launch(field, arguments, environment);
  }
  free(field);
  explicit_bzero(body, length);
}

static void obey(char *payload, size_t length) {
  if (length == 0) return;
  if (payload[0] == 'S') start(payload + 1, length - 1);
  if (payload[0] == 'A') heard_at = now_ms();
  if (payload[0] == 'K') kill_all();
  if (payload[0] == 'M') {
    char text[64];
    snprintf(text, sizeof text, "M%lld", memory_peak());
    tell(text);
  }
}

/* Returns 0 when the scheduler has gone. */
static int hear(void) {
  ssize_t n = recv(control, frame + filled, FRAME_MAX - filled, 0);
  if (n < 0 && errno == EINTR) return 1;
  if (n <= 0) return 0;
  filled += (size_t)n;
  for (uint32_t length; filled >= 4;) {
    memcpy(&length, frame, 4);
    if (length > FRAME_MAX - 4) die("the scheduler sent a frame that is too long");
    if (filled < 4 + (size_t)length) return 1;
    obey(frame + 4, length);
    filled -= 4 + (size_t)length;
    memmove(frame, frame + 4 + length, filled);
  }
  return 1;
}

int main(void) {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGINT);
  sigprocmask(SIG_BLOCK, &watched, NULL);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  int signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  control = dial("control.sock");
  if (signals < 0 || control < 0) die("no scheduler listens at " DIRECTORY "/control.sock");
  proxy_listen();
  tell("R");
  long long lost_at = 0;
  struct pollfd fds[2 + PROXY_FDS];
  for (;;) {
    fds[0] = (struct pollfd){.fd = signals, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = lost_at ? -1 : control, .events = POLLIN};
    proxy_watch(fds + 2);
    long long since = lost_at ? lost_at : heard_at;
    long long left = since + ORPHANED_MS - now_ms();
    int wait = since ? (left > 0 ? (int)left : 0) : -1;
    if (poll(fds, 2 + PROXY_FDS, wait) < 0) continue;
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
      if (info.ssi_signo == SIGCHLD) continue;
      kill_all();
      return 0;
    }
    proxy_serve(fds + 2);
    reap();
    /* Whoever was frozen first reads what was said meanwhile. */
    if (fds[1].revents) {
      if (!hear()) lost_at = now_ms();
    } else if (since && now_ms() - since >= ORPHANED_MS && poll(&fds[1], 1, 0) <= 0) {
      break;
    }
  }
  kill_all();
  return 0;
}
