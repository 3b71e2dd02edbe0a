/* SPDX-License-Identifier: Apache-2.0 */
/* A taken-over nacre-monitor, in the mount namespace of a container of an unprivileged user. */
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/confine.h"
#include "monitor/filter.h"
#include "taken.h"

static void confine(const struct world *w, int kind, bool with_filter)
{
	(void)kind;
	/* as a user starts it; root's keeps uid 0, without a capability */
	if (setresgid(TAKEN_UID, TAKEN_UID, TAKEN_UID) || setresuid(TAKEN_UID, TAKEN_UID, TAKEN_UID))
		_exit(1);
	(void)w;
	if (confine_session() || confine_enter(-1, -1) || confine_privileges(1000) ||
	    confine_files(-1) || (with_filter && filter_apply()))
		_exit(1);
}

int main(void)
{
	static const struct kind kinds[] = { { "all threads", confine, true } };

	return taken_run("monitor", kinds, 1, &taken_send_descriptor, 1, 0);
}
