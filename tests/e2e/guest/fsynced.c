/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a file, and has it reach the disk in one way.
 *
 *   fsynced WAY FILE
 *
 * WAY is one of those below, or "none" to leave it to the kernel. The file says the name of its way.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef RWF_DSYNC
#define RWF_DSYNC 2
#endif

static const char *text;
static size_t len;

/* A new file of this name, open for reading and writing, with the text. */
static int make(const char *name, int flags)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | flags, 0644);

	return fd >= 0 && write(fd, text, len) == (ssize_t)len ? fd : -1;
}

static int by_none(const char *name)
{
	return make(name, 0) < 0;
}

static int by_fsync(const char *name)
{
	int fd = make(name, 0);

	return fd < 0 || fsync(fd);
}

static int by_fdatasync(const char *name)
{
	int fd = make(name, 0);

	return fd < 0 || fdatasync(fd);
}

static int by_o_sync(const char *name)
{
	return make(name, O_SYNC) < 0;
}

static int by_o_dsync(const char *name)
{
	return make(name, O_DSYNC) < 0;
}

static int by_one_write(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
	struct iovec iov = { .iov_len = len };

	memcpy(&iov.iov_base, &text, sizeof(text)); /* is only read */
	/* the offset in two halves; musl 1.2.3 knows no pwritev2() */
	return fd < 0 || syscall(SYS_pwritev2, fd, &iov, 1, 0L, 0L, RWF_DSYNC) != (long)len;
}

static int by_msync(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
	char *map;

	if (fd < 0 || ftruncate(fd, (off_t)len))
		return 1;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return map == MAP_FAILED || msync(memcpy(map, text, len), len, MS_SYNC);
}

/* A name: of a file that is there already by another. */
static int by_directory(const char *name)
{
	int fd = make("fsynced.new", 0), dir = open(".", O_RDONLY | O_DIRECTORY);

	return fd < 0 || fsync(fd) || rename("fsynced.new", name) || dir < 0 || fsync(dir);
}

static int by_syncfs(const char *name)
{
	int fd = make(name, 0);

	return fd < 0 || close(fd) || syncfs(open(".", O_RDONLY));
}

static int by_sync(const char *name)
{
	if (make(name, 0) < 0)
		return 1;
	sync();
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*make)(const char *name);
	} ways[] = { { "none", by_none }, { "fsync", by_fsync }, { "fdatasync", by_fdatasync },
		     { "O_SYNC", by_o_sync }, { "O_DSYNC", by_o_dsync }, { "RWF_DSYNC", by_one_write },
		     { "msync", by_msync }, { "directory", by_directory }, { "syncfs", by_syncfs },
		     { "sync", by_sync } };

	for (size_t i = 0; argc == 3 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[1], ways[i].name))
			continue;
		text = argv[1];
		len = strlen(text);
		if (ways[i].make(argv[2]) == 0)
			return 0;
		perror(argv[2]);
		return 1;
	}
	fputs("usage: fsynced WAY FILE\n", stderr);
	return 2;
}
