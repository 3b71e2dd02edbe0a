/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the programs posix-*.c: each makes files in the directory it is given, prints a line "ok WHAT" or
 * "not ok WHAT (errno)" per claim, and ends with 1 if one does not hold. They say the same in a virtual
 * machine and under a runtime without one.
 */
#ifndef POSIX_H
#define POSIX_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int n_failed;

static inline void claim(const char *what, bool holds)
{
	int err = errno;

	if (holds) {
		printf("ok %s\n", what);
	} else {
		printf("not ok %s (%s)\n", what, strerror(err));
		n_failed++;
	}
	errno = 0;
}

/* The call fails with this error. */
#define FAILS(what, error, call)                                                                   \
	do {                                                                                       \
		errno = 0;                                                                         \
		bool failed_ = (call) < 0;                                                         \
		claim(what, failed_ && errno == (error));                                          \
	} while (0)
#define WORKS(what, call) claim(what, (call) >= 0)

static inline int enter(int argc, char **argv, const char *name)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	if (argc < 2 || chdir(argv[1]) || mkdir(name, 0755) || chdir(name)) {
		perror("usage: PROGRAM DIRECTORY [NUMBER]");
		exit(2);
	}
	return argc > 2 ? atoi(argv[2]) : 0;
}

/* A new file with this content. */
static inline void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd))
		claim(name, false);
}

static inline bool has(const char *name, const char *text)
{
	char buf[256] = "";
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && !strcmp(buf, text);
}

static inline struct stat stat_of(const char *name)
{
	struct stat st = { 0 };

	if (lstat(name, &st) < 0)
		st.st_mode = 0;
	return st;
}

static inline bool exists(const char *name)
{
	return stat_of(name).st_mode != 0;
}

static inline unsigned int mode_of(const char *name)
{
	return stat_of(name).st_mode & 07777;
}

/* The child's exit status, or 255 for an end by a signal. */
static inline int end_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

#endif
