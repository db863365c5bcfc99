/*
 * The Runtime API over TCP, for clients that know no unix sockets: bytes between 127.0.0.1:9001 of
 * the sandbox's own network and the scheduler's runtime.sock.
 */
#include <poll.h>

#define PROXY_CONNECTIONS_MAX 8
#define PROXY_FDS (1 + 2 * PROXY_CONNECTIONS_MAX)

/* Listens; where the address is taken or there is no network, the unix socket still serves. */
void proxy_listen(void);

/* What to poll for: PROXY_FDS entries, those without interest disabled. */
void proxy_watch(struct pollfd *fds);

/* Moves what can be moved; never waits. */
void proxy_serve(const struct pollfd *fds);
