/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre-monitor: stands on the host for one process in a guest. Its pid is the container's pid for
 * the orchestrator; it holds the caller's standard streams and one control connection to the guest.
 *
 * argv and descriptors come from nacre and are trusted; what comes over the control connection was
 * written by the guest and is not.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "confine.h"
#include "filter.h"
#include "nacre_link.h"
#include "session.h"
#include "witness.h"

static void check(int sync_fd, int err, const char *what)
{
	char text[256];

	if (!err)
		return;
	snprintf(text, sizeof(text), "nacre-monitor: %s: %s", what, strerror(-err));
	link_failed(sync_fd, 125, text);
	_exit(125);
}

int main(int argc, char *argv[])
{
	struct options options;
	const char *wrong = options_parse(&options, argc, argv);
	int witness_fd;

	if (wrong) {
		link_log(-1, wrong);
		return 125;
	}
	check(options.sync_fd, confine_session(), "cannot make a session");
	witness_fd = witness_start(&options);
	check(options.sync_fd, WITNESS_ERROR(witness_fd), "cannot fork");
	check(options.sync_fd, session_prepare(&options, witness_fd), "cannot prepare the session");
	check(options.sync_fd, confine_enter(options.net_ns_fd, options.mount_ns_fd),
	      "cannot enter the container's namespaces");
	check(options.sync_fd, session_prepare_network(), "cannot prepare for the resolver");
	link_say(options.sync_fd, MONITOR_ENTERED);
	check(options.sync_fd, confine_privileges(session_highest_fd()),
	      "cannot give up privileges");
	check(options.sync_fd, confine_files(options.confined_fd), "Landlock");
	/* Below this line the process holds no privilege and opens nothing. */

	session_begin();
	check(options.sync_fd, filter_apply(), "seccomp");
	/* Below this line only the system calls of monitor.policy are left. */

	session_run();
}
