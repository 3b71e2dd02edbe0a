/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of a container; see devices.h. */
#include "devices.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel.h"
#include "mounts.h"
#include "rootpath.h"
#include "setup.h"

/*
 * OCI runtime-spec 1.2 config-linux.md "Default Devices"; /dev/ptmx and /dev/console are elsewhere.
 */
static const char *const default_devices[] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
};

/* OCI runtime-spec 1.2 runtime-linux.md "Dev symbolic links", and the instance of devpts. */
static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

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

/* Finds init's node for a device by what sysfs says of its number. False: this machine has none. */
static bool find_node(uint32_t kind, uint32_t major, uint32_t minor, char *path, size_t size)
{
	char uevent[64], line[128];
	struct stat st;
	bool found = false;
	FILE *f;

	snprintf(uevent, sizeof(uevent), "/sys/dev/%s/%u:%u/uevent",
		 kind == PLAN_DEVICE_BLOCK ? "block" : "char", major, minor);
	f = fopen(uevent, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "DEVNAME=", 8) != 0)
			continue;
		snprintf(path, size, "/dev/%s", line + 8);
		found = stat(path, &st) == 0 && st.st_rdev == makedev(major, minor);
	}
	fclose(f);
	return found;
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

static void make_planned(int root, const struct plan_device *d, const char *path)
{
	uint32_t kind = le32_get(d->kind), major = le32_get(d->major), minor = le32_get(d->minor);
	char node[160];

	if (kind == PLAN_DEVICE_FIFO) {
		make_fifo(root, d, path);
		return;
	}
	if (!find_node(kind, major, minor, node, sizeof(node)))
		setup_fail(0, "device %s: the virtual machine has no %s device %u:%u", path,
			   kind == PLAN_DEVICE_BLOCK ? "block" : "character", major, minor);
	devices_bind(root, node, path);
}

static void make_links(int root)
{
	int dev = rootpath_make(root, "/dev", false, NULL);

	if (dev < 0)
		setup_fail(-dev, "/dev");
	/* A ptmx of the image would be another instance's. */
	unlinkat(dev, "ptmx", 0);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (symlinkat(links[i].target, dev, links[i].name) < 0 && errno != EEXIST)
			setup_fail(errno, "/dev/%s", links[i].name);
	}
	close(dev);
}

static bool is_default(const char *path)
{
	for (size_t i = 0; i < sizeof(default_devices) / sizeof(default_devices[0]); i++) {
		if (strcmp(path, default_devices[i]) == 0)
			return true;
	}
	return false;
}

void devices_make(int root, const struct plan *p)
{
	struct cursor body;
	size_t pos = 0;

	for (size_t i = 0; i < sizeof(default_devices) / sizeof(default_devices[0]); i++)
		devices_bind(root, default_devices[i], default_devices[i]);
	while (plan_next(p, &pos, PLAN_DEVICE, &body)) {
		const struct plan_device *d = cursor_take(&body, sizeof(*d));
		const char *path = cursor_take_string(&body);

		if (!is_default(path))
			make_planned(root, d, path);
	}
	make_links(root);
}
