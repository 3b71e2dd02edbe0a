/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of a container; see devices.h. */
#include "devices.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "dev_files.h"
#include "kernel.h"
#include "machine.h"
#include "mounts.h"
#include "rootpath.h"
#include "setup.h"

bool devices_wanted(const struct plan *p)
{
	struct plan_mount_view v;
	size_t pos = 0;
	bool wanted = true;

	while (plan_next_mount(p, &pos, &v)) {
		size_t len = strlen(v.target);

		while (len > 1 && v.target[len - 1] == '/')
			len--;
		if (len == 4 && memcmp(v.target, "/dev", 4) == 0)
			wanted = le32_get(v.m->kind) != PLAN_MOUNT_EXPORT;
	}
	return wanted;
}

void devices_bind(int root, const char *source, const char *path)
{
	int target = rootpath_make(root, path, true, NULL), r;

	r = target < 0 ? target : mounts_bind(AT_FDCWD, source, target);
	if (r < 0)
		setup_fail(-r, "device %s", path);
	close(target);
}

/* Has this machine a device of this number? sysfs lists those that a driver stands behind. */
static bool device_exists(uint32_t kind, uint32_t major, uint32_t minor)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/%s/%u:%u",
		 kind == PLAN_DEVICE_BLOCK ? "block" : "char", major, minor);
	return access(path, F_OK) == 0;
}

/* The path of init's node for the n-th device of a container; n < 0: the directory of them. */
static void node_path(char *path, size_t size, uint32_t number, int n)
{
	if (n < 0)
		snprintf(path, size, "%s/%u", MACHINE_DEVICES, number);
	else
		snprintf(path, size, "%s/%u/%d", MACHINE_DEVICES, number, n);
}

static void make_fifo(int root, const struct plan_device *d, const char *path)
{
	char dir[PATH_MAX];
	const char *name = strrchr(path, '/') + 1;
	int parent;

	if (strlen(path) >= sizeof(dir) || *name == 0)
		setup_fail(EINVAL, "device %s", path);
	memcpy(dir, path, (size_t)(name - path));
	dir[name - path] = 0;
	parent = rootpath_make(root, dir, false, NULL);
	if (parent < 0)
		setup_fail(-parent, "device %s", path);
	if ((mknodat(parent, name, S_IFIFO | 0600, 0) < 0 && errno != EEXIST) ||
	    fchownat(parent, name, le32_get(d->uid), le32_get(d->gid), AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(parent, name, le32_get(d->mode) & 07777, 0) < 0)
		setup_fail(errno, "device %s", path);
	close(parent);
}

static void make_links(int root)
{
	int dev = rootpath_make(root, "/dev", false, NULL);

	if (dev < 0)
		setup_fail(-dev, "/dev");
	/* A ptmx of the image would be another instance's. */
	unlinkat(dev, "ptmx", 0);
	for (size_t i = 0; i < DEV_LINK_COUNT; i++) {
		if (symlinkat(dev_links[i].target, dev, dev_links[i].name) < 0 && errno != EEXIST)
			setup_fail(errno, "/dev/%s", dev_links[i].name);
	}
	close(dev);
}

static bool is_default(const char *path)
{
	for (size_t i = 0; i < DEV_NODE_COUNT; i++) {
		if (strcmp(path, dev_nodes[i]) == 0)
			return true;
	}
	return false;
}

/* The next device of the plan that is no default one. *n counts them, from -1 on. */
static const struct plan_device *next_device(const struct plan *p, size_t *pos, int *n,
					     const char **path)
{
	struct cursor body;

	while (plan_next(p, pos, PLAN_DEVICE, &body)) {
		const struct plan_device *d = cursor_take(&body, sizeof(*d));

		*path = cursor_take_string(&body);
		(*n)++;
		if (*path && !is_default(*path)) /* decoded: it has one */
			return d;
	}
	return NULL;
}

void devices_own(void)
{
	for (size_t i = 0; i < DEV_NODE_COUNT; i++) {
		/* Without it the node has an owner that containers see as nobody: no reason to stop. */
		if (chown(dev_nodes[i], PLAN_ID_BASE, PLAN_ID_BASE) < 0)
			machine_log("%s: %s", dev_nodes[i], strerror(errno));
	}
}

static int make_node(const struct plan_device *d, const char *node)
{
	uint32_t kind = le32_get(d->kind), major = le32_get(d->major), minor = le32_get(d->minor);
	mode_t type = kind == PLAN_DEVICE_BLOCK ? S_IFBLK : S_IFCHR;

	if (mknod(node, type | 0600, makedev(major, minor)) < 0 ||
	    chown(node, PLAN_ID_BASE + le32_get(d->uid), PLAN_ID_BASE + le32_get(d->gid)) < 0 ||
	    chmod(node, le32_get(d->mode) & 0777) < 0)
		return -errno;
	return 0;
}

int devices_prepare(uint32_t number, const struct plan *p, struct report *r)
{
	const struct plan_device *d;
	const char *path;
	char node[64];
	size_t pos = 0;
	int n = -1, err = 0;

	while (err == 0 && (d = next_device(p, &pos, &n, &path))) {
		uint32_t kind = le32_get(d->kind), major = le32_get(d->major);

		if (kind == PLAN_DEVICE_FIFO)
			continue;
		if (!device_exists(kind, major, le32_get(d->minor)))
			return report_set(r, FAILED_NACRE, ENODEV,
					  "device %s: the virtual machine has no %s device %u:%u",
					  path, kind == PLAN_DEVICE_BLOCK ? "block" : "character",
					  major, le32_get(d->minor));
		node_path(node, sizeof(node), number, -1);
		if (mkdir(node, 0755) < 0 && errno != EEXIST)
			err = -errno;
		node_path(node, sizeof(node), number, n);
		if (err == 0)
			err = make_node(d, node);
	}
	return err < 0 ? report_set(r, FAILED_NACRE, -err, "device %s", path) : 0;
}

void devices_forget(uint32_t number)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	node_path(path, sizeof(path), number, -1);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

void devices_make(int root, const struct plan *p, uint32_t number)
{
	const struct plan_device *d;
	const char *path;
	char node[64];
	size_t pos = 0;
	int n = -1;

	for (size_t i = 0; i < DEV_NODE_COUNT; i++)
		devices_bind(root, dev_nodes[i], dev_nodes[i]);
	while ((d = next_device(p, &pos, &n, &path))) {
		node_path(node, sizeof(node), number, n);
		if (le32_get(d->kind) == PLAN_DEVICE_FIFO)
			make_fifo(root, d, path);
		else
			devices_bind(root, node, path);
	}
	make_links(root);
}
