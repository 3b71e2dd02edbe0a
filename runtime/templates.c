/* SPDX-License-Identifier: Apache-2.0 */
/* Templates on disk; see templates.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "fd.h"
#include "make_path.h"
#include "selinux.h"
#include "templates.h"
#include "templates_parts.h"

const char *templates_dir(const struct conf *conf, bool is_rootless, struct arena *arena)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (conf->templates)
		return conf->templates;
	if (!is_rootless)
		return "/var/cache/nacre/templates";
	if (xdg && *xdg == '/')
		return arena_printf(arena, "%s/nacre/templates", xdg);
	return home && *home == '/' ? arena_printf(arena, "%s/.cache/nacre/templates", home) : NULL;
}

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void note_file(struct template_file *file, const struct stat *st)
{
	*file = (struct template_file){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = ns_of(st->st_mtim),
		.ctime_ns = ns_of(st->st_ctim),
	};
}

int templates_key(struct template_key *key, const struct launch *launch, bool net)
{
	struct stat vmm, init, kernel;
	struct utsname host;

	if (stat(launch->companions->vmm, &vmm) < 0 || fstat(launch->init_fd, &init) < 0 ||
	    fstat(launch->kernel_fd, &kernel) < 0 || uname(&host) < 0)
		return -errno;
	memset(key, 0, sizeof(*key));
	key->magic = TEMPLATE_MAGIC;
	note_file(&key->vmm, &vmm);
	note_file(&key->init, &init);
	note_file(&key->kernel, &kernel);
	key->memory = launch->state->size.memory;
	key->cpus = launch->state->size.cpus;
	key->net = net;
	snprintf(key->host_release, sizeof(key->host_release), "%s", host.release);
	snprintf(key->host_version, sizeof(key->host_version), "%s", host.version);
	return 0;
}

/* FNV-1a, to tell names apart; what counts is the key in the file. */
static uint32_t hash_of(const struct template_key *key)
{
	const uint8_t *byte = (const uint8_t *)key;
	uint32_t hash = 0x811c9dc5u;

	for (size_t i = 0; i < sizeof(*key); i++)
		hash = (hash ^ byte[i]) * 0x01000193u;
	return hash;
}

void template_name(char *name, size_t room, const struct template_key *key, const char *suffix)
{
	bool hidden = strcmp(suffix, TEMPLATE_SUFFIX) != 0;

	snprintf(name, room, "%s%lluM-%u%s-%08x%s", hidden ? "." : "",
		 (unsigned long long)(key->memory >> 20), key->cpus, key->net ? "-net" : "",
		 hash_of(key), suffix);
}

/* What a VM begins with is as good as a program: nobody but who runs it may have written it. */
bool template_is_trusted(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 022) == 0 &&
	       st.st_uid == geteuid();
}

int template_open_key(int dir_fd, const char *name, struct template_key *key)
{
	autoclose int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || !template_is_trusted(fd) ||
	    pread(fd, key, sizeof(*key), 0) != (ssize_t)sizeof(*key))
		return -ENOENT;
	return steal_fd(&fd);
}

int templates_open(const char *dir, const struct template_key *key)
{
	autoclose int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int fd = -1;
	struct template_key there;
	char name[TEMPLATE_NAME_MAX];

	if (dir_fd < 0)
		return -ENOENT;
	template_name(name, sizeof(name), key, TEMPLATE_SUFFIX);
	fd = template_open_key(dir_fd, name, &there);
	if (fd < 0 || memcmp(&there, key, sizeof(there)) != 0)
		return -ENOENT;
	/* templates_claim() takes away what was not used for long */
	(void)futimens(fd, (const struct timespec[]){ { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_OMIT } });
	return steal_fd(&fd);
}

/* Behind a word of these characters; NULL: there is none. */
static const char *behind_any(const char *at, const char *characters)
{
	size_t n = at ? strspn(at, characters) : 0;

	return n > 0 ? at + n : NULL;
}

static const char *behind(const char *at, const char *word)
{
	return at && strncmp(at, word, strlen(word)) == 0 ? at + strlen(word) : NULL;
}

enum template_entry template_entry_of(const char *name)
{
	static const char digits[] = "0123456789", hex[] = "0123456789abcdef";
	const char *size = *name == '.' ? name + 1 : name, *at, *end;

	at = behind_any(behind(behind_any(size, digits), "M-"), digits);
	if (at && behind(at, "-net"))
		at = behind(at, "-net");
	at = behind_any(behind(at, "-"), hex);
	end = behind(at, TEMPLATE_SEEN_SUFFIX);
	if (end)
		return size != name && *end == '\0' ? TEMPLATE_ENTRY_SEEN : TEMPLATE_ENTRY_OTHER;
	end = behind(at, TEMPLATE_SUFFIX);
	if (end && size == name)
		return *end == '\0' ? TEMPLATE_ENTRY_WHOLE : TEMPLATE_ENTRY_OTHER;
	end = behind_any(behind(end, "."), hex);
	return end && *end == '\0' ? TEMPLATE_ENTRY_DRAFT : TEMPLATE_ENTRY_OTHER;
}

/* A draft that was begun a moment ago is about to be locked. */
#define DRAFT_AGE_S 60

/* Removes drafts that nobody works at. */
static void sweep(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		autoclose int draft = -1;
		struct stat st;

		if (template_entry_of(entry->d_name) != TEMPLATE_ENTRY_DRAFT)
			continue;
		draft = openat(dir_fd, entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (draft >= 0 && fstat(draft, &st) == 0 && time(NULL) - st.st_mtime >= DRAFT_AGE_S &&
		    flock(draft, LOCK_EX | LOCK_NB) == 0)
			(void)unlinkat(dir_fd, entry->d_name, 0);
	}
	if (stream)
		closedir(stream);
}

int templates_begin(struct template_draft *draft, const char *dir, const struct template_key *key,
		    struct failure *failure)
{
	int err = make_path(dir, 0755);
	unsigned int nonce;
	ssize_t n;

	if (err)
		return failure_set(failure, err, "%s: cannot make: %s", dir, strerror(-err));
	draft->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (draft->dir_fd < 0)
		return failure_set(failure, -errno, "%s: %s", dir, strerror(errno));
	template_name(draft->name, sizeof(draft->name), key, TEMPLATE_SUFFIX);
	if (getrandom(&nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
		return failure_set(failure, -EIO, "getrandom: expected %zu bytes", sizeof(nonce));
	sweep(draft->dir_fd);
	snprintf(draft->draft_name, sizeof(draft->draft_name), ".%s.%08x", draft->name, nonce);
	draft->fd = openat(draft->dir_fd, draft->draft_name,
			   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (draft->fd >= 0)
		selinux_file_set_type(draft->fd, SELINUX_TEMPLATE_TYPE);
	/* held by us and by the VMM: a draft whose lock is free is what a kill left */
	n = draft->fd < 0 || flock(draft->fd, LOCK_EX) < 0 ? -1 : pwrite(draft->fd, key, sizeof(*key), 0);
	if (n == (ssize_t)sizeof(*key))
		return 0;
	err = n < 0 ? -errno : -ENOSPC;
	return failure_set(failure, err, "%s/%s: cannot write: %s", dir, draft->draft_name,
			   strerror(-err));
}

int templates_commit(struct template_draft *draft, struct failure *failure)
{
	if (fsync(draft->fd) < 0 ||
	    renameat(draft->dir_fd, draft->draft_name, draft->dir_fd, draft->name) < 0)
		return failure_set(failure, -errno, "%s: cannot write: %s", draft->name,
				   strerror(errno));
	draft->draft_name[0] = '\0';
	return 0;
}

void templates_end(struct template_draft *draft)
{
	if (draft->fd >= 0 && draft->draft_name[0])
		unlinkat(draft->dir_fd, draft->draft_name, 0);
	drop_fd(&draft->fd);
	drop_fd(&draft->dir_fd);
}

int templates_remove_all(const char *dir, struct failure *failure)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int err = 0;

	if (!stream && errno == ENOENT)
		return 0;
	if (!stream)
		return failure_set(failure, -errno, "%s: %s", dir, strerror(errno));
	while ((entry = readdir(stream)) && !err) {
		enum template_entry kind = template_entry_of(entry->d_name);

		/* a draft that somebody works at, too, who cannot give it its name then */
		if (kind != TEMPLATE_ENTRY_OTHER &&
		    unlinkat(dirfd(stream), entry->d_name, 0) < 0 && errno != ENOENT)
			err = failure_set(failure, -errno, "%s/%s: cannot remove: %s", dir,
					  entry->d_name, strerror(errno));
	}
	closedir(stream);
	return err;
}
