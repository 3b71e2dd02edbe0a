/* SPDX-License-Identifier: Apache-2.0 */
/* Traces a process that is not its child: Yama is strict in the guest. */
/* EXPECT: default=EPERM bare=EPERM wide=success */
#include "attack.h"

int main(void)
{
	pid_t victim = fork(), tracer;
	int status;

	NEED(victim);
	if (victim == 0) {
		pause();
		_exit(0);
	}
	tracer = fork();
	NEED(tracer);
	if (tracer == 0)
		_exit(tried(ptrace(PTRACE_SEIZE, victim, NULL, NULL)));
	NEED(waitpid(tracer, &status, 0));
	kill(victim, SIGKILL);
	return WEXITSTATUS(status);
}
