/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM's table of descriptors; see layers_fds.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "layers_fds.h"
#include "proc_read.h"

/*
 * What proc(5) calls the objects: the machine, the loop, its eventfds, sockets to monitors and to the
 * broker, standard streams, taps, vhost-net. Anything else must be a regular file: the status record,
 * the console log, what the broker donated, all of which are opened by others.
 */
static const char *const expected[] = {
	"anon_inode:kvm-vm", "anon_inode:kvm-vcpu", "anon_inode:[eventfd]",
	"anon_inode:[eventpoll]", "anon_inode:[timerfd]", "socket:[", "pipe:[", "/dev/null",
	"/null", "/dev/net/tun", "/net/tun", "/dev/vhost-net", "/vhost-net",
};

static bool is_expected(pid_t pid, const char *name, const char *link)
{
	char path[128];
	struct stat st;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		if (strncmp(link, expected[i], strlen(expected[i])) == 0)
			return true;
	}
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* fdinfo: "flags:\t0NNNN", octal. */
static bool is_cloexec(pid_t pid, int fd)
{
	char name[64], text[1024];
	const char *at;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	if (proc_file_read(pid, name, text, sizeof(text)) < 0)
		return true; /* closed meanwhile */
	at = strstr(text, "flags:");
	return at && (strtoul(at + 6, NULL, 8) & O_CLOEXEC);
}

static void look_at(struct layers_fds *fds, pid_t pid, int fd)
{
	char name[64], link[160];

	snprintf(name, sizeof(name), "fd/%d", fd);
	if (proc_link_read(pid, name, link, sizeof(link)) < 0)
		return; /* closed meanwhile */
	fds->n++;
	fds->n_vm += strcmp(link, "anon_inode:kvm-vm") == 0;
	fds->n_vhost += strstr(link, "/vhost-net") != NULL;
	fds->n_vcpu += strncmp(link, "anon_inode:kvm-vcpu", 19) == 0;
	if (fd > 2 && !is_cloexec(pid, fd))
		fds->n_inherited++;
	if (!fds->unexpected[0] && !is_expected(pid, name, link))
		snprintf(fds->unexpected, sizeof(fds->unexpected), "%s", link);
}

int layers_fds_read(pid_t pid, struct layers_fds *fds)
{
	const struct dirent *entry;
	char path[64];
	DIR *dir;

	*fds = (struct layers_fds){ .n = 0 };
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			look_at(fds, pid, (int)strtol(entry->d_name, NULL, 10));
	}
	closedir(dir);
	return 0;
}
