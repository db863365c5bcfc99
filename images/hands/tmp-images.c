/*
 * A /tmp of its own size: a sparse file with an ext4 file system in it, so that what a function
 * writes is on disk and no part of its memory. Formatting is done once for each size, in a child
 * process; a sandbox gets a copy. The file has no name by the time it is used, and the loop device
 * ends with its last mount, so neither can be left behind.
 */
#define _GNU_SOURCE
#include "hands.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MB_MIN = 64, MB_MAX = 65536, TEMPLATES_MAX = 64, MAKING_MAX = 32, LOOK_MS = 2 };
enum { LOOP_TRIES_MAX = 256, CHUNK = 65536 };
static const char OPTIONS[] = "noinit_itable,nobarrier";

/* Templates in the making: the child, and who waits for it. */
static struct making {
  pid_t child;
  char request[REQUEST_MAX + 1];
} making[MAKING_MAX];

static void template_path(char *path, long megabytes) {
  snprintf(path, PLACE_MAX, "%s/.templates/%ld.ext4", mounts, megabytes);
}

static long read_size(const char *megabytes) {
  char *end;
  long size = strtol(megabytes, &end, 10);
  return *end || size < MB_MIN || size > MB_MAX ? -1 : size;
}

/* On a loop device whose file needs no name any more. Returns the device, open, or -errno. */
static int attach_loop(int file, char *device) {
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return -errno;
  int found = -EAGAIN;
  /* Another program may take the free one first. */
  for (int tries = 0; found == -EAGAIN && tries < LOOP_TRIES_MAX; tries++) {
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) {
      found = -errno;
      break;
    }
    snprintf(device, 32, "/dev/loop%d", number);
    int fd = open(device, O_RDWR | O_CLOEXEC);
    struct loop_config config = {.fd = (unsigned)file};
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
    if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) == 0) found = fd;
    else if (errno != EBUSY) found = -errno;
    if (fd >= 0 && found != fd) close(fd);
  }
  close(control);
  return found;
}

static int mount_file(int file, const char *place) {
  char device[32];
  int loop = attach_loop(file, device);
  if (loop < 0) return -loop;
  int error = mount(device, place, "ext4", MS_NOSUID | MS_NODEV, OPTIONS) == 0 ? 0 : errno;
  close(loop);
  return error;
}

static int format(const char *name, long megabytes) {
  char path[PLACE_MAX], size[32];
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    if (enter_image() != 0) _exit(errno);
    snprintf(path, sizeof path, "/run/hearth/.templates/%s", name);
    /* Room for the inodes and for what ext4 keeps in reserve, so that the user has it all. */
    snprintf(size, sizeof size, "%ldm", megabytes + megabytes / 32 + 4);
    char *arguments[] = {"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-i", "16384",
                         "-m", "0", "-O",
                         "^has_journal,^resize_inode,^metadata_csum,uninit_bg", "-E",
                         "lazy_itable_init=1,nodiscard", path, size, NULL};
    execve("/sbin/mke2fs", arguments, (char *[]){NULL});
    _exit(errno);
  }
  int status;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EIO;
}

/* /tmp as users know it: empty, and anybody may write. */
static int empty(const char *name, const char *path) {
  char place[PLACE_MAX], inside[PLACE_MAX + 16];
  int error = stage(place, name);
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (!error) error = file < 0 ? errno : mount_file(file, place);
  if (file >= 0) close(file);
  if (error) return error;
  snprintf(inside, sizeof inside, "%s/lost+found", place);
  if (rmdir(inside) != 0 || chmod(place, 01777) != 0) error = errno;
  if (umount2(place, UMOUNT_NOFOLLOW) != 0 && !error) error = errno;
  rmdir(place);
  return error;
}

/* Few sizes are in use at a time; a host that has seen many starts anew. */
static void bound_templates(const char *directory) {
  DIR *list = opendir(directory);
  int count = 0;
  while (list && readdir(list)) count++;
  if (list && count > TEMPLATES_MAX) {
    rewinddir(list);
    for (struct dirent *one; (one = readdir(list));) unlinkat(dirfd(list), one->d_name, 0);
  }
  if (list) closedir(list);
}

static int write_template(long megabytes) {
  char path[PLACE_MAX], fresh[PLACE_MAX + 64], name[64];
  snprintf(path, sizeof path, "%s/.templates", mounts);
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return errno;
  bound_templates(path);
  snprintf(name, sizeof name, "%ld.%d", megabytes, getpid());
  snprintf(fresh, sizeof fresh, "%s/%s", path, name);
  int error = format(name, megabytes);
  if (!error) error = empty(name, fresh);
  template_path(path, megabytes);
  if (!error && rename(fresh, path) != 0) error = errno;
  if (error) unlink(fresh);
  return error;
}

int make_template(const char *request, const char *megabytes) {
  char path[PLACE_MAX];
  long size = read_size(megabytes);
  if (size < 0) return EINVAL;
  template_path(path, size);
  if (access(path, R_OK) == 0) return 0;
  for (struct making *one = making; one < making + MAKING_MAX; one++) {
    if (one->child) continue;
    one->child = fork();
    if (one->child == 0) _exit(write_template(size));
    if (one->child > 0) {
      strcpy(one->request, request);
      return LATER;
    }
    one->child = 0;
    return errno;
  }
  return EAGAIN;
}

int look_at_templates(void) {
  int wait = -1, status;
  for (struct making *one = making; one < making + MAKING_MAX; one++) {
    if (!one->child) continue;
    if (waitpid(one->child, &status, WNOHANG) == 0) {
      wait = LOOK_MS;
      continue;
    }
    answer(one->request, WIFEXITED(status) ? WEXITSTATUS(status) : EIO);
    one->child = 0;
  }
  return wait;
}

/* The same bytes and the same holes; shared blocks where the file system can. */
static int copy_sparsely(int from, int to) {
  static char bytes[CHUNK];
  struct stat size;
  if (ioctl(to, FICLONE, from) == 0) return 0;
  if (fstat(from, &size) != 0 || ftruncate(to, size.st_size) != 0) return errno;
  for (off_t at = 0, end; (at = lseek(from, at, SEEK_DATA)) >= 0;) {
    if ((end = lseek(from, at, SEEK_HOLE)) < 0) return errno;
    while (at < end) {
      size_t length = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
      ssize_t n = pread(from, bytes, length, at);
      if (n <= 0 || pwrite(to, bytes, (size_t)n, at) != n) return n < 0 ? errno : EIO;
      at += n;
    }
  }
  return errno == ENXIO ? 0 : errno;
}

/*
 * Covers the one that is there, if any: a sandbox that started with that one sees what is mounted
 * on it, and not what would come in its place.
 */
int give_tmp(const char *id, const char *megabytes) {
  char path[PLACE_MAX], place[PLACE_MAX], staged[PLACE_MAX];
  long size = read_size(megabytes);
  if (size < 0) return EINVAL;
  int error = place_of(place, id, "tmp");
  if (!error) error = stage(staged, "tmp");
  if (error) return error;
  template_path(path, size);
  int from = open(path, O_RDONLY | O_CLOEXEC);
  if (from < 0) return errno;
  int file = open(mounts, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  error = file < 0 ? errno : copy_sparsely(from, file);
  close(from);
  if (!error) error = mount_file(file, staged);
  if (file >= 0) close(file);
  if (error) return error;
  error = mount(staged, place, NULL, MS_MOVE, NULL) == 0 ? 0 : errno;
  if (error) umount2(staged, MNT_DETACH);
  return error;
}
