/* SPDX-License-Identifier: Apache-2.0 */
/* The unified hierarchy, writable. */
/* EXPECT: default=EPERM bare=EPERM crun=success */
#include "attack.h"

int main(void)
{
	return tried_mount(mount("x", "/mnt", "cgroup2", 0, NULL),
			   "/mnt");
}
