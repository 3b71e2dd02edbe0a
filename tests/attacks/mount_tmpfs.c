/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts a new file system. */
/* EXPECT: default=EPERM bare=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	return tried_mount(mount("x", "/mnt", "tmpfs", 0, NULL),
			   "/mnt");
}
