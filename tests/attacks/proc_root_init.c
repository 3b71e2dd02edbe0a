/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves by the root of process 1. */
/* EXPECT: default=contained bare=contained wide=contained */
#include "attack.h"

int main(void)
{
	struct stat here, there;

	NEED(stat("/", &here));
	if (stat("/proc/1/root/../..", &there) < 0)
		return errno;
	return here.st_ino == there.st_ino && here.st_dev == there.st_dev ? CONTAINED : SUCCEEDED;
}
