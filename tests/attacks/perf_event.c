/* SPDX-License-Identifier: Apache-2.0 */
/* Watches the kernel with perf_event_open. */
/* EXPECT: default=EPERM bare=EACCES wide=EACCES crun=success */
#include <linux/perf_event.h>

#include "attack.h"

int main(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK,
	};

	return tried(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0));
}
