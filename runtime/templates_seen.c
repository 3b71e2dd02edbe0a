/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen of sizes, and when a template is made by itself; see templates.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fd.h"
#include "make_path.h"
#include "templates.h"
#include "templates_parts.h"

/* Whoever may choose sizes is not to fill the directory. */
#define SEEN_MAX 256u

struct seen {
	struct template_key key;
	uint64_t tries;
};

static int open_dir(const char *dir)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Opens what was seen of the key's size, and locks it. A descriptor, -EAGAIN: it is locked, or another -errno. */
static int seen_open(int dir_fd, const struct template_key *key, int flags)
{
	char name[TEMPLATE_NAME_MAX];
	autoclose int fd = -1;

	template_name(name, sizeof(name), key, TEMPLATE_SEEN_SUFFIX);
	fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return template_is_trusted(fd) ? steal_fd(&fd) : -EPERM;
}

static bool seen_read(int fd, const struct template_key *key, struct seen *seen)
{
	return pread(fd, seen, sizeof(*seen), 0) == (ssize_t)sizeof(*seen) &&
	       memcmp(&seen->key, key, sizeof(*key)) == 0;
}

static bool seen_write(int fd, const struct template_key *key, uint64_t tries)
{
	struct seen seen = { .key = *key, .tries = tries };

	return pwrite(fd, &seen, sizeof(seen), 0) == (ssize_t)sizeof(seen);
}

/* The entries of one kind in a directory. */
struct entries {
	unsigned int n;
	char oldest[NAME_MAX + 1]; /* the one whose last use is longest ago */
	time_t used;
};

static void entries_read(struct entries *entries, int dir_fd, enum template_entry kind)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	*entries = (struct entries){ .n = 0 };
	while (stream && (entry = readdir(stream))) {
		if (template_entry_of(entry->d_name) != kind ||
		    fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (entries->n++ == 0 || st.st_atim.tv_sec < entries->used) {
			snprintf(entries->oldest, sizeof(entries->oldest), "%s", entry->d_name);
			entries->used = st.st_atim.tv_sec;
		}
	}
	if (stream)
		closedir(stream);
}

/* One whose key says another host kernel than this is of no use to anybody here. */
static bool is_of_another_host(int dir_fd, const char *name, const struct template_key *key)
{
	struct template_key there;
	autoclose int fd = template_open_key(dir_fd, name, &there);

	return fd >= 0 &&
	       (strcmp(there.host_release, key->host_release) != 0 ||
		strcmp(there.host_version, key->host_version) != 0);
}

/* Removes a template, and what was seen of its size: should it be wanted again, it was not the template's fault. */
static bool evict(int dir_fd, const char *name)
{
	int stem = (int)(strlen(name) - strlen(TEMPLATE_SUFFIX));
	char seen[NAME_MAX + 2];

	if (unlinkat(dir_fd, name, 0) < 0)
		return false;
	snprintf(seen, sizeof(seen), ".%.*s%s", stem, name, TEMPLATE_SEEN_SUFFIX);
	(void)unlinkat(dir_fd, seen, 0);
	return true;
}

/* Whether there is room for one template more, or is one of this key, whose place the new one takes. */
static bool make_room(int dir_fd, const struct template_key *key)
{
	char name[TEMPLATE_NAME_MAX];
	struct entries whole;

	template_name(name, sizeof(name), key, TEMPLATE_SUFFIX);
	if (faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	entries_read(&whole, dir_fd, TEMPLATE_ENTRY_WHOLE);
	while (whole.n >= TEMPLATES_MAX) {
		if (time(NULL) - whole.used <= TEMPLATE_UNUSED_S &&
		    !is_of_another_host(dir_fd, whole.oldest, key))
			return false;
		if (!evict(dir_fd, whole.oldest))
			return false;
		entries_read(&whole, dir_fd, TEMPLATE_ENTRY_WHOLE);
	}
	return true;
}

int templates_note_boot(const char *dir, const struct template_key *key)
{
	int err = make_path(dir, 0755);
	autoclose int dir_fd = err ? -1 : open_dir(dir);
	autoclose int fd = -1;
	struct entries noted;
	struct seen seen;

	if (dir_fd < 0)
		return err ? err : -errno;
	fd = seen_open(dir_fd, key, 0); /* as a rule: each machine that boots comes here */
	if (fd == -ENOENT) {
		entries_read(&noted, dir_fd, TEMPLATE_ENTRY_SEEN);
		if (noted.n >= SEEN_MAX)
			(void)unlinkat(dir_fd, noted.oldest, 0);
		fd = seen_open(dir_fd, key, O_CREAT);
	}
	if (fd < 0)
		return fd;
	return seen_read(fd, key, &seen) || seen_write(fd, key, 0) ? 0 : -EIO;
}

int templates_claim(const char *dir, const struct template_key *key)
{
	autoclose int dir_fd = open_dir(dir);
	autoclose int fd = dir_fd < 0 ? -ENOENT : seen_open(dir_fd, key, 0);
	autoclose int there = -1;
	struct seen seen;

	if (fd < 0)
		return fd;
	there = templates_open(dir, key);
	if (there >= 0)
		return -EEXIST;
	if (!seen_read(fd, key, &seen))
		return -ENOENT;
	if (seen.tries >= TEMPLATE_TRIES_MAX)
		return -EPERM;
	if (!make_room(dir_fd, key))
		return -ENOSPC;
	return seen_write(fd, key, seen.tries + 1) ? steal_fd(&fd) : -EIO;
}

void templates_forget(const char *dir, const struct template_key *key)
{
	autoclose int dir_fd = open_dir(dir);
	char name[TEMPLATE_NAME_MAX];

	template_name(name, sizeof(name), key, TEMPLATE_SEEN_SUFFIX);
	if (dir_fd >= 0)
		(void)unlinkat(dir_fd, name, 0);
}

bool templates_discard(const char *dir, const struct template_key *key, const struct stat *opened)
{
	autoclose int dir_fd = open_dir(dir);
	char name[TEMPLATE_NAME_MAX];
	struct stat st;

	template_name(name, sizeof(name), key, TEMPLATE_SUFFIX);
	/* a number may be that of another file soon; the time of the last use changes */
	return dir_fd >= 0 && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == opened->st_dev && st.st_ino == opened->st_ino &&
	       st.st_mtim.tv_sec == opened->st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == opened->st_mtim.tv_nsec && unlinkat(dir_fd, name, 0) == 0;
}
