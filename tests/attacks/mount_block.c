/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's own disk or another file system on a block device. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM */
#include "attack.h"

int main(void)
{
	return tried_mount(mount("/dev/vda", "/mnt", "ext4", MS_RDONLY, NULL),
			   "/mnt");
}
