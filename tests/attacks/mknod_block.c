/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the node of a disk. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	return tried(mknod("/tmp/disk", S_IFBLK | 0600, makedev(8, 0)));
}
