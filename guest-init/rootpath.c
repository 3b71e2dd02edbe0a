/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups under a hostile root; see rootpath.h. */
#include "rootpath.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel.h"

/* As many dangling links as the kernel follows good ones: MAXSYMLINKS. */
#define LINKS_MAX 40
/* openat2(2): EAGAIN when ".." met a rename elsewhere on the system. */
#define RACES_MAX 32

static int resolve(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -EAGAIN;

	for (int i = 0; i < RACES_MAX && fd == -EAGAIN; i++)
		fd = kernel_openat2(root, path, &how);
	return fd;
}

int rootpath_open(int root, const char *path)
{
	return resolve(root, path[0] ? path : "/");
}

/* The component `name` of directory `dir`, links not followed. -errno. */
static int open_one(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Makes `name` in `dir`. 0 or -errno. */
static int make_one(int dir, const char *name, bool file)
{
	int fd;

	if (!file)
		return mkdirat(dir, name, 0755) < 0 ? -errno : 0;
	fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/*
 * `path` up to `len` is a link that leads to nothing. Puts what it says in its place, the rest of
 * the path behind it. 0 or -errno.
 */
static int replace_link(int dir, const char *name, char *path, size_t start, size_t len)
{
	char target[PATH_MAX], whole[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	int printed;

	if (n < 0)
		return -errno;
	target[n] = 0;
	printed = snprintf(whole, sizeof(whole), "%.*s%s%s", target[0] == '/' ? 0 : (int)start,
			   path, target, path + len);
	if (printed < 0 || (size_t)printed >= sizeof(whole))
		return -ENAMETOOLONG;
	memcpy(path, whole, (size_t)printed + 1);
	return 0;
}

/*
 * One pass over the components. 1 when all of `path` exists (its descriptor in *found), 0 when a
 * link was replaced and another pass is needed, -errno.
 */
static int make_pass(int root, char *path, bool file, bool *existed, int *found)
{
	int dir = resolve(root, "/");
	size_t at = 0;

	if (dir < 0)
		return dir;
	for (;;) {
		size_t start = at + strspn(path + at, "/"), len;
		char prefix[PATH_MAX], name[NAME_MAX + 1];
		int fd, r;

		len = strcspn(path + start, "/");
		if (len == 0) {
			*found = dir;
			return 1;
		}
		if (len >= sizeof(name)) {
			close(dir);
			return -ENAMETOOLONG;
		}
		at = start + len;
		memcpy(name, path + start, len);
		name[len] = 0;
		memcpy(prefix, path, at);
		prefix[at] = 0;
		fd = resolve(root, prefix);
		r = fd < 0 ? fd : 1;
		if (fd == -ENOENT) {
			bool last = path[at + strspn(path + at, "/")] == 0;

			*existed = false;
			r = make_one(dir, name, file && last);
			if (r == -EEXIST)
				r = replace_link(dir, name, path, start, at);
			else if (r == 0)
				r = fd = open_one(dir, name);
		}
		close(dir);
		if (fd < 0)
			return r;
		dir = fd;
	}
}

int rootpath_make(int root, const char *path, bool file, bool *existed)
{
	char work[PATH_MAX];
	bool there = true;

	if (strlen(path) >= sizeof(work))
		return -ENAMETOOLONG;
	memcpy(work, path, strlen(path) + 1);
	for (int i = 0; i < LINKS_MAX; i++) {
		int fd = -1, r = make_pass(root, work, file, &there, &fd);

		if (r == 0)
			continue;
		if (existed)
			*existed = there;
		return r < 0 ? r : fd;
	}
	return -ELOOP;
}
