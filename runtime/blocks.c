/* SPDX-License-Identifier: Apache-2.0 */
/* Block volumes; see blocks.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "blocks.h"
#include "dev_files.h"
#include "fd.h"

#define SECTOR	   512u
#define QUEUES_MAX 4u

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* Slashes that follow each other are one. */
static void squeeze(char *path)
{
	char *to = path;

	for (const char *from = path; *from; from++) {
		if (*from != '/' || to == path || to[-1] != '/')
			*to++ = *from;
	}
	*to = '\0';
}

/* Absolute, squeezed, and nothing in it stands for another place; what ends with a slash is a directory. */
static bool is_plain(const char *path)
{
	if (*path != '/')
		return false;
	while (*path) {
		const char *name = path + 1;
		size_t len = strcspn(name, "/");

		if (len == 0 || (len <= 2 && strncmp(name, "..", len) == 0))
			return false;
		path = name + len;
	}
	return true;
}

/* What every container has there, or above it; NULL: nothing. */
static const char *taken_by(const char *guest)
{
	static const char *const places[] = { "/dev", "/dev/shm", DEV_CONSOLE };
	/* nothing can be made in these, or it is not what it looks like */
	static const char *const trees[] = { "/proc", "/sys", "/dev/pts", "/dev/mqueue", "/dev/fd" };

	for (size_t i = 0; i < N(places); i++) {
		if (strcmp(places[i], guest) == 0)
			return places[i];
	}
	for (size_t i = 0; i < N(trees); i++) {
		size_t len = strlen(trees[i]);

		if (strncmp(trees[i], guest, len) == 0 && (guest[len] == '/' || !guest[len]))
			return trees[i];
	}
	for (size_t i = 0; i < DEV_NODE_COUNT; i++) {
		if (strcmp(dev_nodes[i], guest) == 0)
			return dev_nodes[i];
	}
	for (size_t i = 0; i < DEV_LINK_COUNT && strncmp(guest, "/dev/", 5) == 0; i++) {
		if (strcmp(dev_links[i].name, guest + 5) == 0)
			return guest;
	}
	return NULL;
}

/* That a GUEST, squeezed, is a place for one more device. */
static int check_guest(const struct container_config *config, const char *guest, const char *text,
		       const char *named, struct failure *failure)
{
	const char *taken = taken_by(guest);

	if (!is_plain(guest))
		return failure_set(failure, -EINVAL, "%s %s: expected a GUEST without \".\", \"..\" "
				   "or a slash at its end", named, text);
	for (size_t i = 0; i < config->blocks.n; i++) {
		if (strcmp(config->blocks.v[i].guest, guest) == 0)
			return failure_set(failure, -EINVAL, "%s %s: expected a GUEST that no other "
					   "block volume has", named, text);
	}
	if (taken)
		return failure_set(failure, -EINVAL, "%s %s: every container has a %s of its own", named,
				   text, taken);
	return 0;
}

int blocks_add(struct container_config *config, const char *text, const char *named,
	       struct failure *failure)
{
	char *file = arena_printf(&config->arena, "%s", text);
	char *guest = strchr(file, ':');
	char *options = guest ? strchr(guest + 1, ':') : NULL;
	int err;

	if (guest)
		*guest++ = '\0';
	if (options)
		*options++ = '\0';
	if (!guest || !file[0] || guest[0] != '/' || !guest[1] ||
	    (options && strcmp(options, "ro") != 0 && strcmp(options, "rw") != 0))
		return failure_set(failure, -EINVAL, "%s %s: expected FILE:GUEST[:ro], GUEST an "
				   "absolute path", named, text);
	squeeze(guest);
	err = check_guest(config, guest, text, named, failure);
	if (err)
		return err;
	if (config->blocks.n == BLOCKS_MAX)
		return failure_set(failure, -E2BIG, "%s %s: expected at most %u block volumes",
				   named, text, BLOCKS_MAX);
	/* the guest has no block device but these */
	*device_add_rule(&config->arena, &config->resources.devices) = (struct device_rule){
		.allow = true, .kind = 'b', .major = -1, .minor = -1,
		.access = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE,
	};
	*config_add_block(&config->arena, &config->blocks) = (struct config_block){
		.file = file,
		.guest = guest,
		.named = arena_printf(&config->arena, "%s %s", named, text),
		.read_only = options && strcmp(options, "ro") == 0,
		.fd = -1,
	};
	return 0;
}

/* Its length in bytes. 0, or -errno with the failure set. */
static int measure(struct config_block *block, struct failure *failure)
{
	struct stat st;

	if (fstat(block->fd, &st) < 0)
		return failure_set(failure, -errno, "%s: %s", block->named, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return failure_set(failure, -EINVAL, "%s: expected a raw image or a block device",
				   block->named);
	block->bytes = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(block->fd, BLKGETSIZE64, &block->bytes) < 0)
		return failure_set(failure, -errno, "%s: %s", block->named, strerror(errno));
	if (block->bytes == 0 || block->bytes % SECTOR)
		return failure_set(failure, -EINVAL, "%s: %llu bytes: expected a multiple of %u, "
				   "and not 0: only raw images are taken", block->named,
				   (unsigned long long)block->bytes, SECTOR);
	return 0;
}

/*
 * One writer, or any number of readers. The lock is the open file description's, which the VMM shares:
 * it ends with the VMM.
 */
static int lock(const struct config_block *block, struct failure *failure)
{
	struct flock whole = { .l_type = block->read_only ? F_RDLCK : F_WRLCK,
			       .l_whence = SEEK_SET };

	if (fcntl(block->fd, F_OFD_SETLK, &whole) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return failure_set(failure, -EBUSY, "%s: in use: expected one user, or only "
				   "readers", block->named);
	return failure_set(failure, -errno, "%s: cannot lock it: %s", block->named,
			   strerror(errno));
}

static int open_one(struct config_block *block, struct failure *failure)
{
	int flags = (block->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st = { .st_mode = 0 };
	int err;

	if (stat(block->file, &st) == 0 && S_ISDIR(st.st_mode))
		return failure_set(failure, -EISDIR, "%s: expected a raw image or a block device, "
				   "not a directory", block->named);
	/* Without O_CREAT, and of a block device: nobody has it mounted, or open like this. */
	if (S_ISBLK(st.st_mode) && !block->read_only)
		flags |= O_EXCL;
	block->fd = open(block->file, flags);
	if (block->fd < 0 && errno == EBUSY)
		return failure_set(failure, -EBUSY, "%s: in use: mounted, or another program has it",
				   block->named);
	if (block->fd < 0)
		return failure_set(failure, -errno, "%s: expected a raw image or a block device: "
				   "%s", block->named, strerror(errno));
	err = measure(block, failure);
	return err ? err : lock(block, failure);
}

int blocks_open(struct container_config *config, struct failure *failure)
{
	int err = 0;

	for (size_t i = 0; i < config->blocks.n && !err; i++)
		err = open_one(&config->blocks.v[i], failure);
	return err;
}

void blocks_close(struct container_config *config)
{
	for (size_t i = 0; i < config->blocks.n; i++)
		drop_fd(&config->blocks.v[i].fd);
}

void blocks_add_to_vmm(const struct container_config *config, unsigned int cpus, struct spawn *vmm)
{
	for (size_t i = 0; i < config->blocks.n; i++) {
		const struct config_block *block = &config->blocks.v[i];

		spawn_arg_fd(vmm, "--block", block->fd);
		spawn_arg(vmm, "--block-bytes");
		spawn_arg(vmm, arena_printf(vmm->arena, "%llu",
					    (unsigned long long)block->bytes));
		spawn_arg(vmm, "--block-queues");
		spawn_arg(vmm, arena_printf(vmm->arena, "%u", cpus < QUEUES_MAX ? cpus : QUEUES_MAX));
		if (block->read_only) {
			spawn_arg(vmm, "--block-read-only");
			spawn_arg(vmm, "1");
		}
	}
}
