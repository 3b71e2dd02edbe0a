/* SPDX-License-Identifier: Apache-2.0 */
/* A taken-over nacre-monitor, in the mount namespace of a container of an unprivileged user. */
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/confine.h"
#include "monitor/filter.h"
#include "taken.h"

static void confine(const struct world *w, int kind, bool with_filter)
{
	(void)kind;
	(void)w;
	if (confine_session() || confine_enter(-1, -1))
		_exit(1);
	/* as a user starts it; root's keeps uid 0, without a capability */
	if (setresgid(TAKEN_UID, TAKEN_UID, TAKEN_UID) || setresuid(TAKEN_UID, TAKEN_UID, TAKEN_UID))
		_exit(1);
	if (confine_privileges(1000) || confine_files(-1) || (with_filter && filter_apply()))
		_exit(1);
}

/* What the policy lets it do to one address, done to another. */
static bool connect_elsewhere(const struct world *w)
{
	struct sockaddr_in other = { .sin_family = AF_INET, .sin_port = htons(22) };

	other.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)connect(w->socket_fd, (struct sockaddr *)&other, sizeof(other));
	return true; /* it came back: the filter has let it pass */
}

int main(void)
{
	static const struct kind kinds[] = { { "all threads", confine, true } };
	const struct trick more[] = {
		taken_send_descriptor,
		{ "connect elsewhere", connect_elsewhere, true },
	};

	return taken_run("monitor", kinds, 1, more, 2, 0);
}
