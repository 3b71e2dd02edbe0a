/* SPDX-License-Identifier: Apache-2.0 */
/* Exports and the mounts met inside them. See export.h. */
#include "export.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "kernel_fs.h"

/* Where close() can report a write error: the guest's FLUSH must come through. */
static const uint32_t remote[] = {
	NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
	CEPH_SUPER_MAGIC, AFS_FS_MAGIC,    V9FS_MAGIC,       FUSE_SUPER_MAGIC,
};

static bool listed(const uint32_t *list, size_t n, uint32_t magic)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == magic)
			return true;
	}
	return false;
}

/* Takes a decimal number and the character behind it. */
static bool take_number(const char **at, char after, unsigned int *n)
{
	char *end;
	unsigned long value = strtoul(*at, &end, 10);

	if (end == *at || *end != after || value > UINT_MAX)
		return false;
	*n = (unsigned int)value;
	*at = end + 1;
	return true;
}

/* A line of mountinfo(5): "ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS... - TYPE SOURCE OPTIONS" */
static void look_at_mountinfo_line(struct export_table *t, const char *line)
{
	const char *type = strstr(line, " - ");
	unsigned int id, parent, major, minor;

	if (!type || strncmp(type + 3, "devtmpfs ", 9) != 0)
		return;
	if (!take_number(&line, ' ', &id) || !take_number(&line, ' ', &parent) ||
	    !take_number(&line, ':', &major) || !take_number(&line, ' ', &minor))
		return;
	t->has_devtmpfs = true;
	t->devtmpfs_major = major;
	t->devtmpfs_minor = minor;
}

void export_find_devtmpfs(struct export_table *t, int mountinfo_fd)
{
	int copy = dup(mountinfo_fd);
	FILE *f = copy < 0 ? NULL : fdopen(copy, "r");
	char *line = NULL;
	size_t room = 0;

	if (!f)
		return;
	while (!t->has_devtmpfs && getline(&line, &room, f) > 0)
		look_at_mountinfo_line(t, line);
	free(line);
	fclose(f);
}

int export_add(struct export_table *t, int fd, bool read_only)
{
	if (t->n_exports == EXPORT_MAX)
		return -ENFILE;
	t->export[t->n_exports] = (struct export){.fd = fd, .read_only = read_only};
	return (int)t->n_exports++;
}

bool mount_matches(const struct export_table *t, uint16_t m, const struct statx *st)
{
	const struct mount *e = &t->mount[m];

	return e->id == st->stx_mnt_id && e->dev_major == st->stx_dev_major &&
	       e->dev_minor == st->stx_dev_minor;
}

/* 0 and the flags of *m, or -EACCES for what is never exported. */
static int judge_filesystem(const struct export_table *t, int fd, const struct statx *st,
			    struct mount *m)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (kernel_fs_is((uint32_t)fs.f_type))
		return -EACCES;
	if (t->has_devtmpfs && t->devtmpfs_major == st->stx_dev_major &&
	    t->devtmpfs_minor == st->stx_dev_minor)
		return -EACCES;
	m->remote = listed(remote, sizeof(remote) / sizeof(remote[0]), (uint32_t)fs.f_type);
	m->overlay = fs.f_type == OVERLAYFS_SUPER_MAGIC;
	return 0;
}

/* A free entry, or -ENFILE. */
static int free_mount(struct export_table *t)
{
	for (uint16_t i = 0; i < t->n_mounts; i++) {
		if (t->mount[i].n_nodes == 0)
			return i;
	}
	return t->n_mounts < MOUNT_MAX ? t->n_mounts++ : -ENFILE;
}

int mount_enter(struct export_table *t, uint16_t export, uint16_t near, int fd,
		const struct statx *st)
{
	struct mount m = {
		.id = st->stx_mnt_id,
		.dev_major = st->stx_dev_major,
		.dev_minor = st->stx_dev_minor,
		.export = export,
	};
	int r;

	if (near != MOUNT_NONE && t->mount[near].export == export && mount_matches(t, near, st))
		return near;
	for (uint16_t i = 0; i < t->n_mounts; i++) {
		if (t->mount[i].n_nodes && t->mount[i].export == export && mount_matches(t, i, st))
			return i;
	}
	r = judge_filesystem(t, fd, st, &m);
	if (r < 0)
		return r;
	r = free_mount(t);
	if (r < 0)
		return r;
	t->mount[r] = m;
	return r;
}

void mount_hold(struct export_table *t, uint16_t m)
{
	t->mount[m].n_nodes++;
}

void mount_release(struct export_table *t, uint16_t m)
{
	t->mount[m].n_nodes--;
}
