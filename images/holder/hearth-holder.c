/*
 * hearth-holder: the only process of a container whose network namespace a sandbox will join. It
 * does nothing but stay, for as long as its scheduler lives: it says its name on the scheduler's
 * socket, and a while after that has closed, when the sandbox has ended too, it ends.
 */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* hearth-init ends its sandbox ten seconds after the scheduler; until then it has a network. */
#define ORPHANED_SECONDS 12

static void end(int signal) {
  (void)signal;
  _exit(0);
}

int main(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/hearth/holders.sock"};
  char byte, name[64];
  /* Process 1 has no default for it. */
  signal(SIGTERM, end);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return 1;
  /* The engine names a container by the beginning of its id. */
  if (gethostname(name, sizeof name) < 0) return 1;
  if (send(fd, name, strlen(name), MSG_NOSIGNAL) < 0) return 1;
  while (read(fd, &byte, 1) > 0) continue;
  sleep(ORPHANED_SECONDS);
  return 0;
}
