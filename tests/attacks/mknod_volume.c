/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a device node in a volume, to be opened on the host. */
/* EXPECT: default=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	unlink("/v/kmsg");
	return tried(mknod("/v/kmsg", S_IFCHR | 0666, makedev(1, 11)));
}
