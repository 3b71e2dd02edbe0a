/* SPDX-License-Identifier: Apache-2.0 */
/* Where the other programs are; see companions.h. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "companions.h"

/* Our own, as it was when we were started; empty: not noted. */
static char own_path[PATH_MAX];

int companions_note(void)
{
	ssize_t n = readlink("/proc/self/exe", own_path, sizeof(own_path) - 1);

	own_path[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -errno : 0;
}

int companions_find(struct companions *companions, struct arena *arena, struct failure *failure)
{
	int err = own_path[0] ? 0 : companions_note();
	char path[PATH_MAX];

	if (err)
		return failure_set(failure, err, "/proc/self/exe: expected procfs on /proc: %s",
				   strerror(-err));
	memcpy(path, own_path, sizeof(path));
	for (int up = 0; up < 2; up++) { /* the file, then bin/ */
		char *slash = strrchr(path, '/');

		if (!slash)
			return failure_set(failure, -ENOENT,
					   "/proc/self/exe: expected PREFIX/bin/nacre");
		*slash = '\0';
	}
	companions->monitor = arena_printf(arena, "%s/libexec/nacre/nacre-monitor", path);
	companions->vmm = arena_printf(arena, "%s/libexec/nacre/nacre-vmm", path);
	companions->fsd = arena_printf(arena, "%s/libexec/nacre/nacre-fsd", path);
	companions->init = arena_printf(arena, "%s/libexec/nacre/nacre-init", path);
	companions->kernel = arena_printf(arena, "%s/share/nacre/vmlinux", path);
	companions->rootfs = arena_printf(arena, "%s/share/nacre/rootfs", path);
	return 0;
}

int companions_check(const struct companions *companions, struct failure *failure)
{
	const char *const programs[] = { companions->monitor, companions->vmm, companions->fsd };

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (access(programs[i], X_OK) < 0)
			return failure_set(failure, -errno,
					   "%s: expected a program of this installation: %s",
					   programs[i], strerror(errno));
	}
	return 0;
}
