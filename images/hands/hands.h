/*
 * What the parts of hearth-hands know of one another: the table of sandboxes, and verbs that answer
 * 0 or an errno. LATER means that the answer follows when something has come about.
 */
#ifndef HANDS_H
#define HANDS_H
#include <stddef.h>
#include <sys/types.h>

enum { ID_MAX = 64, ROOT_MAX = 384, PLACE_MAX = 512, REQUEST_MAX = 20 };
enum { SANDBOXES_MAX = 4096, LATER = -1 };

/* The control group that holds one resource of a sandbox; the path is empty when there is none. */
struct group {
  char path[PLACE_MAX];
  int version;
};

struct sandbox {
  char id[ID_MAX + 1];
  struct group memory, cpu, freezer;
  /* A freeze that has been written and is not yet reached: who asked, and until when we look. */
  char freezing[REQUEST_MAX + 1];
  long long freezing_until;
};

/* hearth-hands.c */
long long now_ms(void);
void answer(const char *request, int error);
struct sandbox *find_sandbox(const char *id, int make);
/* In a child process: back to the image's own files, where programs are. 0, or -1 with errno. */
int enter_image(void);

/* cgroups.c */
int adopt(struct sandbox *sandbox, const char *pid, const char *container);
int limit(struct sandbox *sandbox, const char *memory, const char *period, const char *share);
int freeze(struct sandbox *sandbox, const char *request);
int thaw(struct sandbox *sandbox);
/* Answers what has come about; returns how many milliseconds until the next look, or -1. */
int look_at_freezing(struct sandbox *sandboxes, size_t count);
/* A file of a directory as text, ended by NUL. */
int read_file(const char *directory, const char *name, char *text, size_t size);

/* systemd.c; where there is none these do nothing. */
void keep_limits(const struct sandbox *sandbox);
void forget_limits(const struct sandbox *sandbox);
void sweep_limits(void);

/* mounts.c */
extern char mounts[ROOT_MAX];
int open_mounts(const char *place, const char *data, int afresh);
/* Unmounts everything below a directory of the mount namespace that we are in, and itself. */
int sweep(const char *directory);
int sweep_in(pid_t other, const char *directory);
int place_of(char *path, const char *id, const char *what);
int show_code(const char *id, const char *directory);
int stage(char *path, const char *name);
int detach(const char *id);

/* tmp-images.c */
int make_template(const char *request, const char *megabytes);
int give_tmp(const char *id, const char *megabytes);
/* As look_at_freezing, for templates in the making. */
int look_at_templates(void);
#endif
