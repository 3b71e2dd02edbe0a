/* SPDX-License-Identifier: Apache-2.0 */
/* Moves itself to the cgroup above. */
/* EXPECT: default=EACCES bare=EACCES wide=success crun=success */
#include "attack.h"

int main(void)
{
	/* the root of a cgroup namespace has no door upwards; its own file is as far as it gets */
	return write_to("/sys/fs/cgroup/../cgroup/cgroup.procs", "0");
}
