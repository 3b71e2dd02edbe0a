/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of type "overlay"; see overlay.h. By mount(2), since fsconfig(2) takes no value of more than 255 bytes and
 * the paths of engines are long.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "overlay.h"
#include "visit.h"

struct overlay {
	const struct config_mount *mount;
	const char *place;
};

/* In a mount namespace that ends with its thread; what is cloned of it stays. A descriptor or -errno. */
static int overlay_make(void *ctx)
{
	const struct overlay *overlay = ctx;
	int fd;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("overlay", overlay->place, "overlay", 0, overlay->mount->data) < 0)
		return -errno;
	fd = open_tree(AT_FDCWD, overlay->place, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int overlay_open(const struct config_mount *mount, const char *place)
{
	struct overlay overlay = { .mount = mount, .place = place };
	int fd;
	int err = visit_namespace(-1, CLONE_NEWNS, overlay_make, &overlay, &fd);

	return err ? err : fd;
}
