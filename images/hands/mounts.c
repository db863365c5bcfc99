/*
 * What sandboxes see at /var/task and /tmp. The mounts directory is bound onto itself once and
 * shared; a sandbox has <id>/task and <id>/tmp as slaves of it, so what is mounted here appears
 * there. Mounts are made ready on a private stage and then moved, flags and all.
 */
#define _GNU_SOURCE
#include "hands.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096 };
/* linux/ext4 has no header for programs: EXT4_IOC_SHUTDOWN, and the way that writes nothing. */
#define SHUT_DOWN _IOR('X', 125, unsigned int)
#define WITHOUT_LOG 2u

char mounts[ROOT_MAX];
static int data_root = -1;

static int call(int result) { return result < 0 ? errno : 0; }

/* A directory below one that is open, reached without following any link. The caller closes it. */
static int open_below(int root, const char *path) {
  char copy[PLACE_MAX];
  if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) return -ENAMETOOLONG;
  int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
  char *rest = copy;
  for (char *name; at >= 0 && (name = strsep(&rest, "/"));) {
    int next = -1;
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) errno = EINVAL;
    else next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    close(at);
    errno = error;
    at = next;
  }
  return at < 0 ? -errno : at;
}

/* The kernel writes a blank, a tab, a newline and a backslash as three octal digits. */
static void unescape(char *text) {
  char *to = text;
  for (char *from = text; *from; to++) {
    if (from[0] == '\\' && from[1] && from[2] && from[3]) {
      *to = (char)strtol((char[]){from[1], from[2], from[3], 0}, NULL, 8);
      from += 4;
    } else *to = *from++;
  }
  *to = 0;
}

/* Calls `each` with what is mounted at or below a directory, and its source, in order. */
static int each_mount(const char *directory, int (*each)(const char *place, const char *source)) {
  char line[LINE_MAX_BYTES], place[LINE_MAX_BYTES], source[LINE_MAX_BYTES];
  size_t length = strlen(directory);
  FILE *table = fopen("/proc/thread-self/mountinfo", "re");
  if (!table) return errno;
  int error = 0;
  while (!error && fgets(line, sizeof line, table)) {
    char *rest = strstr(line, " - ");
    if (!rest || sscanf(line, "%*s %*s %*s %*s %4095s", place) != 1) continue;
    if (sscanf(rest, " - %*s %4095s", source) != 1) continue;
    unescape(place);
    if (strncmp(place, directory, length) != 0) continue;
    if (place[length] == 0 || place[length] == '/') error = each(place, source);
  }
  fclose(table);
  return error;
}

/*
 * What was written to a /tmp that goes away need not reach the disk first. Only ever a loop
 * device's file system that is not its parent directory's.
 */
static void drop_writes(const char *place, const char *source) {
  struct stat here, above;
  size_t length = strlen(place);
  if (length < 5 || strcmp(place + length - 4, "/tmp") != 0) return;
  if (strncmp(source, "/dev/loop", 9) != 0) return;
  int fd = open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  unsigned int how = WITHOUT_LOG;
  if (fd < 0) return;
  if (fstat(fd, &here) == 0 && fstatat(fd, "..", &above, 0) == 0 && here.st_dev != above.st_dev)
    ioctl(fd, SHUT_DOWN, &how);
  close(fd);
}

/* Newest first in this list, which is the order in which mounts come off one another. */
static struct mounted {
  struct mounted *older;
  int is_below;
  char *place, *source;
} *found;
static const char *swept;

static int note(const char *place, const char *source) {
  struct mounted *one = calloc(1, sizeof *one);
  if (!one) return ENOMEM;
  *one = (struct mounted){found, strcmp(place, swept) != 0, strdup(place), strdup(source)};
  found = one;
  return one->place && one->source ? 0 : ENOMEM;
}

int sweep(const char *directory) {
  swept = directory;
  int error = each_mount(directory, note);
  while (found) {
    struct mounted *one = found;
    if (one->place && one->source) {
      if (one->is_below) drop_writes(one->place, one->source);
      int failed = call(umount2(one->place, MNT_DETACH | UMOUNT_NOFOLLOW));
      /* What lay below one that has gone already went with it. */
      if (failed && failed != EINVAL && failed != ENOENT) error = failed;
    }
    found = one->older;
    free(one->place);
    free(one->source);
    free(one);
  }
  return error;
}

static int yes(const char *place, const char *source) { return place && source ? EEXIST : 0; }

static int is_mounted(const char *directory) { return each_mount(directory, yes) == EEXIST; }

int sweep_in(pid_t other, const char *directory) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", other);
  int here = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  int there = open(path, O_RDONLY | O_CLOEXEC);
  struct stat a, b;
  int error = here < 0 || there < 0 || fstat(here, &a) != 0 || fstat(there, &b) != 0 ? errno : 0;
  if (!error && a.st_ino != b.st_ino && setns(there, CLONE_NEWNS) == 0) {
    error = sweep(directory);
    if (setns(here, CLONE_NEWNS) != 0) _exit(1);
  }
  if (here >= 0) close(here);
  if (there >= 0) close(there);
  return error;
}

/* A bind belongs to the group of what it binds; on most hosts that is every service's. */
static int bind_itself(const char *path, unsigned long propagation) {
  if (mount(path, path, NULL, MS_BIND, NULL) != 0) return errno;
  if (mount(NULL, path, NULL, MS_PRIVATE, NULL) != 0) return errno;
  return call(mount(NULL, path, NULL, propagation, NULL));
}

/* `afresh` is a scheduler's first hello: whatever is mounted is of an earlier life. */
int open_mounts(const char *place, const char *data, int afresh) {
  char path[PLACE_MAX], resolved[LINE_MAX_BYTES];
  if (place[0] != '/' || !realpath(place, resolved)) return place[0] == '/' ? errno : EINVAL;
  if (strlen(resolved) >= sizeof mounts) return ENAMETOOLONG;
  data_root = open(data, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (data_root < 0) return errno;
  int error = afresh ? sweep(resolved) : 0;
  if (error) return error;
  strcpy(mounts, resolved);
  if (!afresh && is_mounted(mounts)) return 0;
  error = bind_itself(mounts, MS_SHARED);
  snprintf(path, sizeof path, "%s/.stage", mounts);
  if (!error && mkdir(path, 0700) != 0 && errno != EEXIST) error = errno;
  return error ? error : bind_itself(path, MS_PRIVATE);
}

int place_of(char *path, const char *id, const char *what) {
  int length = snprintf(path, PLACE_MAX, "%s/%s/%s", mounts, id, what);
  if (length >= PLACE_MAX) return ENAMETOOLONG;
  struct stat found;
  if (lstat(path, &found) != 0) return errno;
  return S_ISDIR(found.st_mode) ? 0 : ENOTDIR;
}

/* A directory of the stage. Only what is mounted there while it is private may be moved away. */
int stage(char *path, const char *name) {
  snprintf(path, PLACE_MAX, "%s/.stage/%s", mounts, name);
  return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
}

/* The code directory, which is named relative to the data directory, becomes the sandbox's. */
int show_code(const char *id, const char *directory) {
  char place[PLACE_MAX], staged[PLACE_MAX], source[64];
  int error = place_of(place, id, "task");
  if (!error) error = stage(staged, "code");
  if (error) return error;
  int fd = open_below(data_root, directory);
  if (fd < 0) return -fd;
  snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
  error = call(mount(source, staged, NULL, MS_BIND, NULL));
  close(fd);
  if (error) return error;
  unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
  error = call(mount(NULL, staged, NULL, flags, NULL));
  if (!error) error = call(mount(staged, place, NULL, MS_MOVE, NULL));
  if (error) umount2(staged, MNT_DETACH);
  return error;
}

int detach(const char *id) {
  char place[PLACE_MAX];
  snprintf(place, sizeof place, "%s/%s", mounts, id);
  return sweep(place);
}
