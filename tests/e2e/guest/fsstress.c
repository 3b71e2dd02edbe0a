/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that make, change, move and remove the same names at once.
 *
 *   fsstress DIRECTORY SEED SECONDS [PROCESSES]
 *
 * What each call may answer follows from what the others do, so only answers that can never be
 * right count as wrong: other errors than those of a name that came or went, a file whose content
 * belongs to no writer, an owner's own file that changed. At the end the tree is walked, and what
 * is listed must be there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define NAMES    24
#define RECORD   64
#define EXCHANGE 2u

static uint64_t random_state;
static unsigned int me;
static unsigned long n_ops, n_done, n_listed;

static uint32_t next(uint32_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % below;
}

static void die(const char *what, const char *name)
{
	printf("not ok fsstress: process %u, operation %lu: %s %s (%s)\n", me, n_ops, what, name,
	       strerror(errno));
	exit(1);
}

/* A name in one of four directories, one level deep or two. */
static const char *some_name(void)
{
	static char buf[4][64];
	static unsigned int turn;
	char *p = buf[turn++ % 4];

	if (next(2))
		snprintf(p, sizeof(buf[0]), "d%u/n%u", next(4), next(NAMES));
	else
		snprintf(p, sizeof(buf[0]), "d%u/n%u/m%u", next(4), next(NAMES), next(4));
	return p;
}

/* True when the call worked; ends the program when its error cannot come from the others' doing. */
static bool worked(long result, const char *what, const char *name)
{
	if (result >= 0) {
		n_done++;
		return true;
	}
	switch (errno) {
	case ENOENT:
	case EEXIST:
	case ENOTDIR:
	case EISDIR:
	case ENOTEMPTY:
	case ELOOP:
	case EINVAL:
	case EXDEV:
	case EBUSY:
	case ENODATA:
	case EPERM:
	case ENOSPC:
	case EMLINK:
		return false;
	default:
		die(what, name);
		return false;
	}
}

/* Shared files are made of records that tell their writer; a torn or foreign one is an error. */
static void write_record(int fd)
{
	char record[RECORD + 1];

	snprintf(record, sizeof(record), "%-62u%c\n", me, 'x');
	(void)worked(write(fd, record, RECORD), "write", "record");
}

static void check_records(int fd, const char *name)
{
	char record[RECORD];

	for (int i = 0; i < 8 && read(fd, record, RECORD) == RECORD; i++) {
		static const char zero[RECORD];

		/* a truncation to the middle, or a hole, is someone's right */
		if (memcmp(record, zero, RECORD) && (record[0] < '0' || record[0] > '9') &&
		    record[0])
			die("foreign bytes in", name);
	}
}

static void do_file(void)
{
	static const int flags[] = {O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_EXCL, O_RDONLY,
				    O_RDWR | O_CREAT | O_TRUNC, O_RDWR | O_APPEND};
	const char *name = some_name();
	int fd = open(name, flags[next(5)] | O_NOFOLLOW | O_NONBLOCK, 0644);

	if (!worked(fd, "open", name))
		return;
	check_records(fd, name);
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR) {
		lseek(fd, 0, SEEK_END);
		write_record(fd);
		if (next(8) == 0)
			(void)worked(ftruncate(fd, RECORD * (off_t)next(8)), "ftruncate", name);
		if (next(16) == 0)
			(void)worked(fsync(fd), "fsync", name);
	}
	(void)worked(close(fd), "close", name);
}

static void do_move(void)
{
	const char *from = some_name(), *to = some_name();

	switch (next(4)) {
	case 0:
		(void)worked(link(from, to), "link", from);
		break;
	case 1:
		(void)worked(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, EXCHANGE),
			     "exchange", from);
		break;
	default:
		(void)worked(rename(from, to), "rename", from);
	}
}

static void do_make(void)
{
	const char *name = some_name();

	switch (next(4)) {
	case 0:
		(void)worked(symlink("../n0", name), "symlink", name);
		break;
	case 1:
		(void)worked(mkfifo(name, 0600), "mkfifo", name);
		break;
	default:
		(void)worked(mkdir(name, 0755), "mkdir", name);
	}
}

static void do_remove(void)
{
	const char *name = some_name();

	(void)worked(next(2) ? unlink(name) : rmdir(name), "remove", name);
}

static void do_attributes(void)
{
	const char *name = some_name();
	struct stat st;
	char value[8];

	switch (next(5)) {
	case 0:
		(void)worked(chmod(name, 0700 | next(077)), "chmod", name);
		break;
	case 1:
		(void)worked(setxattr(name, "user.who", "me", 2, 0), "setxattr", name);
		break;
	case 2:
		(void)worked(getxattr(name, "user.who", value, sizeof(value)), "getxattr", name);
		break;
	case 3:
		(void)worked(utimensat(AT_FDCWD, name, NULL, AT_SYMLINK_NOFOLLOW), "utimens", name);
		break;
	default:
		(void)worked(lstat(name, &st), "lstat", name);
	}
}

static void do_list(void)
{
	char name[8];
	DIR *d;

	snprintf(name, sizeof(name), "d%u", next(4));
	d = opendir(name);
	if (!d)
		die("opendir", name);
	while (errno = 0, readdir(d))
		n_listed++;
	if (errno)
		die("readdir", name);
	closedir(d);
}

/* A file that nobody else touches has to be what was written. */
static void do_own(int fd)
{
	static unsigned int count;
	unsigned int got;

	if (pwrite(fd, &count, sizeof(count), (off_t)count * 512) != sizeof(count))
		die("write to", "own file");
	if (count) {
		unsigned int i = next(count);

		if (pread(fd, &got, sizeof(got), (off_t)i * 512) != sizeof(got) || got != i)
			die("wrong bytes in", "own file");
	}
	count = (count + 1) % 4096;
}

static void work(uint64_t seed, time_t end)
{
	static void (*const ops[])(void) = {do_file, do_file,   do_file,       do_move,
					    do_make, do_remove, do_attributes, do_list};
	char name[16];
	int own;

	random_state = seed * 977 + me;
	snprintf(name, sizeof(name), "own-%u", me);
	own = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	while (time(NULL) < end) {
		n_ops++;
		ops[next(sizeof(ops) / sizeof(ops[0]))]();
		do_own(own);
	}
	if (close(own))
		die("close", name);
	printf("# process %u: %lu operations, %lu worked, %lu entries read\n", me, n_ops, n_done,
	       n_listed);
	fflush(stdout);
}

static int n_walked;

static int visit(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	n_walked++;
	if (type == FTW_NS || type == FTW_DNR)
		die("listed but not there:", name);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int n = argc > 4 ? (unsigned int)atoi(argv[4]) : 8;
	bool failed = false;
	time_t end;

	if (argc < 4 || chdir(argv[1])) {
		fputs("usage: fsstress DIRECTORY SEED SECONDS [PROCESSES]\n", stderr);
		return 2;
	}
	umask(022);
	for (char d[] = "d0"; d[1] < '4'; d[1]++)
		mkdir(d, 0755);
	end = time(NULL) + atol(argv[3]);
	for (me = 0; me < n; me++) {
		if (fork() == 0) {
			work(strtoul(argv[2], NULL, 10), end);
			return 0;
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		int status;

		wait(&status);
		failed |= status != 0;
	}
	if (nftw(".", visit, 32, FTW_PHYS))
		die("walk", ".");
	if (!failed)
		printf("ok fsstress: %u processes, %d names at the end\n", n, n_walked);
	return failed;
}
