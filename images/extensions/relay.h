/*
 * Bytes between the sandbox's own loopback and the scheduler's extensions.sock, in both directions:
 * what extensions ask of the Runtime, Extensions and Telemetry APIs, and what the scheduler posts
 * to them.
 */
#define EXTENSIONS_SOCKET "extensions.sock"

/* Connects to a socket of the scheduler's and says who it is. Returns -1 when nobody listens. */
int dial(const char *name, const char *greeting);

/* Listens where extensions find the APIs. Returns -1 when the address is taken. */
int relay_listen(void);

/* Takes one connection of an extension's to the scheduler. */
void relay_accept(int listener);

/* Connects a port of the sandbox to the scheduler, who knows the connection by its id: "id port". */
void relay_to_port(const char *wish);
