/* SPDX-License-Identifier: Apache-2.0 */
/* Sets the clock, to what it says. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include <time.h>

#include "attack.h"

int main(void)
{
	struct timespec now;

	NEED(clock_gettime(CLOCK_REALTIME, &now));
	return tried(syscall(SYS_clock_settime, CLOCK_REALTIME, &now));
}
