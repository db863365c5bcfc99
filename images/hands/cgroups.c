/*
 * The control groups of sandboxes, version 1 and version 2, each resource where this host keeps
 * it. They are found once, from a process of the container, and believed only if their path names
 * that container: a process number may have a new owner by then.
 */
#define _GNU_SOURCE
#include "hands.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FREEZE_MS_MAX = 2000, LOOK_MS = 1, LINE_MAX_BYTES = 4096 };

static int write_file(const char *directory, const char *name, const char *text) {
  char path[PLACE_MAX + 64];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
  close(fd);
  return error;
}

int read_file(const char *directory, const char *name, char *text, size_t size) {
  char path[PLACE_MAX + 64];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  ssize_t n = read(fd, text, size - 1);
  int error = n < 0 ? errno : 0;
  text[n < 0 ? 0 : n] = 0;
  close(fd);
  return error;
}

/* Whether a comma-separated list holds a word. */
static int lists(const char *list, const char *word) {
  size_t length = strlen(word);
  for (const char *at = list; (at = strstr(at, word)); at += length) {
    char after = at[length];
    if ((at == list || at[-1] == ',') && (after == 0 || after == ',' || after == '\n')) return 1;
  }
  return 0;
}

/* Where a hierarchy is mounted, with `path` in it: the mount may show only a part of the whole. */
static int find_mount(const char *controller, const char *path, char *found) {
  char line[LINE_MAX_BYTES], root[PLACE_MAX], place[PLACE_MAX], kind[32], options[256];
  FILE *table = fopen("/proc/self/mountinfo", "re");
  int error = table ? ENOENT : errno;
  while (error == ENOENT && fgets(line, sizeof line, table)) {
    char *rest = strstr(line, " - ");
    if (!rest || sscanf(line, "%*s %*s %*s %511s %511s", root, place) != 2) continue;
    if (sscanf(rest, " - %31s %*s %255s", kind, options) != 2) continue;
    if (strcmp(kind, controller ? "cgroup" : "cgroup2") != 0) continue;
    if (controller && !lists(options, controller)) continue;
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, length) != 0) length = 0;
    if (snprintf(found, PLACE_MAX, "%s%s", place, path + length) >= PLACE_MAX) error = ENAMETOOLONG;
    else error = access(found, F_OK) == 0 ? 0 : ENOENT;
  }
  if (table) fclose(table);
  return error;
}

/* Version 1 has a line for each controller, version 2 one line whose list is empty. */
static int find_group(const char *pid, const char *container, const char *controller,
                      struct group *group) {
  char name[64], text[LINE_MAX_BYTES];
  snprintf(name, sizeof name, "%s/cgroup", pid);
  int error = read_file("/proc", name, text, sizeof text);
  if (error) return error;
  const char *path = NULL;
  char *rest = text;
  for (char *line; (line = strsep(&rest, "\n")) && *line;) {
    char *list = strchr(line, ':');
    char *end = list ? strchr(list + 1, ':') : NULL;
    if (!end) continue;
    *end = 0;
    int is_whole = list[1] == 0;
    if (!is_whole && !lists(list + 1, controller)) continue;
    path = end + 1;
    group->version = is_whole ? 2 : 1;
    if (!is_whole) break;
  }
  if (!path || !strstr(path, container)) return ESRCH;
  return find_mount(group->version == 1 ? controller : NULL, path, group->path);
}

int adopt(struct sandbox *sandbox, const char *pid, const char *container) {
  if (strlen(container) != 64 || strspn(container, "0123456789abcdef") != 64) return EINVAL;
  if (!*pid || strspn(pid, "0123456789") != strlen(pid)) return EINVAL;
  int error = find_group(pid, container, "memory", &sandbox->memory);
  if (!error) error = find_group(pid, container, "cpu", &sandbox->cpu);
  if (!error) error = find_group(pid, container, "freezer", &sandbox->freezer);
  if (!error) keep_limits(sandbox);
  return error;
}

static int limit_memory(const struct group *group, const char *bytes) {
  char now[64];
  if (group->version == 2) {
    int error = write_file(group->path, "memory.swap.max", "0");
    if (error && error != ENOENT) return error;
    return write_file(group->path, "memory.max", bytes);
  }
  /* Memory with swap may never be less than memory alone, not even between the two writes. */
  const char *alone = "memory.limit_in_bytes", *whole = "memory.memsw.limit_in_bytes";
  if (read_file(group->path, whole, now, sizeof now) != 0)
    return write_file(group->path, alone, bytes);
  int grows = strtoull(bytes, NULL, 10) > strtoull(now, NULL, 10);
  int error = write_file(group->path, grows ? whole : alone, bytes);
  return error ? error : write_file(group->path, grows ? alone : whole, bytes);
}

static int limit_cpu(const struct group *group, const char *period, const char *share) {
  if (group->version == 2) {
    char both[64];
    snprintf(both, sizeof both, "%s %s", share, period);
    return write_file(group->path, "cpu.max", both);
  }
  int error = write_file(group->path, "cpu.cfs_period_us", period);
  return error ? error : write_file(group->path, "cpu.cfs_quota_us", share);
}

/* Memory in bytes, or 0 to leave it; CPU as microseconds of a period. */
int limit(struct sandbox *sandbox, const char *memory, const char *period, const char *share) {
  int error = strcmp(memory, "0") == 0 ? 0 : limit_memory(&sandbox->memory, memory);
  if (!error) error = limit_cpu(&sandbox->cpu, period, share);
  if (!error) keep_limits(sandbox);
  return error;
}

static int set_frozen(const struct group *group, int frozen) {
  if (group->version == 2) return write_file(group->path, "cgroup.freeze", frozen ? "1" : "0");
  return write_file(group->path, "freezer.state", frozen ? "FROZEN" : "THAWED");
}

static int is_frozen(const struct group *group) {
  char text[256] = "";
  if (group->version == 2) {
    read_file(group->path, "cgroup.events", text, sizeof text);
    return strstr(text, "frozen 1") != NULL;
  }
  read_file(group->path, "freezer.state", text, sizeof text);
  return strncmp(text, "FROZEN", 6) == 0;
}

int freeze(struct sandbox *sandbox, const char *request) {
  if (sandbox->freezing[0]) answer(sandbox->freezing, ECANCELED);
  sandbox->freezing[0] = 0;
  int error = set_frozen(&sandbox->freezer, 1);
  if (error || is_frozen(&sandbox->freezer)) return error;
  strcpy(sandbox->freezing, request);
  sandbox->freezing_until = now_ms() + FREEZE_MS_MAX;
  return LATER;
}

/* A freeze that is still under way is called off: what was asked for last holds. */
int thaw(struct sandbox *sandbox) {
  if (sandbox->freezing[0]) answer(sandbox->freezing, ECANCELED);
  sandbox->freezing[0] = 0;
  return set_frozen(&sandbox->freezer, 0);
}

int look_at_freezing(struct sandbox *sandboxes, size_t count) {
  int wait = -1;
  for (struct sandbox *one = sandboxes; one < sandboxes + count; one++) {
    if (!one->freezing[0]) continue;
    int reached = is_frozen(&one->freezer);
    if (!reached && now_ms() < one->freezing_until) {
      wait = LOOK_MS;
      continue;
    }
    /* Version 1 may never get there, and half frozen is of no use to anybody. */
    if (!reached) set_frozen(&one->freezer, 0);
    answer(one->freezing, reached ? 0 : ETIMEDOUT);
    one->freezing[0] = 0;
  }
  return wait;
}
