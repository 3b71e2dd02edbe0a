/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of type "overlay"; see overlay.h. By mount(2), since fsconfig(2) takes no value of more than 255 bytes and
 * the paths of engines are long.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "overlay.h"
#include "visit.h"

/* The end of what begins at `at`: a separator without a backslash before it, as overlayfs has it, or `end`. */
static const char *end_of(const char *at, const char *end, char separator)
{
	while (at < end && *at != separator)
		at += *at == '\\' && at + 1 < end ? 2 : 1;
	return at;
}

static int layer(const char *at, const char *end, overlay_layer_fn *fn, void *ctx)
{
	char path[OVERLAY_OPTIONS_MAX + 1];
	size_t n = 0;

	for (; at < end; at++) {
		at += *at == '\\' && at + 1 < end;
		path[n++] = *at;
	}
	path[n] = '\0';
	return n > 0 ? fn(ctx, path) : 0;
}

/* One option. */
static int layers_of(const char *at, const char *end, overlay_layer_fn *fn, void *ctx)
{
	static const char *const one[] = { "upperdir=", "workdir=" };
	static const char many[] = "lowerdir=";
	const char *to;
	int result = 0;

	for (size_t i = 0; i < sizeof(one) / sizeof(one[0]); i++) {
		if (strncmp(at, one[i], strlen(one[i])) == 0)
			return layer(at + strlen(one[i]), end, fn, ctx);
	}
	if (strncmp(at, many, strlen(many)) != 0)
		return 0;
	for (at += strlen(many); at < end && !result; at = to + 1) {
		to = end_of(at, end, ':');
		result = layer(at, to, fn, ctx);
	}
	return result;
}

int overlay_layers(const struct config_mount *mount, overlay_layer_fn *fn, void *ctx)
{
	const char *at = mount->data ? mount->data : "", *end = at + strlen(at), *to;
	int result = 0;

	for (; at < end && !result; at = to + 1) {
		to = end_of(at, end, ',');
		result = layers_of(at, to, fn, ctx);
	}
	return result;
}

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
