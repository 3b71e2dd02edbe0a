/* SPDX-License-Identifier: Apache-2.0 */
/* NOTIFY_SOCKET; see notify.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "fd.h"
#include "notify.h"
#include "process_options.h"
#include "report.h"
#include "resolve.h"

#define NAME "NOTIFY_SOCKET="

/* A datagram socket that is connected to `path`; of an abstract one the first character is "@". */
static int connect_to(const char *path)
{
	autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (fd < 0)
		return -errno;
	if (len < 2 || len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = 0;
	else
		len++; /* its NUL */
	if (connect(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -errno;
	return steal_fd(&fd);
}

/* Connects to the socket `name` below the directory of a volume. */
static int connect_below(int volume_fd, const char *name)
{
	autoclose int fd = resolve_path(volume_fd, name,
					RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	char path[64];
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return connect_to(path);
}

static const char *environment_of(const struct config_process *process)
{
	for (size_t i = 0; i < process->env.n; i++) {
		if (strncmp(process->env.v[i], NAME, strlen(NAME)) == 0)
			return process->env.v[i] + strlen(NAME);
	}
	return NULL;
}

/* What is left of `path` below `directory`, or NULL. */
static const char *below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	while (len > 1 && directory[len - 1] == '/')
		len--;
	return strncmp(path, directory, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

/* The host's socket behind a path of the container, through the bind mount that it lies in. */
static int connect_in_container(const struct container_config *config,
				const struct exports *exports, const char *path)
{
	const char *name = NULL;
	size_t volume = 0, at = 0;

	for (size_t i = 0; i < config->mounts.n; i++) {
		const struct config_mount *mount = &config->mounts.v[i];
		const char *rest = below(path, mount->destination);

		if (rest) { /* the last one covers those before it */
			name = mount->is_bind ? rest : NULL;
			volume = at;
		}
		at += mount->is_bind;
	}
	if (!name || volume >= exports->n_volumes)
		return -ENOENT;
	return connect_below(exports->volume_fds[volume], name);
}

int notify_prepare(struct container_config *config, const struct exports *exports, int *fd,
		   struct failure *failure)
{
	const char *inside = environment_of(&config->process);
	const char *ours = getenv("NOTIFY_SOCKET");

	*fd = inside && inside[0] == '/' ? connect_in_container(config, exports, inside) : -ENOENT;
	if (*fd >= 0) {
		config->notify_path = inside;
		return 0;
	}
	*fd = -1;
	if (!ours || (ours[0] != '/' && ours[0] != '@'))
		return 0;
	*fd = connect_to(ours);
	if (*fd < 0) {
		report_warning(NAME "%s: cannot connect: %s", ours, strerror(-*fd));
		*fd = -1;
		return 0;
	}
	config->notify_path = NOTIFY_GUEST_PATH;
	return process_set_env(config, NAME NOTIFY_GUEST_PATH, failure);
}
