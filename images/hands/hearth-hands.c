/*
 * hearth-hands: what a scheduler cannot do through Docker fast enough, or at all: put code and a
 * /tmp into a running sandbox, set its limits, freeze and thaw it. It dials the scheduler's socket,
 * moves to the engine's mount namespace, and obeys requests in order (images/README.md).
 *
 * It is root on the host. It believes only the scheduler, and even of it only names: every path is
 * walked without following links from the two directories told at hello. When the scheduler dies
 * it thaws what may be frozen, unmounts what it mounted, and ends.
 */
#define _GNU_SOURCE
#include "hands.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DIRECTORY "/run/hearth"
enum { FRAME_MAX = 8192, FIELDS_MAX = 8, STUCK_MS = 10000 };

static int control = -1, image = -1;
static struct sandbox sandboxes[SANDBOXES_MAX];
static size_t sandbox_count;
static char frame[4 + FRAME_MAX];
static size_t filled;

static void die(const char *sentence) {
  dprintf(2, "hearth-hands: %s: %s\n", sentence, strerror(errno));
  _exit(1);
}

long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The request's number, then `ok` or the errno's name. That nobody hears it, poll will notice. */
void answer(const char *request, int error) {
  char bytes[4 + 128];
  const char *name = error == 0 ? "ok" : strerrorname_np(error);
  int length = snprintf(bytes + 4, 128, "%s%c%s", request, 0, name ? name : "EIO") + 1;
  memcpy(bytes, &(uint32_t){(uint32_t)length}, 4);
  for (int sent = 0; sent < 4 + length;) {
    ssize_t n = send(control, bytes + sent, (size_t)(4 + length - sent), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    sent += (int)n;
  }
}

static int is_id(const char *id) {
  size_t length = strlen(id);
  return length > 0 && length <= ID_MAX && id[0] != '-' &&
         strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

struct sandbox *find_sandbox(const char *id, int make) {
  for (size_t i = 0; i < sandbox_count; i++) {
    if (strcmp(sandboxes[i].id, id) == 0) return &sandboxes[i];
  }
  if (!make || sandbox_count == SANDBOXES_MAX) return NULL;
  struct sandbox *fresh = &sandboxes[sandbox_count++];
  memset(fresh, 0, sizeof *fresh);
  strcpy(fresh->id, id);
  return fresh;
}

static void forget(const char *id) {
  struct sandbox *gone = find_sandbox(id, 0);
  if (gone && gone->freezing[0]) answer(gone->freezing, ENOENT);
  if (!gone) return;
  forget_limits(gone);
  *gone = sandboxes[--sandbox_count];
}

int enter_image(void) { return setns(image, CLONE_NEWNS); }

/* Who is at the other end: its mount namespace may hold copies of what an earlier life mounted. */
static pid_t scheduler(void) {
  struct ucred peer = {0};
  socklen_t size = sizeof peer;
  return getsockopt(control, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

static int hello(char **field) {
  int afresh = strcmp(field[0], "fresh") == 0;
  int error = open_mounts(field[1], field[2], afresh);
  if (!error && afresh && scheduler() > 0) sweep_in(scheduler(), field[3]);
  if (!error && afresh) sweep_limits();
  return error;
}

static int obey(const char *request, const char *verb, char **field, int count) {
  if (count == 4 && strcmp(verb, "hello") == 0) return hello(field);
  if (!mounts[0]) return EPROTO;
  if (count == 1 && strcmp(verb, "template") == 0) return make_template(request, field[0]);
  if (count < 1 || !is_id(field[0])) return EINVAL;
  if (count == 2 && strcmp(verb, "tmp") == 0) return give_tmp(field[0], field[1]);
  if (count == 2 && strcmp(verb, "code") == 0) return show_code(field[0], field[1]);
  if (count == 1 && strcmp(verb, "detach") == 0) {
    forget(field[0]);
    return detach(field[0]);
  }
  int adopts = count == 3 && strcmp(verb, "adopt") == 0;
  struct sandbox *sandbox = find_sandbox(field[0], adopts);
  if (!sandbox) return adopts ? ENOSPC : ENOENT;
  if (adopts) return adopt(sandbox, field[1], field[2]);
  if (count == 4 && strcmp(verb, "limit") == 0)
    return limit(sandbox, field[1], field[2], field[3]);
  if (count == 1 && strcmp(verb, "freeze") == 0) return freeze(sandbox, request);
  if (count == 1 && strcmp(verb, "thaw") == 0) return thaw(sandbox);
  return EINVAL;
}

/* Fields, each ended by NUL: the request's number, the verb, what the verb needs. */
static void read_request(char *body, size_t length) {
  char *field[FIELDS_MAX];
  int count = 0;
  if (length == 0 || body[length - 1] != 0) die("a request has no end");
  for (char *at = body; at < body + length; at += strlen(at) + 1) {
    if (count == FIELDS_MAX) die("a request has too many fields");
    field[count++] = at;
  }
  if (count < 2 || strlen(field[0]) > REQUEST_MAX) die("a request has no verb");
  int error = obey(field[0], field[1], field + 2, count - 2);
  if (error != LATER) answer(field[0], error);
}

/* Returns 0 when the scheduler has gone. */
static int hear(void) {
  ssize_t n = recv(control, frame + filled, sizeof frame - filled, 0);
  if (n < 0 && errno == EINTR) return 1;
  if (n <= 0) return 0;
  filled += (size_t)n;
  for (uint32_t length; filled >= 4;) {
    memcpy(&length, frame, 4);
    if (length > FRAME_MAX) die("a request is too long");
    if (filled < 4 + (size_t)length) return 1;
    read_request(frame + 4, length);
    filled -= 4 + (size_t)length;
    memmove(frame, frame + 4 + length, filled);
  }
  return 1;
}

static void dial(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, DIRECTORY "/%s", name);
  control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (control < 0 || connect(control, (struct sockaddr *)&address, sizeof address) != 0)
    die("no scheduler listens");
  /* One that reads nothing for this long is as good as dead. */
  struct timeval patience = {.tv_sec = STUCK_MS / 1000};
  setsockopt(control, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

/* Our parent is the engine's: where it is, paths mean what they mean to the engine. */
static void enter_engine(void) {
  char path[64];
  image = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", getppid());
  int engine = open(path, O_RDONLY | O_CLOEXEC);
  if (image < 0 || engine < 0 || setns(engine, CLONE_NEWNS) != 0)
    die("the engine's mounts cannot be reached");
  close(engine);
}

int main(int count, char **arguments) {
  if (count != 2 || strchr(arguments[1], '/')) die("it takes the name of a socket");
  dial(arguments[1]);
  enter_engine();
  for (;;) {
    int freezing = look_at_freezing(sandboxes, sandbox_count);
    int making = look_at_templates();
    int wait = freezing < 0 || (making >= 0 && making < freezing) ? making : freezing;
    struct pollfd fd = {.fd = control, .events = POLLIN};
    if (poll(&fd, 1, wait) > 0 && !hear()) break;
  }
  /* A template in the making would otherwise leave a mount. */
  for (int wait; (wait = look_at_templates()) >= 0;) poll(NULL, 0, wait);
  for (size_t i = 0; i < sandbox_count; i++) {
    thaw(&sandboxes[i]);
    forget_limits(&sandboxes[i]);
  }
  if (mounts[0]) sweep(mounts);
  return 0;
}
