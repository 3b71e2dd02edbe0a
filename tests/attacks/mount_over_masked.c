/* SPDX-License-Identifier: Apache-2.0 */
/* Nested mount: covers a masked file with another one. */
/* EXPECT: default=EPERM bare=EPERM crun=success */
#include "attack.h"

int main(void)
{
	return tried_mount(mount("/proc/uptime", "/proc/timer_list", NULL, MS_BIND, NULL),
			   "/proc/timer_list");
}
