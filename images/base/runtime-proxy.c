/*
 * The Runtime API over TCP: AWS's own runtime clients and hand-written bootstraps speak HTTP to
 * AWS_LAMBDA_RUNTIME_API, which here is this proxy on the sandbox's own loopback. It moves bytes
 * to runtime.sock and back without reading them. Buffers are bounded, nothing waits, and each half
 * of a connection closes by itself, as TCP has it.
 */
#define _GNU_SOURCE
#include "runtime-proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PORT 9001
#define UPSTREAM "/run/hearth/runtime.sock"
#define BUFFER_BYTES (64 * 1024)

/* Bytes on their way from one socket to the other; the next are read when all are written. */
struct flow {
  int from, to;
  size_t at, end;
  int read_out, shut;
  char bytes[BUFFER_BYTES];
};

/* The runtime's side and the scheduler's side; -1 twice when the place is free. */
struct connection {
  int client, upstream;
  struct flow up, down;
};

static int listener = -1;
static struct connection connections[PROXY_CONNECTIONS_MAX];

void proxy_listen(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  int yes = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < PROXY_CONNECTIONS_MAX; i++) connections[i].client = -1;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) return;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
      listen(listener, PROXY_CONNECTIONS_MAX) == 0)
    return;
  close(listener);
  listener = -1;
}

static void hang_up(struct connection *c) {
  close(c->client);
  close(c->upstream);
  c->client = c->upstream = -1;
}

static void begin(struct flow *flow, int from, int to) {
  flow->from = from;
  flow->to = to;
  flow->at = flow->end = 0;
  flow->read_out = flow->shut = 0;
}

/* A scheduler that cannot take the connection at once is too busy for it; the client hears that. */
static void adopt(struct connection *c) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = UPSTREAM};
  int yes = 1;
  int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  int upstream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (upstream < 0 || connect(upstream, (struct sockaddr *)&address, sizeof address) != 0) {
    close(client);
    if (upstream >= 0) close(upstream);
    return;
  }
  /* Answers are small and written whole: waiting to fill a packet would only be late. */
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  c->client = client;
  c->upstream = upstream;
  begin(&c->up, client, upstream);
  begin(&c->down, upstream, client);
}

static int later(void) { return errno == EAGAIN || errno == EINTR; }

/* Returns 0 when the connection is of no more use. */
static int move(struct flow *flow) {
  if (flow->at == flow->end && !flow->read_out) {
    ssize_t n = recv(flow->from, flow->bytes, sizeof flow->bytes, 0);
    if (n < 0 && !later()) return 0;
    if (n == 0) flow->read_out = 1;
    flow->at = 0;
    flow->end = n > 0 ? (size_t)n : 0;
  }
  if (flow->at < flow->end) {
    ssize_t n = send(flow->to, flow->bytes + flow->at, flow->end - flow->at, MSG_NOSIGNAL);
    if (n < 0 && !later()) return 0;
    if (n > 0) flow->at += (size_t)n;
  }
  if (flow->read_out && flow->at == flow->end && !flow->shut) {
    shutdown(flow->to, SHUT_WR);
    flow->shut = 1;
  }
  return 1;
}

/* What a socket is wanted for: to read of one flow, to write of the other. */
static void watch(struct pollfd *fd, int socket, const struct flow *in, const struct flow *out) {
  fd->events = 0;
  if (in->at == in->end && !in->read_out) fd->events |= POLLIN;
  if (out->at < out->end) fd->events |= POLLOUT;
  /* Without interest even a hang-up must not wake us: it would again and again. */
  fd->fd = fd->events ? socket : -1;
}

void proxy_watch(struct pollfd *fds) {
  int is_full = 1;
  for (int i = 0; i < PROXY_CONNECTIONS_MAX; i++) {
    struct connection *c = &connections[i];
    struct pollfd *pair = fds + 1 + 2 * i;
    pair[0].fd = pair[1].fd = -1;
    if (c->client < 0) {
      is_full = 0;
      continue;
    }
    watch(&pair[0], c->client, &c->up, &c->down);
    watch(&pair[1], c->upstream, &c->down, &c->up);
  }
  /* One more than there are places waits in the kernel until one is free. */
  fds[0].fd = is_full ? -1 : listener;
  fds[0].events = POLLIN;
}

void proxy_serve(const struct pollfd *fds) {
  struct connection *unused = NULL;
  for (int i = 0; i < PROXY_CONNECTIONS_MAX; i++) {
    struct connection *c = &connections[i];
    const struct pollfd *pair = fds + 1 + 2 * i;
    int is_awake = (pair[0].fd >= 0 && pair[0].revents) || (pair[1].fd >= 0 && pair[1].revents);
    if (is_awake && (!move(&c->up) || !move(&c->down) || (c->up.shut && c->down.shut))) hang_up(c);
    if (c->client < 0) unused = c;
  }
  if (unused && fds[0].fd >= 0 && fds[0].revents) adopt(unused);
}
