/* SPDX-License-Identifier: Apache-2.0 */
/* debugfs, a door to the whole kernel. */
/* EXPECT: default=EPERM bare=EPERM wide=ENODEV crun=success */
#include "attack.h"

int main(void)
{
	return tried_mount(mount("x", "/mnt", "debugfs", 0, NULL),
			   "/mnt");
}
