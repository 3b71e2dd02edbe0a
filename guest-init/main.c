/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre-init: PID 1 of the guest. It makes the machine usable, keeps connections to the host open,
 * makes containers as their plans say, moves their standard streams, reaps, and resets the machine
 * when nothing is left to do (docs/architecture.md "Life of nacre run").
 *
 * Its input is the control protocol, from the host, which is checked; the containers' processes are
 * hostile and have no way to speak to it but through their standard streams, which it does not
 * read.
 */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "children.h"
#include "devices.h"
#include "kernel.h"
#include "link.h"
#include "loop.h"
#include "machine.h"
#include "session.h"

/* Read out of the file by `nacre --version`. */
static const char version[] __attribute__((used, retain)) = "nacre-init version " NACRE_VERSION;

int main(void)
{
	int r;

	/*
	 * Executed by a container, as its own, through /proc/self/exe of a process that joins
	 * (CVE-2019-5736): of no use there. The guest's kernel starts us without a /proc.
	 */
	if (getpid() != 1 || access("/proc/self", F_OK) == 0)
		return 1;
	/*
	 * Not dumpable: processes that come from this one by clone stay so until exec, and nothing
	 * in a container can look into them.
	 */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	machine_mount();
	devices_own();
	machine_set_parameters();
	/*
	 * A writer into a pipe that we read goes on writing: woken, we wait for it to pause or for
	 * the pipe to be full, and pass on in one piece what came in many. Nothing is later for it
	 * that waits for an answer (sched(7), "SCHED_BATCH").
	 */
	(void)kernel_sched_policy(SCHED_BATCH);
	/* A peer that closed is an error of write(2), not a signal. */
	signal(SIGPIPE, SIG_IGN);
	r = loop_open();
	if (r == 0)
		r = children_watch();
	if (r < 0)
		machine_die("event loop: %s", strerror(-r));
	link_start();

	/*
	 * No exit below this line: the kernel panics when PID 1 ends. machine_reset() is the end.
	 */
	while (!session_all_over()) {
		r = loop_step();
		if (r < 0)
			machine_die("event loop: %s", strerror(-r));
	}
	machine_reset();
}
