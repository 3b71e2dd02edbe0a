/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the processor for good. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	struct sched_param param = { .sched_priority = 99 };

	return tried(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
}
