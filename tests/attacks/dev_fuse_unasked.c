/* SPDX-License-Identifier: Apache-2.0 */
/* A device that the guest has and the container did not ask for. */
/* EXPECT: default=ENOENT */
#include "attack.h"

int main(void)
{
	return tried(open("/dev/fuse", O_RDWR));
}
