/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel addresses and what the machine does. */
/* EXPECT: default=empty bare=empty wide=EACCES crun=success */
#include "attack.h"

int main(void)
{
	return read_from("/proc/timer_list");
}
