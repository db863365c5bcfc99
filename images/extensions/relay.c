/*
 * The relay of hearth-extensions: two threads a connection, one for each direction, which read,
 * write and wait like any program. There are few connections, and each is there for long:
 * extensions hold one while they wait for events.
 */
#define _GNU_SOURCE
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DIRECTORY "/run/hearth"
#define PORT 9002
#define CONNECTIONS_MAX 48
#define BUFFER_BYTES (32 * 1024)
#define STACK_BYTES (96 * 1024)
#define GREETING_BYTES 64

struct connection {
  int client, scheduler;
  /* What to connect to first, if the client is not there yet. */
  int port;
  long long id;
  /* Directions that are still open. */
  atomic_int open;
};

static atomic_int connections;

int dial(const char *name, const char *greeting) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, DIRECTORY "/%s", name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  size_t length = strlen(greeting);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
      send(fd, greeting, length, MSG_NOSIGNAL) == (ssize_t)length)
    return fd;
  close(fd);
  return -1;
}

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int relay_listen(void) {
  struct sockaddr_in address = loopback(PORT);
  int yes = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
      listen(fd, CONNECTIONS_MAX) == 0)
    return fd;
  close(fd);
  return -1;
}

/* One direction, until its end; what is at an end in one direction may go on in the other. */
static void copy(int from, int to) {
  char bytes[BUFFER_BYTES];
  for (ssize_t n; (n = recv(from, bytes, sizeof bytes, 0)) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    ssize_t sent = 0;
    while (n > 0 && sent < n) {
      ssize_t m = send(to, bytes + sent, (size_t)(n - sent), MSG_NOSIGNAL);
      if (m < 0 && errno == EINTR) continue;
      if (m < 0) break;
      sent += m;
    }
    if (n < 0 || sent < n) {
      shutdown(from, SHUT_RDWR);
      shutdown(to, SHUT_RDWR);
      return;
    }
  }
  shutdown(to, SHUT_WR);
}

static void leave(struct connection *c) {
  if (atomic_fetch_sub(&c->open, 1) != 1) return;
  if (c->client >= 0) close(c->client);
  if (c->scheduler >= 0) close(c->scheduler);
  free(c);
  atomic_fetch_sub(&connections, 1);
}

static void *carry_up(void *argument) {
  struct connection *c = argument;
  copy(c->client, c->scheduler);
  leave(c);
  return NULL;
}

static int begin(void *(*work)(void *), struct connection *c) {
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  int failed = pthread_create(&thread, &attributes, work, c);
  pthread_attr_destroy(&attributes);
  return !failed;
}

/* Makes both ends, tells the scheduler what it is about, and carries what comes down. */
static void *carry(void *argument) {
  struct connection *c = argument;
  char greeting[GREETING_BYTES] = "api\n";
  int yes = 1;
  if (c->port) {
    struct sockaddr_in address = loopback(c->port);
    c->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int refused = connect(c->client, (struct sockaddr *)&address, sizeof address) != 0;
    snprintf(greeting, sizeof greeting, "%s %lld\n", refused ? "refused" : "delivery", c->id);
  }
  setsockopt(c->client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  c->scheduler = dial(EXTENSIONS_SOCKET, greeting);
  if (c->scheduler >= 0 && *greeting != 'r') {
    atomic_fetch_add(&c->open, 1);
    if (begin(carry_up, c))
      copy(c->scheduler, c->client);
    else
      atomic_fetch_sub(&c->open, 1);
  }
  leave(c);
  return NULL;
}

static void relay(int client, long long id, int port) {
  struct connection *c = NULL;
  if (atomic_fetch_add(&connections, 1) < CONNECTIONS_MAX) c = calloc(1, sizeof *c);
  if (c) {
    *c = (struct connection){.client = client, .scheduler = -1, .port = port, .id = id, .open = 1};
    if (begin(carry, c)) return;
    free(c);
  }
  if (client >= 0) close(client);
  atomic_fetch_sub(&connections, 1);
}

void relay_accept(int listener) {
  int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (client >= 0) relay(client, 0, 0);
}

void relay_to_port(const char *wish) {
  long long id;
  int port;
  if (sscanf(wish, "%lld %d", &id, &port) == 2 && port > 0 && port < 65536) relay(-1, id, port);
}
