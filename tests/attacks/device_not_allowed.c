/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens a device that is there, with a node that it may write to, but that
 * linux.resources.devices does not allow (here /dev/fuse).
 */
/* EXPECT: bare=EPERM */
#include "attack.h"

int main(void)
{
	return tried(open("/dev/fuse", O_RDWR));
}
