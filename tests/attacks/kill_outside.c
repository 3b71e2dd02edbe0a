/* SPDX-License-Identifier: Apache-2.0 */
/* Signals every process that it can see beyond its own. */
/* EXPECT: default=contained bare=contained wide=contained */
#include "attack.h"

int main(void)
{
	/* the container's processes are the driver and the attack */
	for (pid_t pid = 2; pid < 32768; pid++) {
		if (pid != getpid() && kill(pid, 0) == 0)
			return SUCCEEDED;
	}
	return CONTAINED;
}
