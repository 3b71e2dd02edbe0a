/* SPDX-License-Identifier: Apache-2.0 */
/* Where the other programs are; see companions.h. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "companions.h"

int companions_find(struct companions *companions, struct arena *arena, struct failure *failure)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return failure_set(failure, -errno, "/proc/self/exe: expected procfs on /proc: %s",
				   strerror(errno));
	path[n] = '\0';
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
