/* SPDX-License-Identifier: Apache-2.0 */
/* The mount option "tmpcopyup"; see copy_up.h. */
#include "copy_up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each level holds three descriptors. */
#define DEPTH_MAX 64

static int copy_dir(int from, int to, int depth);

static int copy_bytes(int from, int to)
{
	char buffer[16384];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0) {
		ssize_t done = 0;

		while (done < n) {
			ssize_t w = write(to, buffer + done, (size_t)(n - done));

			if (w < 0)
				return -errno;
			done += w;
		}
	}
	return n < 0 ? -errno : 0;
}

/* Owner first: a change of it takes set-id bits away. */
static int copy_attributes(int to, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0 ||
	    futimens(to, times) < 0)
		return -errno;
	return 0;
}

static int copy_file(int dir, int to_dir, const char *name)
{
	int from = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st = { .st_mode = 0 };
	int to = -1, r = 0;

	/* what the name stands for may have changed since the directory was read */
	if (from < 0 || fstat(from, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -ESTALE;
	if (r == 0) {
		to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		r = to < 0 ? -errno : copy_bytes(from, to);
	}
	if (r == 0)
		r = copy_attributes(to, &st);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return r;
}

static int copy_subdir(int dir, int to_dir, const char *name, int depth)
{
	int from = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int to = -1, r = 0;

	if (from < 0 || mkdirat(to_dir, name, 0700) < 0)
		r = -errno;
	if (r == 0) {
		to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = to < 0 ? -errno : copy_dir(from, to, depth + 1);
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return r;
}

/* A link or a pipe: its attributes are set by name, in a directory that only we have. */
static int copy_special(int dir, int to_dir, const char *name, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	char target[PATH_MAX];
	ssize_t n;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dir, name, target, sizeof(target) - 1);
		if (n < 0)
			return -errno;
		target[n] = '\0';
		if (symlinkat(target, to_dir, name) < 0)
			return -errno;
	} else if (mkfifoat(to_dir, name, 0600) < 0 ||
		   fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0) {
		return -errno;
	}
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_entry(int dir, int to_dir, const char *name, int depth)
{
	struct stat st = { .st_mode = 0 };

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(dir, to_dir, name);
	case S_IFDIR:
		return copy_subdir(dir, to_dir, name, depth);
	case S_IFLNK:
	case S_IFIFO:
		return copy_special(dir, to_dir, name, &st);
	default:
		return 0;
	}
}

/* Copies the entries of `from`, then the attributes. */
static int copy_dir(int from, int to, int depth)
{
	int listed = depth < DEPTH_MAX ? openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *entries = listed < 0 ? NULL : fdopendir(listed);
	const struct dirent *entry;
	struct stat st = { .st_mode = 0 };
	int r = 0;

	if (!entries)
		return depth < DEPTH_MAX ? -errno : -ELOOP;
	while (r == 0 && (entry = readdir(entries)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = copy_entry(listed, to, entry->d_name, depth);
	}
	if (r == 0 && fstat(listed, &st) < 0)
		r = -errno;
	closedir(entries);
	return r ? r : copy_attributes(to, &st);
}

int copy_up(int from, int to)
{
	return copy_dir(from, to, 0);
}
