/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes without end, or 200 at least: the limit of 40 holds, and those that are there die with
 * the attack.
 */
/* EXPECT: wide=EAGAIN */
#include "attack.h"

int main(void)
{
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return errno;
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
	}
	return SUCCEEDED;
}
