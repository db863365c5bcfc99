/*
 * hearth-extensions: what hearth-init starts in place of a runtime where a function has external
 * extensions. It starts the extensions and the runtime as the scheduler orders, tells how each
 * ended, and carries bytes both ways (relay.c): the extensions' requests to the scheduler, the
 * scheduler's telemetry to them. The protocol is in images/README.md.
 *
 * It runs beside hostile code under the same user, so it keeps no secret after it has passed it on
 * and cannot be traced; whoever kills it has ended its sandbox's runtime, and no more.
 */
#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAME_MAX (1024 * 1024)
#define FIXED_FIELDS 3
#define CHILDREN_MAX 16
#define NAME_MAX_BYTES 256
#define PATH_BYTES_MAX 400
#define TELL_MAX 1024
#define EXEC_FAILED 127

/* The extensions by name, and the runtime, whose name is empty. */
static struct child {
  pid_t pid;
  /* Where one that cannot be started says why; closed by the one that is started. */
  int excuse;
  char name[NAME_MAX_BYTES];
} children[CHILDREN_MAX];

/* Why a child could not be started, as it leaves it behind. */
struct failure {
  char stage[8];
  int error;
  char path[PATH_BYTES_MAX];
};

static int control = -1;
static char frame[FRAME_MAX + 1];
static size_t filled;

static void tell(const char *text, size_t size) {
  uint32_t length = (uint32_t)size;
  char bytes[4 + TELL_MAX];
  if (length > TELL_MAX) return;
  memcpy(bytes, &length, 4);
  memcpy(bytes + 4, text, length);
  for (size_t sent = 0; sent < 4 + length;) {
    ssize_t n = send(control, bytes + sent, 4 + length - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    sent += (size_t)n;
  }
}

/* How often the kernel has killed for memory in this sandbox: version 2 of its groups, or 1. */
static long long memory_kills(void) {
  const char *paths[] = {"/sys/fs/cgroup/memory.events",
                         "/sys/fs/cgroup/memory/memory.oom_control"};
  char text[4096];
  for (int i = 0; i < 2; i++) {
    int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    char *found = strstr(text, "oom_kill ");
    if (found) return atoll(found + strlen("oom_kill "));
  }
  return 0;
}

static void ended(struct child *child, int status) {
  struct failure failure;
  char text[TELL_MAX];
  int by_signal = WIFSIGNALED(status);
  int has_started = read(child->excuse, &failure, sizeof failure) != (ssize_t)sizeof failure;
  int head = snprintf(text, sizeof text, "X%s", child->name) + 1;
  int rest = has_started
                 ? snprintf(text + head, sizeof text - (size_t)head, "%s %d oom %lld",
                            by_signal ? "signal" : "exit",
                            by_signal ? WTERMSIG(status) : WEXITSTATUS(status), memory_kills())
                 : snprintf(text + head, sizeof text - (size_t)head, "%s %d oom %lld %s",
                            failure.stage, failure.error, memory_kills(), failure.path);
  close(child->excuse);
  child->pid = 0;
  tell(text, (size_t)(head + rest));
}

static void reap(void) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    for (int i = 0; i < CHILDREN_MAX; i++) {
      if (children[i].pid == pid) ended(&children[i], status);
    }
  }
}

static void give_up(int to, const char *stage, int error, const char *path) {
  struct failure failure = {.error = error};
  snprintf(failure.stage, sizeof failure.stage, "%s", stage);
  snprintf(failure.path, sizeof failure.path, "%s", path);
  if (write(to, &failure, sizeof failure) < 0) dprintf(2, "cannot start %s\n", path);
  _exit(EXEC_FAILED);
}

/* As hearth-init does: a name without a slash is looked for in the folders of `search`. */
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

/* An extension's lines are told apart from the runtime's, which go where they always go. */
static int open_log(const char *name) {
  char greeting[NAME_MAX_BYTES + 8];
  if (!*name) return dial("log.sock", "");
  snprintf(greeting, sizeof greeting, "log %s\n", name);
  return dial(EXTENSIONS_SOCKET, greeting);
}

static void become(const char *name, int to, char **field, char **arguments, char **environment) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setsid();
  int log = open_log(name);
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

static void launch(const char *name, char **field, char **arguments, char **environment) {
  struct child *child = NULL;
  int ends[2];
  for (int i = 0; i < CHILDREN_MAX && !child; i++) {
    if (!children[i].pid) child = &children[i];
  }
  if (!child || strlen(name) >= NAME_MAX_BYTES) return;
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) _exit(1);
  pid_t pid = fork();
  if (pid == 0) become(name, ends[1], field, arguments, environment);
  close(ends[1]);
  if (pid < 0) _exit(1);
  child->pid = pid;
  child->excuse = ends[0];
  strcpy(child->name, name);
}

/* The fields of a start, each ended by NUL: directory, search, count, arguments, environment. */
static void start(const char *name, char *body, size_t length) {
  size_t fields = 0;
  if (length == 0 || body[length - 1] != 0) return;
  for (size_t i = 0; i < length; i++) fields += body[i] == 0;
  char **field = calloc(fields + 2, sizeof *field);
  if (!field) _exit(1);
  char *at = body;
  for (size_t i = 0; i < fields; i++, at += strlen(at) + 1) field[i] = at;
  size_t count = fields > FIXED_FIELDS ? (size_t)atoll(field[2]) : 0;
  if (count >= 1 && count <= fields - FIXED_FIELDS) {
    /* The arguments need their own end, so the environment moves one place up. */
    char **arguments = field + FIXED_FIELDS;
    char **environment = arguments + count + 1;
    memmove(environment, environment - 1, (fields - FIXED_FIELDS - count) * sizeof *field);
    arguments[count] = NULL;
    launch(name, field, arguments, environment);
  }
  free(field);
  explicit_bzero(body, length);
}

/* Each child leads a group of its own, which holds what it has started itself. */
static void send_signal(const char *name, int number) {
  for (int i = 0; i < CHILDREN_MAX; i++) {
    if (children[i].pid && strcmp(children[i].name, name) == 0) kill(-children[i].pid, number);
  }
}

/* Every body ends with a NUL of the scheduler's, so that texts in it are texts. */
static void obey(char letter, char *body, size_t length) {
  if (length == 0 || body[length - 1] != 0) return;
  size_t name = strlen(body) + 1;
  if (letter == 'S') start(body, body + name, length - name);
  if (letter == 'T') send_signal(body, SIGTERM);
  if (letter == 'K') send_signal(body, SIGKILL);
  if (letter == 'D') relay_to_port(body);
}

/* Returns 0 when the scheduler has gone. */
static int hear(void) {
  ssize_t n = recv(control, frame + filled, FRAME_MAX - filled, 0);
  if (n < 0 && errno == EINTR) return 1;
  if (n <= 0) return 0;
  filled += (size_t)n;
  for (uint32_t length; filled >= 4;) {
    memcpy(&length, frame, 4);
    if (length == 0 || length > FRAME_MAX - 4) return 0;
    if (filled < 4 + (size_t)length) return 1;
    obey(frame[4], frame + 5, length - 1);
    filled -= 4 + (size_t)length;
    memmove(frame, frame + 4 + length, filled);
  }
  return 1;
}

int main(void) {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigprocmask(SIG_BLOCK, &watched, NULL);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  int signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  control = dial(EXTENSIONS_SOCKET, "control\n");
  int listener = relay_listen();
  if (signals < 0 || control < 0 || listener < 0) return 1;
  tell("R", 1);
  struct pollfd fds[3] = {
      {.fd = signals, .events = POLLIN},
      {.fd = control, .events = POLLIN},
      {.fd = listener, .events = POLLIN},
  };
  for (;;) {
    if (poll(fds, 3, -1) < 0) continue;
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
    }
    reap();
    if (fds[2].revents) relay_accept(listener);
    if (fds[1].revents && !hear()) return 0;
  }
}
