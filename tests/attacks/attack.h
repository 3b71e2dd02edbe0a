/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every attack includes. An attack is one program that tries one trick and says by its exit
 * status what came of it: 0 if it succeeded, the errno with which it was refused, or one of the
 * words below. driver.c runs them and prints the words; the line EXPECT in each says what is right
 * in which configuration (README.md).
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum attack_word {
	SUCCEEDED = 0,	 /* 1 to 199 are errno */
	CONTAINED = 200, /* the call worked, but nothing beyond the container was reached */
	EMPTY = 201,	 /* there is nothing to read */
	UNABLE = 202,	 /* it could not get as far as the trick */
};

/* Of a system call: succeeded, or refused with its errno. */
static inline int tried(long result)
{
	return result < 0 ? errno : SUCCEEDED;
}

/* The same of a mount, which is taken off again for the attacks that follow. */
static inline int tried_mount(long result, const char *target)
{
	int outcome = tried(result);

	if (outcome == SUCCEEDED)
		umount2(target, MNT_DETACH);
	return outcome;
}

/* A step before the trick, which has to work. */
#define NEED(call)                                                                                 \
	do {                                                                                       \
		if ((long)(call) < 0) {                                                            \
			perror(#call);                                                             \
			exit(UNABLE);                                                              \
		}                                                                                  \
	} while (0)

/* Writes a text to a file that is there. */
static inline int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? errno : tried(write(fd, text, strlen(text)));
}

/* Writes to a file what it says already: harmless where it is allowed. */
static inline int write_same(const char *path)
{
	char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return errno;
	text[n] = 0;
	return write_to(path, text);
}

/* Is there a byte to read? */
static inline int read_from(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c;
	ssize_t n = fd < 0 ? -1 : read(fd, &c, 1);

	return n < 0 ? errno : n == 0 ? EMPTY : SUCCEEDED;
}

/* From root to a user of no rights; none of the capabilities stays. */
static inline void become_user(void)
{
	NEED(setresgid(1000, 1000, 1000));
	NEED(setresuid(1000, 1000, 1000));
}

/* The exit status of a child that runs `f`. */
static inline int in_child(int (*f)(void))
{
	pid_t pid = fork();
	int status;

	NEED(pid);
	if (pid == 0)
		_exit(f());
	NEED(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : UNABLE;
}

/* A copy of this program at `path`. */
static inline void copy_self(const char *path, mode_t mode)
{
	char buf[65536];
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to;
	ssize_t n;

	NEED(from);
	unlink(path);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	NEED(to);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		NEED(write(to, buf, (size_t)n));
	NEED(fchmod(to, mode));
	close(to);
	close(from);
}

#endif
