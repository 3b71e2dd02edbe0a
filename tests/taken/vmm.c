/* SPDX-License-Identifier: Apache-2.0 */
/* A taken-over nacre-vmm: its own stages of confinement, every kind of its threads. See taken.h. */
#include <assert.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "taken.h"
#include "vmm/confine.h"
#include "vmm/filter.h"
#include "vmm/machine.h"

/* In place of main.c's: the confinement of this process failed, so that the trick is not reached. */
void setup_fail(int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fprintf(stderr, "taken-over vmm: ");
	vfprintf(stderr, format, ap);
	fprintf(stderr, ": %s\n", strerror(err));
	va_end(ap);
	_exit(1);
}

static int user_ns;

static void confine(const struct world *w, int kind, bool with_filter)
{
	confine_descriptors((const int[]){ w->file_fd, w->socket_fd, w->vm_fd, user_ns }, 4);
	confine_namespaces(user_ns, -1);
	confine_privileges();
	confine_files(-1, false);
	if (with_filter)
		filter_apply((enum filter_kind)kind);
}

/* Landlock does not see it: nothing but the empty root refuses it. */
static bool see_files(const struct world *w)
{
	(void)w;
	return access("/etc", F_OK) == 0 || access("/proc", F_OK) == 0;
}

int main(void)
{
	const struct trick more[] = { taken_send_descriptor,
				      { "see that a file exists", see_files, false } };

	static const struct kind kinds[] = {
		[FILTER_DEVICE] = { "device thread", confine },
		[FILTER_VCPU] = { "vCPU thread", confine },
		[FILTER_FILES] = { "file thread", confine },
		[FILTER_NET] = { "network thread", confine },
		[FILTER_NET_VHOST] = { "network thread with vhost-net", confine },
		[FILTER_BLK] = { "disk thread", confine },
		[FILTER_TEMPLATE] = { "device thread of a template", confine },
	};
	static_assert(sizeof(kinds) / sizeof(kinds[0]) == FILTER_COUNT, "every kind of thread");
	char map[32];

	snprintf(map, sizeof(map), "0 %u 1\n", TAKEN_UID);
	user_ns = taken_user_ns(map, map);
	return taken_run("vmm", kinds, FILTER_COUNT, more, 2, CLONE_NEWPID);
}
