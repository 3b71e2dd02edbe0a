/* SPDX-License-Identifier: Apache-2.0 */
/* Lifts its own limit. */
/* EXPECT: default=EACCES bare=EACCES wide=EACCES */
#include "attack.h"

int main(void)
{
	return write_same("/sys/fs/cgroup/pids.max");
}
