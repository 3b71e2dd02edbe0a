/* SPDX-License-Identifier: Apache-2.0 */
/* A cgroup v1 hierarchy, whose release_agent the kernel would run as root of the machine. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	/* A named hierarchy needs no controller. */
	return tried_mount(mount("x", "/mnt", "cgroup", 0, "none,name=attack"),
			   "/mnt");
}
