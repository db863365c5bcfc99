/*
 * Where systemd runs the host a sandbox's control group is a scope of its. When it has reloaded its
 * units (any installation of a service does that) and the next one starts, it sets every scope's
 * limits anew: those that the engine named when the container started, and as much swap as there
 * is. A drop-in, which a reload reads, says what holds instead.
 */
#define _GNU_SOURCE
#include "hands.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNITS "/run/systemd/system"
/* After those that the engine's own wishes become. */
#define FILE_NAME "90-hearth.conf"
enum { TEXT_MAX = 512, NAME_MAX_BYTES = 256 };

/* The scope's name, or NULL where systemd does not care for this sandbox. */
static const char *scope_of(const struct sandbox *sandbox) {
  const char *name = strrchr(sandbox->memory.path, '/');
  size_t length = name ? strlen(++name) : 0;
  if (length < 7 || length >= NAME_MAX_BYTES) return NULL;
  return strcmp(name + length - 6, ".scope") == 0 ? name : NULL;
}

static long long number_in(const struct group *group, const char *file) {
  char text[64];
  int failed = read_file(group->path, file, text, sizeof text);
  return failed || strncmp(text, "max", 3) == 0 ? -1 : atoll(text);
}

/* What holds now, in systemd's words. */
static int describe(const struct sandbox *sandbox, char *text) {
  int is_new = sandbox->memory.version == 2;
  long long bytes = number_in(&sandbox->memory, is_new ? "memory.max" : "memory.limit_in_bytes");
  long long share = -1, period = 0;
  if (sandbox->cpu.version == 2) {
    char both[64];
    int error = read_file(sandbox->cpu.path, "cpu.max", both, sizeof both);
    if (error) return error;
    sscanf(both, "%lld %lld", &share, &period);
  } else {
    share = number_in(&sandbox->cpu, "cpu.cfs_quota_us");
    period = number_in(&sandbox->cpu, "cpu.cfs_period_us");
  }
  /* No more is asked for than can be said: hundredths of a per cent, and never less than holds. */
  long long hundredths = period > 0 ? (share * 10000 + period - 1) / period : 0;
  if (bytes <= 0 || share <= 0 || hundredths <= 0) return ENOENT;
  snprintf(text, TEXT_MAX,
           "[Scope]\nMemoryMax=%lld\nMemorySwapMax=0\nCPUQuota=%lld.%02lld%%\n"
           "CPUQuotaPeriodSec=%lldus\n",
           bytes, hundredths / 100, hundredths % 100, period);
  return 0;
}

/* Whole or not at all, since systemd may read at any time. */
static void write_whole(const char *directory, const char *text) {
  char path[PLACE_MAX + 32], fresh[PLACE_MAX + 32];
  snprintf(path, sizeof path, "%s/" FILE_NAME, directory);
  snprintf(fresh, sizeof fresh, "%s/." FILE_NAME, directory);
  int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return;
  ssize_t length = (ssize_t)strlen(text);
  int is_whole = write(fd, text, (size_t)length) == length;
  close(fd);
  if (!is_whole || rename(fresh, path) != 0) unlink(fresh);
}

/* The limits hold already; that a reload may undo them is no reason to refuse work. */
void keep_limits(const struct sandbox *sandbox) {
  char directory[PLACE_MAX], text[TEXT_MAX];
  const char *scope = scope_of(sandbox);
  if (!scope || access(UNITS, F_OK) != 0 || describe(sandbox, text) != 0) return;
  snprintf(directory, sizeof directory, UNITS "/%s.d", scope);
  if (mkdir(directory, 0755) == 0 || errno == EEXIST) write_whole(directory, text);
}

static void remove_drop_in(const char *directory) {
  char path[PLACE_MAX];
  snprintf(path, sizeof path, UNITS "/%s/" FILE_NAME, directory);
  if (unlink(path) != 0) return;
  snprintf(path, sizeof path, UNITS "/%s", directory);
  rmdir(path);
}

void forget_limits(const struct sandbox *sandbox) {
  char name[NAME_MAX_BYTES + 2];
  const char *scope = scope_of(sandbox);
  if (!scope) return;
  snprintf(name, sizeof name, "%s.d", scope);
  remove_drop_in(name);
}

/* Those of scopes that systemd does not have any more, whoever wrote them. */
void sweep_limits(void) {
  char path[PLACE_MAX];
  DIR *units = opendir(UNITS);
  for (struct dirent *one; units && (one = readdir(units));) {
    size_t length = strlen(one->d_name);
    if (length < 9 || strcmp(one->d_name + length - 8, ".scope.d") != 0) continue;
    snprintf(path, sizeof path, "/run/systemd/transient/%.*s", (int)length - 2, one->d_name);
    if (access(path, F_OK) != 0 && errno == ENOENT) remove_drop_in(one->d_name);
  }
  if (units) closedir(units);
}
