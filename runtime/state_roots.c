/* SPDX-License-Identifier: Apache-2.0 */
/* The ROOTs of one host; see state_roots.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "fd.h"
#include "state_roots.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* A path may be spelled in several ways, a directory has one name here. */
static int name_of(int root_fd, char name[NAME_MAX + 1])
{
	struct stat st;

	if (fstat(root_fd, &st) < 0)
		return -errno;
	snprintf(name, NAME_MAX + 1, "%llx-%llx", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	return 0;
}

static int note_root(int all_fd, int root_fd, const char *root)
{
	char name[NAME_MAX + 1], there[PATH_MAX];
	int err = name_of(root_fd, name);
	ssize_t len;

	if (err)
		return err;
	len = readlinkat(all_fd, name, there, sizeof(there));
	if (len == (ssize_t)strlen(root) && memcmp(there, root, (size_t)len) == 0)
		return 0;
	/* of a directory that was removed, whose number this one has now; or the same by another path */
	unlinkat(all_fd, name, 0);
	return symlinkat(root, all_fd, name) < 0 ? -errno : 0;
}

int roots_lock(const char *all, int root_fd, const char *root)
{
	autoclose int fd = -1;
	int err;

	if (mkdir(all, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(all, DIRECTORY | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	err = note_root(fd, root_fd, root);
	return err ? err : steal_fd(&fd);
}

/* Whether the link leads to the directory that it was made for. */
static bool sweep_link(struct sweep *sweep, int all_fd, const char *link, int root_fd, struct arena *arena)
{
	autoclose int fd = openat(all_fd, link, DIRECTORY);
	char name[NAME_MAX + 1], own[NAME_MAX + 1];

	if (fd < 0 || name_of(fd, name) != 0 || strcmp(name, link) != 0)
		return false;
	if (name_of(root_fd, own) != 0 || strcmp(name, own) != 0)
		sweep_note(sweep, fd, arena);
	return true;
}

void roots_sweep(struct sweep *sweep, int all_fd, int root_fd, struct arena *arena)
{
	int fd = openat(all_fd, ".", DIRECTORY);
	DIR *links = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!links) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(links)) != NULL) {
		if (entry->d_name[0] != '.' &&
		    !sweep_link(sweep, all_fd, entry->d_name, root_fd, arena))
			unlinkat(all_fd, entry->d_name, 0);
	}
	closedir(links);
}
