/* SPDX-License-Identifier: Apache-2.0 */
/* Resolvers inside a container's network namespace; see net_resolver.h. */
#include "net_resolver.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "proto.h"

/* Longer than any that a resolver reads to its end. */
#define RESOLV_CONF_MAX 8192

const char *net_resolv_conf_of(const struct container_config *config)
{
	const char *found = NULL;

	for (size_t i = 0; i < config->mounts.n; i++) {
		const struct config_mount *mount = &config->mounts.v[i];

		if (mount->is_bind && strcmp(mount->destination, "/etc/resolv.conf") == 0)
			found = mount->source;
	}
	return found;
}

/* resolv.conf(5): "the keyword must start the line", blanks, the address. */
static bool line_names(const char *line, const char *address)
{
	static const char keyword[] = "nameserver";
	size_t len = strlen(address);

	if (strncmp(line, keyword, strlen(keyword)) != 0)
		return false;
	line += strlen(keyword);
	if (*line != ' ' && *line != '\t')
		return false;
	line += strspn(line, " \t");
	return strncmp(line, address, len) == 0 && strchr(" \t\r", line[len]);
}

bool net_resolver_is_inside(const char *resolv_conf)
{
	static const uint8_t ip[] = PROTO_RESOLVER_ADDRESS;
	autoclose int fd = resolv_conf ? open(resolv_conf, O_RDONLY | O_NONBLOCK | O_NOCTTY |
							   O_CLOEXEC) : -1;
	char text[RESOLV_CONF_MAX], address[16], *rest = text, *line;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	snprintf(address, sizeof(address), "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
	while ((line = strsep(&rest, "\n"))) {
		if (line_names(line, address))
			return true;
	}
	return false;
}
