/* SPDX-License-Identifier: Apache-2.0 */
/* Resolvers inside a container's network namespace; see net_resolver.h. */
#include "net_resolver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "proto.h"
#include "resolve.h"

/* Longer than any that a resolver reads to its end. */
#define RESOLV_CONF_MAX 8192

/*
 * What is left of `path` below `at`, both absolute, names parted by any number of slashes and dots, as the kernel
 * walks them; "" when they are the same, NULL when it is not below. Of ".." nothing is known: it is a name.
 */
static const char *rest_below(const char *at, const char *path)
{
	for (;;) {
		size_t len;

		while (*at == '/' || (at[0] == '.' && (at[1] == '/' || !at[1])))
			at++;
		while (*path == '/' || (path[0] == '.' && (path[1] == '/' || !path[1])))
			path++;
		len = strcspn(at, "/");
		if (len == 0)
			return path;
		if (strcspn(path, "/") != len || memcmp(at, path, len) != 0)
			return NULL;
		at += len;
		path += len;
	}
}

struct net_resolv_conf net_resolv_conf_of(const struct container_config *config, struct arena *arena)
{
	static const char path[] = "/etc/resolv.conf";
	struct net_resolv_conf found = { .root = config->root_path, .path = path };

	for (size_t i = 0; i < config->mounts.n; i++) {
		const struct config_mount *mount = &config->mounts.v[i];
		const char *rest = rest_below(mount->destination, path);

		if (!rest) /* the last one covers those before it */
			continue;
		found = (struct net_resolv_conf){ .path = NULL };
		if (!mount->is_bind || strcmp(mount->type, "overlay") == 0)
			continue;
		if (*rest == '\0')
			found.path = mount->source;
		else
			found = (struct net_resolv_conf){ mount->source,
							  arena_printf(arena, "%s", rest) };
	}
	return found;
}

/* Opens it when it is a regular file: opening a device or a FIFO could do more than tell what it is. -1: it is not. */
static int open_file(const struct net_resolv_conf *file)
{
	autoclose int root_fd = file->root ? open(file->root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	autoclose int path_fd = -1;
	char again[64];
	struct stat st;

	if (!file->path || (file->root && root_fd < 0))
		return -1;
	path_fd = resolve_path(file->root ? root_fd : AT_FDCWD, file->path, file->root ? RESOLVE_IMAGE : 0);
	if (path_fd < 0 || fstat(path_fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", path_fd);
	return open(again, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* resolv.conf(5): "the keyword must start the line", blanks, the address. */
static bool line_names(const char *line, uint8_t address[4])
{
	static const char keyword[] = "nameserver";
	char text[INET_ADDRSTRLEN];
	size_t len;

	if (strncmp(line, keyword, strlen(keyword)) != 0)
		return false;
	line += strlen(keyword);
	if (*line != ' ' && *line != '\t')
		return false;
	line += strspn(line, " \t");
	len = strcspn(line, " \t\r");
	if (len >= sizeof(text))
		return false;
	memcpy(text, line, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, address) == 1;
}

void net_resolvers_read(struct net_resolvers *resolvers, const struct net_resolv_conf *file)
{
	static const uint8_t inside[] = PROTO_RESOLVER_ADDRESS;
	autoclose int fd = open_file(file);
	char text[RESOLV_CONF_MAX], *rest = text, *line;
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	*resolvers = (struct net_resolvers){ .n = 0 };
	if (n <= 0)
		return;
	text[n] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		uint8_t address[4];

		if (!line_names(line, address) || address[0] != inside[0])
			continue;
		if (memcmp(address, inside, sizeof(inside)) == 0)
			resolvers->is_inside = true;
		else if (resolvers->n < NET_RESOLVERS_MAX)
			memcpy(resolvers->other[resolvers->n++], address, sizeof(address));
	}
}

/* Whether a line of /proc/net/udp is of a socket at the address, or at any, and the resolvers' port. */
static bool line_listens(const char *line, const uint8_t address[4])
{
	const char *local = strchr(line, ':'); /* "  SLOT: ADDRESS:PORT ...", in hexadecimal */
	unsigned long at;
	uint32_t here;
	char *end;

	if (!local)
		return false;
	memcpy(&here, address, sizeof(here)); /* as the kernel prints it: a word of the host's */
	at = strtoul(local + 1, &end, 16);
	return *end == ':' && strtoul(end + 1, NULL, 16) == PROTO_RESOLVER_PORT &&
	       (at == here || at == INADDR_ANY);
}

int net_resolvers_listening(void *ctx)
{
	struct net_resolvers *resolvers = ctx;
	FILE *sockets = resolvers->n ? fopen("/proc/thread-self/net/udp", "re") : NULL;
	bool listens[NET_RESOLVERS_MAX] = { false };
	unsigned int n = 0;
	char line[256];

	while (sockets && fgets(line, sizeof(line), sockets)) {
		for (unsigned int i = 0; i < resolvers->n; i++)
			listens[i] |= line_listens(line, resolvers->other[i]);
	}
	if (sockets)
		fclose(sockets);
	for (unsigned int i = 0; i < resolvers->n; i++) {
		if (listens[i])
			memmove(resolvers->other[n++], resolvers->other[i], 4);
	}
	resolvers->n = n;
	return 0;
}
