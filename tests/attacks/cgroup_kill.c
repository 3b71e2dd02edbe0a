/* SPDX-License-Identifier: Apache-2.0 */
/* Kills its whole cgroup, whoever is in it. */
/* EXPECT: default=EACCES bare=EACCES wide=EACCES */
#include "attack.h"

int main(void)
{
	return write_to("/sys/fs/cgroup/cgroup.kill", "1");
}
